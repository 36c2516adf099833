"""``unsubscribe`` at the edge: what each request means, and the pages. What is stored is in the adapters' tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import flask
import pytest

from shared.adapters.tokens import SignedTokens
from shared.domain import ids
from shared.domain.admission import Limit, Memory
from shared.domain.rights import MARKETING, TOKEN_LIFE, Claims
from shared.edge.page_texts import PAGE_TEXTS
from shared.edge.pages import Pages
from shared.edge.unsubscribe_answers import Answers
from shared.errors import Conflict, StorageUnavailable
from shared.flows.opt_out import OptingOut
from shared.flows.rate_guard import RateGuard
from tests.support.chat_stores import FakeWindows
from tests.support.fakes import FakeChance, FakeClock, FakeContinuation, RecordedEvents, RefusingContinuation
from tests.support.rights_stores import FakeRights

KEY, HASH_KEY = "a signing key of tests", "an address key of tests"
CLAIMS = Claims(MARKETING, "a1" * 16, "b2" * 16, "de")
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "pl-PL,pl;q=0.9,en;q=0.5"}
SCRIPT = "<script>alert(1)</script>\"'&"


@pytest.fixture
def world(monkeypatch):
    """The function with a store in memory."""
    environ = {
        "GOOGLE_CLOUD_PROJECT": "demo",
        "TOKEN_SIGNING_KEYS": KEY.replace(" ", "-"),
        "ADDRESS_HASH_KEY": HASH_KEY.replace(" ", "-"),
        "PUBLIC_BASE_URL": "http://127.0.0.1:9",
        "MAIL_FROM": "Atelier <a@example.com>",
        "SWEEP_URL": "http://127.0.0.1:9/sweep",
        "SCHEDULER_INVOKER_EMAIL": "a@b.c",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    from functions import unsubscribe  # noqa: PLC0415 - it reads the environment

    return World(monkeypatch, unsubscribe)


class World:
    """The function, asked without a network.

    Attributes:
        store: what is stored.
        sweep: what was asked for.
        clock: its time.
    """

    def __init__(self, monkeypatch, module) -> None:
        self._module = module
        self.store, self.sweep, self.clock = FakeRights(), FakeContinuation(), FakeClock(datetime.now(UTC))
        self.tokens, self.events = SignedTokens((KEY,)), RecordedEvents()
        guard = RateGuard(FakeWindows(), (Limit("unsubscribe", 3, 3600),), Memory(), self.clock, self.events)
        self.flow = OptingOut(
            self.store, self.tokens, guard, self.sweep, HASH_KEY, self.clock, FakeChance(), self.events
        )
        self.patch = monkeypatch.setattr
        self.use(self.flow)
        pages = Pages("http://127.0.0.1:9/unsubscribe", f"Atelier {SCRIPT}")
        self.patch(module, "ANSWERS", Answers(pages, (("unsubscribe", 3, 3600),)))

    def use(self, flow: OptingOut) -> None:
        """Another flow."""
        self.patch(self._module, "FLOW", flow)

    def token(self, **changes: str) -> str:
        """A link's."""
        return self.tokens.make(replace(CLAIMS, **changes), self.clock.now())

    def ask(self, method: str, path: str, **how) -> flask.Response:
        """A request."""
        with flask.Flask("x").test_request_context(path, method=method, **how):
            return self._module.unsubscribe(flask.request)


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {
            "data": b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "content_type": "multipart/form-data; boundary=b",
        },
        {"data": b"\xff\x00not a form", "content_type": "application/json"},
        {},
    ],
)
def test_one_click_takes_any_body_any_number_of_times(world, body) -> None:
    """200, no redirect, no cookie; one change."""
    for _ in range(3):
        answer = world.ask("POST", f"/?t={world.token()}", **body)
        assert (answer.status_code, answer.json) == (200, {"unsubscribed": True})
        assert "Set-Cookie" not in answer.headers
    assert set(world.store.suppressed) == {CLAIMS.address}
    assert [each.action for each in world.store.records] == ["unsubscribe"]


