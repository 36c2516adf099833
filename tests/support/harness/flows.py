"""What a worker does for an order: a flow built by ``shared.bootstrap`` over real parts, with short waits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud import tasks_v2
from google.cloud.firestore_v1.base_client import BaseClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport

from shared import bootstrap, channels  # noqa: F401 - what is imported here is not imported after each fork
from shared.adapters import (  # noqa: F401 - likewise
    canary_orders,
    canary_visitor,
    cloud_tasks,
    firestore_canary,
    firestore_erasures,
    firestore_followups,
    firestore_retention,
    knowledge_file,
    monday,
    monday_erasing,
    slack,
    smtp,
    system,
    tokens,
    visitor_mail,
    webhook,
)
from shared.adapters.firestore import Database
from shared.domain import destination as places
from shared.domain import ids
from shared.domain.alert import Policy
from shared.domain.contact import ContactDetails
from shared.domain.rights import Claims
from shared.domain.turn import Visitor
from shared.edge import unsubscribe_answers  # noqa: F401 - likewise
from shared.errors import RequestError
from shared.flows import admit_message, answer_message, backlog
from shared.flows import canary as canary_flow
from shared.flows.answer_message import AnswerMessage
from shared.flows.deliver_alert import DeliverAlert
from shared.flows.deliver_digest import DeliverDigest
from shared.flows.opt_out import Asking
from tests.support.harness import documents, plants
from tests.support.harness.shim import Shim
from tests.support.slices import Slices

DOUBT_SECONDS = 0.5
"""Instead of minutes: a chat that died in a trial writes no more."""

LEAST_DRAIN_SECONDS = 0.2
"""Instead of fifteen: nobody in a trial is that far behind."""


@dataclass
class SkewedClock(system.SystemClock):
    """The clock of a machine that is wrong."""

    seconds: float

    def now(self) -> datetime:
        """Wrong by so many seconds."""
        return super().now() + timedelta(seconds=self.seconds)


@dataclass
class InThisProcess:
    """``shared.ports.canary.CanaryVisitor`` of a chat that is no function."""

    chat: answer_message.MessageAnswering

    def write(self, message: str, name: str, token: str) -> str:
        """As over HTTP."""
        visitor = Visitor(message, ContactDetails(name=name), None, None)
        said = ""
        for _ in range(canary_visitor.TRIES):
            try:
                self.chat(AnswerMessage(visitor, None, None, "the job", ids.request_hash(message), token))
            except RequestError as error:
                said = f"http_{error.status}"
            else:
                return "ok"
        return said


@dataclass
class Flows:
    """The flows of one worker for one trial.

    Attributes:
        shim: what the calls pass.
        trial: the trial's order: ``environ``, ``policy`` (seconds), ``plant``, ``skew``, ``remind``, ``claim``.
    """

    shim: Shim
    trial: Mapping[str, Any]
    _built: dict[str, Any] = field(default_factory=dict)

    def do(self, what: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a step; what it answers, as JSON takes it."""
        backlog.LEAST_DRAIN = timedelta(seconds=LEAST_DRAIN_SECONDS)
        places.REMIND_AFTER = timedelta(seconds=self.trial["remind"])
        admit_message.CLAIM_LIFE = answer_message.CLAIM_LIFE = timedelta(seconds=self.trial["claim"])
        steps: dict[str, Callable[..., Any]] = {
            "chat": self._chat,
            "deliver": self._deliver,
            "sweep": self._sweep,
            "cleanup": self._cleanup,
            "followups": self._followups,
            "unsubscribe": self._unsubscribe,
            "migrate": self._migrate,
            "canary": self._canary,
            "alerts": lambda: documents.alerts(self._database),
            "everything": lambda: documents.everything(self._database),
            "collection": lambda **how: documents.collection(self._database, **how),
            "age": lambda **how: documents.age(self._database, **how),
            "outdate": lambda: documents.outdate(self._database),
        }
        return steps[what](**arguments)

    def _chat(
        self,
        email: str,
        key: str | None = None,
        session: str | None = None,
        message: str | None = None,
        *,
        marketing: bool | None = None,
    ) -> Any:
        said = message or f"Hi, call me, {email}"
        visitor = Visitor(said, ContactDetails(), None, marketing)
        asked = AnswerMessage(visitor, session, key, f"client of {email}", ids.request_hash(said))
        answered = self._of("chat", bootstrap.chat).flow(asked)
        return {**answered.body, "replayed": answered.replayed}

    def _deliver(
        self, alert_id: str = "", generation: int = 0, channel: str | None = None, digest_id: str | None = None
    ) -> Any:
        built = self._of("deliver_alert", bootstrap.deliver_alert)
        if digest_id is not None:
            return built.digests(DeliverDigest(digest_id))
        return built.flow(DeliverAlert(alert_id, generation, channel))

    def _sweep(self, slot: str | None = None) -> Any:
        built = self._of("retry_dead_letters", bootstrap.retry_dead_letters)
        swept = built.once("retry_dead_letters" if slot else None, slot, built.flow)
        return None if swept is None else [swept.requeued, swept.postponed]

    def _cleanup(self, slot: str | None = None, *, daily: bool = False) -> Any:
        built = self._of("cleanup", bootstrap.cleanup)
        cleaned = built.once("cleanup" if slot else None, slot, built.daily if daily else built.flow)
        return None if cleaned is None else [cleaned.expired, cleaned.alerts, cleaned.more]

    def _followups(self, slot: str | None = None) -> Any:
        built = self._of("send_followups", bootstrap.send_followups)
        done = built.once("send_followups" if slot else None, slot, built.flow)
        return None if done is None else [done.made, done.looked_at, done.more]

    def _unsubscribe(self, action: str, email: str, conversation_id: str) -> Any:
        """What a visitor does with the link of their e-mail."""
        flow = self._of("unsubscribe", bootstrap.unsubscribe).flow
        address = ids.address_hash(email, self.trial["environ"]["ADDRESS_HASH_KEY"])
        claims = flow.claims(flow.tokens.make(Claims("marketing", address, conversation_id, "en"), flow.clock.now()))
        getattr(flow, action)(claims, Asking("client", "one_click"))
        return flow.standing(claims).erasure

    def _migrate(self, step: str) -> Any:
        """Run a step of the migrations to its end, whoever began with it; its state."""
        built, asked = self._of("admin_migration", bootstrap.admin_migration), Slices()
        asking = replace(built.flow, slices=asked, lease=timedelta(seconds=self.trial["policy"]["lease"]))
        working = replace(built.slice, slices=asked, lease=asking.lease)
        asking.run(step, "an operator")
        while asked.asked:
            working(asked.asked.pop(0))
        return asking.one(step)["state"]

    def _canary(self, slot: str | None = None, *, off: bool = False) -> Any:
        """The canary's job; its chat is in this process, so that the chat's calls can be struck too."""
        canary_flow.SETTLED = timedelta(seconds=DOUBT_SECONDS)
        built = self._of("canary", bootstrap.canary)
        chat = InThisProcess(self._of("chat", bootstrap.chat).flow)
        flow = replace(built.flow, visitor=chat, doubt=timedelta(seconds=DOUBT_SECONDS))
        done = built.once("canary" if slot else None, slot, replace(flow, orders=None) if off else flow)
        legs = done.run.legs if done is not None and done.run is not None else {}
        return None if done is None else [done.removed, *(leg.mark.value for leg in legs.values())]

    @property
    def _database(self) -> Database:
        if "database" not in self._built:
            self._built["database"] = Database(self.trial["environ"]["GOOGLE_CLOUD_PROJECT"])
        database: Database = self._built["database"]
        return database

    def _of(self, name: str, build: Callable[[Mapping[str, str]], Any]) -> Any:
        if name not in self._built:
            made = self._adjusted(build(self.trial["environ"]))
            self._built[name] = plants.planted(self.trial["plant"], name, made)
        return self._built[name]

    def _adjusted(self, built: Any) -> Any:
        """The same with the waits of a trial, and a clock that may be wrong; in every part of its flows."""
        flows = {name: getattr(built, name) for name in ("flow", "daily", "digests") if hasattr(built, name)}
        return replace(built, **{name: self._with_waits(flow) for name, flow in flows.items()})

    def _with_waits(self, part: Any) -> Any:
        changes: dict[str, Any] = {}
        for item in fields(part):
            value = getattr(part, item.name)
            if item.name in ("send_seconds", "margin_seconds", "run_seconds"):
                changes[item.name] = self.trial[item.name]
            elif item.name == "clock":
                changes[item.name] = SkewedClock(self.trial["skew"])
            elif item.name == "lease":
                changes[item.name] = timedelta(seconds=self.trial["policy"]["lease"])
            elif isinstance(value, Policy):
                seconds = {key: timedelta(seconds=each) for key, each in self.trial["policy"].items()}
                changes[item.name] = replace(value, **seconds)
            elif is_dataclass(value) and type(value).__module__.startswith("shared.flows"):
                changes[item.name] = self._with_waits(value)
        return replace(part, **changes)


