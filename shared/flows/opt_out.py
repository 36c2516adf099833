"""What a visitor does with a link or an address: opt out of marketing mail, undo it, have everything erased.

Opting an address out needs no proof: it is harmless, recorded, limited and can be undone with a link. The answer to it
is the same for every address, and so is the work. Everything else takes a link (guarantee 23).
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain import ids
from shared.domain.admission import Rate
from shared.domain.contact import valid_email
from shared.domain.rights import Claims, OptOutStanding, Recorded
from shared.errors import QueueError, RequestError, StorageError, Unavailable
from shared.flows.operations import answered
from shared.flows.rate_guard import RateGuard
from shared.ports import Chance, Clock, Continuation, Events
from shared.ports.rights import RightsStore, Tokens


@dataclass(frozen=True)
class Asking:
    """Who asks.

    Attributes:
        client: the network address the request came from, normalised.
        source: ``page``, ``one_click`` or ``api``.
    """

    client: str
    source: str


@dataclass(frozen=True)
class OptingOut:
    """The flows with what they need.

    Attributes:
        store: opt-outs and the audit.
        tokens: reads links.
        guard: limits the requests that need no link.
        sweep: asked to begin an erasure at once.
        hash_key: what addresses are hashed with.
        clock: for the life of links.
        chance: for the ids of records.
        events: where to report.
    """

    store: RightsStore
    tokens: Tokens
    guard: RateGuard
    sweep: Continuation
    hash_key: str
    clock: Clock
    chance: Chance
    events: Events

    def claims(self, token: str) -> Claims:
        """What a link says.

        Raises:
            TokenRefused: it is not valid.
            TokenExpired: it was, too long ago.
        """
        return self.tokens.read(token, self.clock.now())

    def by_address(self, email: str, asking: Asking) -> Rate:
        """Opt an address out; nothing tells whether it is known.

        Raises:
            RequestError: 400, it is no address.
            RateLimited: the client is over its limit.
            Unavailable: storage did not answer; it can safely be asked again.
        """
        address = valid_email(email)
        if address is None:
            detail = "email: is not valid; it takes an e-mail address such as ana@example.com."
            raise RequestError(400, detail, slug="invalid-field", title="A field is invalid", field="email")
        rate = self.guard(asking.client)
        hashed = ids.address_hash(address, self.hash_key)
        self._suppress(hashed, self._record("anyone", "unsubscribe", asking, hashed, None))
        return rate

    def by_link(self, claims: Claims, asking: Asking) -> None:
        """Opt the link's address out; again and again is one change; raises Unavailable."""
        self._suppress(claims.address, self._of_link("unsubscribe", claims, asking))

    def undo(self, claims: Claims, asking: Asking) -> None:
        """Take an opt-out back; raises Unavailable."""
        with answered(self.events):
            if self.store.lift(claims.address, self._of_link("undo", claims, asking)):
                self.events("opt_out_undone")

    def revoke(self, claims: Claims, asking: Asking) -> None:
        """Have everything of the link's address erased, and opt it out; it goes on by itself; raises Unavailable."""
        with answered(self.events):
            begun = self.store.request_erasure(
                claims.address, claims.conversation_id, self._of_link("erasure_requested", claims, asking)
            )
        if not begun:
            return
        self.events("erasure_requested", conversation_id=claims.conversation_id)
        try:
            self.sweep.ask(f"erasure {self.chance.token()}")
        except QueueError as error:  # the scheduler's next run of the sweep begins it
            self.events("enqueue_failed", error=str(error))

    def standing(self, claims: Claims) -> OptOutStanding:
        """How the link's address stands; raises Unavailable."""
        with answered(self.events):
            return self.store.standing(claims.address)

    def _suppress(self, address: str, record: Recorded) -> None:
        try:
            changed = self.store.suppress(address, "unsubscribed", record)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error
        if changed:
            self.events("opted_out")

    def _of_link(self, action: str, claims: Claims, asking: Asking) -> Recorded:
        return self._record("link", action, asking, claims.address, claims.conversation_id)

    def _record(self, actor: str, action: str, asking: Asking, address: str, conversation_id: str | None) -> Recorded:
        return Recorded(
            id=self.chance.token(),
            actor=actor,
            action=action,
            source=asking.source,
            address=address,
            conversation_id=conversation_id,
            client=ids.client_hash(asking.client, self.hash_key),
        )