def test_f42_get_and_head_change_nothing(world) -> None:
    """However often."""
    for method in ("GET", "HEAD") * 50:
        assert world.ask(method, f"/?t={world.token()}").status_code == 200
    assert (world.store.suppressed, world.store.records) == ({}, [])


@pytest.mark.parametrize("path", ["/", "/undo", "/revoke", "/status"])
def test_a_bad_token_is_a_400_and_an_expired_one_a_410(world, path) -> None:
    """As problem details, or as a page to whoever shows pages."""
    method = "GET" if path == "/status" else "POST"
    old = world.token()
    world.clock.at += TOKEN_LIFE + timedelta(seconds=1)
    for token, status, slug in (("x", 400, "token-refused"), ("", 400, "token-refused"), (old, 410, "token-expired")):
        answer = world.ask(method, f"{path}?t={token}")
        assert (answer.status_code, answer.json["type"]) == (status, f"urn:bellhop:problem:{slug}")
        page = world.ask(method, f"{path}?t={token}", headers=BROWSER)
        assert (page.status_code, page.mimetype) == (status, "text/html")
        assert PAGE_TEXTS["pl"][f"{slug}_title"] in page.get_data(as_text=True)
    assert world.store.records == []


@pytest.mark.parametrize("path", ["/undo", "/revoke", "/status"])
def test_what_needs_proof_takes_a_link(world, path) -> None:
    """An address is none."""
    answer = world.ask("GET" if path == "/status" else "POST", path, json={"email": "ana@example.com"})
    assert answer.status_code == 400
    assert world.store.records == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/undo"), ("GET", "/revoke"), ("POST", "/status"), ("PUT", "/")])
def test_methods_that_would_change_by_looking_are_refused(world, method, path) -> None:
    """With what is allowed."""
    answer = world.ask(method, f"{path}?t={world.token()}")
    assert answer.status_code == 405
    assert "Allow" in answer.headers


@pytest.mark.parametrize(
    "how",
    [{"json": {"email": " Ana@Example.com "}}, {"data": {"email": "ana@example.com"}}],
)
def test_an_address_is_opted_out_without_proof(world, how) -> None:
    """However it is written; by JSON or by a form. It is kept as its hash."""
    answer = world.ask("POST", "/", **how)
    assert (answer.status_code, answer.json) == (200, {"unsubscribed": True})
    assert set(world.store.suppressed) == {ids.address_hash("ana@example.com", HASH_KEY)}
    [record] = world.store.records
    assert (record.actor, record.action, record.conversation_id) == ("anyone", "unsubscribe", None)


def test_f43_the_work_is_the_same_for_every_address(world) -> None:
    """Known or not, opted out or not: one call of the store, and the same answer to the letter."""
    answers = [world.ask("POST", "/", json={"email": address}) for address in ("a@example.com", "b@example.com")]
    answers.append(world.ask("POST", "/", json={"email": "a@example.com"}))
    assert len({(answer.status, answer.get_data()) for answer in answers}) == 1
    assert world.store.calls == ["suppress"] * 3


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"json": {}}, 400),
        ({"json": {"email": 7}}, 400),
        ({"json": {"email": "no address"}}, 400),
        ({"json": {"email": "a@example.com\r\nBcc: b@example.com"}}, 400),
        ({"json": {"email": "a" * 400 + "@example.com"}}, 400),
        ({"data": b"\xff=%ff", "content_type": "application/x-www-form-urlencoded"}, 400),
        ({"data": b"email=%FF%FE", "content_type": "application/x-www-form-urlencoded"}, 400),
        ({"data": b"&" * 5000, "content_type": "application/x-www-form-urlencoded"}, 400),
        ({"data": b"x" * 70000, "content_type": "application/x-www-form-urlencoded"}, 413),
        ({"data": b"email=a@example.com", "content_type": "text/plain"}, 415),
        ({"data": b"{"}, 415),
        ({}, 415),
    ],
)
def test_f40_what_is_no_address_is_refused(world, how, status) -> None:
    """With a reason, and nothing changes; a line's end in it never gets further."""
    answer = world.ask("POST", "/", **how)
    assert answer.status_code == status, answer.json
    assert world.store.records == []