def install(shim: Shim) -> None:
    """Before anything is connected: one connection to Firestore and one to Cloud Tasks, for all trials of a worker."""

    @functools.cache
    def channel(host: str) -> grpc.Channel:
        return shim.wire(grpc.insecure_channel(host, options=[("Authorization", "Bearer owner")]))

    @functools.cache
    def tasks(host: str) -> tasks_v2.CloudTasksClient:
        transport = CloudTasksRestTransport(host=host, url_scheme="http", credentials=AnonymousCredentials())
        transport._session.mount("http://", shim.adapter("tasks"))
        return tasks_v2.CloudTasksClient(transport=transport)

    made: dict[str, Any] = {}

    def api(self: BaseClient, *how: Any) -> Any:
        """One for all projects: it is made once a worker, and names no project."""
        if self._emulator_host not in made:
            made[self._emulator_host] = really(self, *how)
        return made[self._emulator_host]

    really = BaseClient._firestore_api_helper
    BaseClient._firestore_api_helper = api
    BaseClient._emulator_channel = lambda self, _transport: channel(self._emulator_host)
    cloud_tasks.CloudTasks._connect = lambda self: tasks(self._emulator_host)  # type: ignore[method-assign]
    shim.install()


def warm_up() -> None:
    """Load what the flows load, once, in the process that workers are forked from; nothing is connected."""
    for name in bootstrap.__all__:
        getattr(bootstrap, name)
    knowledge_file.load_knowledge = functools.cache(knowledge_file.load_knowledge)
    knowledge_file.load_knowledge(None)


def connect(project: str) -> None:
    """Connect a new worker to Firestore before it is given a step, so that no lease runs meanwhile."""
    database = Database(project)
    database.read([database.document("nothing", "here")])