def test_the_fourth_of_a_client_is_refused_and_links_are_not_limited(world) -> None:
    """Only requests that need no link are counted; what is refused for its form is not."""
    assert world.ask("POST", "/", json={"email": "no"}).status_code == 400
    statuses = [world.ask("POST", "/", json={"email": "a@example.com"}).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = world.ask("POST", "/", json={"email": "a@example.com"})
    assert refused.headers["RateLimit"].startswith('"unsubscribe";r=0;t=')
    assert int(refused.headers["Retry-After"]) > 0
    assert world.ask("POST", f"/?t={world.token()}").headers["RateLimit-Policy"] == '"unsubscribe";q=3;w=3600'


def test_status_undo_and_revoke(world) -> None:
    """With the link: how it stands, back again, everything erased; the sweep is asked to begin."""
    token = world.token()
    assert world.ask("GET", f"/status?t={token}").json == {"unsubscribed": False, "since": None, "erasure": None}
    world.ask("POST", f"/?t={token}")
    assert world.ask("GET", f"/status?t={token}").json["unsubscribed"] is True
    assert world.ask("POST", f"/undo?t={token}").json == {"unsubscribed": False}
    revoked = world.ask("POST", f"/revoke?t={token}")
    assert (revoked.status_code, revoked.json) == (202, {"unsubscribed": True, "erasure": "running"})
    assert world.ask("POST", f"/revoke?t={token}").status_code == 202
    assert len(world.sweep.asked) == 1
    assert world.ask("GET", f"/status?t={token}").json["erasure"] == "running"
    assert [each.action for each in world.store.records] == ["unsubscribe", "undo", "erasure_requested"]


def test_an_erasure_is_begun_although_nothing_can_be_asked_to_hurry(world) -> None:
    """The scheduler's next run of the sweep finds it."""
    world.use(replace(world.flow, sweep=RefusingContinuation()))
    assert world.ask("POST", f"/revoke?t={world.token()}").status_code == 202


@pytest.mark.parametrize("error", [StorageUnavailable, Conflict])
def test_storage_that_does_not_answer_is_a_503(world, error) -> None:
    """As problem details with Retry-After, or as a page."""
    world.store.fails = error("x")
    answer = world.ask("POST", f"/?t={world.token()}")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]
    assert world.ask("POST", f"/?t={world.token()}", headers=BROWSER).mimetype == "text/html"


@pytest.mark.parametrize("language", sorted(PAGE_TEXTS))
def test_pages_are_in_the_visitors_language(world, language) -> None:
    """The link's; without one the browser's."""
    page = world.ask("GET", f"/?t={world.token(language=language)}", headers=BROWSER).get_data(as_text=True)
    assert f'<html lang="{language}">' in page
    assert PAGE_TEXTS[language]["ask_title"] in page
    form = world.ask("GET", "/", headers=BROWSER | {"Accept-Language": f"fr,{language};q=0.5"}).get_data(as_text=True)
    assert PAGE_TEXTS[language]["form_title"] in form


def test_f41_what_was_sent_is_encoded_wherever_a_page_shows_it(world) -> None:
    """In a token, an address or the sender's name; and the policy would let no script run anyway."""
    for path in (f"/?t={SCRIPT}", "/", f"/?t={world.token()}"):
        answer = world.ask("GET", path, headers=BROWSER)
        assert "<script" not in answer.get_data(as_text=True)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
    answer = world.ask("POST", "/", data={"email": SCRIPT}, headers=BROWSER)
    assert answer.status_code == 400
    assert "alert" not in answer.get_data(as_text=True).replace("Atelier &lt;script&gt;alert(1)", "")


def test_every_language_says_everything() -> None:
    """No page lacks a text."""
    assert len({frozenset(texts) for texts in PAGE_TEXTS.values()}) == 1
    assert all(text.strip() for texts in PAGE_TEXTS.values() for text in texts.values())
