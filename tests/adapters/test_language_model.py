"""A language model over HTTP: an answer or a cause by the deadline, and it is spared while it is out of order."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.standins.model import MODEL
from shared.adapters.language_model import FAIL_MAX, MOST_AT_ONCE, MOST_TOKENS, OpenAiModel
from shared.domain.admission import Limit
from shared.domain.model_prompt import Prompt
from shared.flows.reply_to_message import ModelHelp
from shared.ports import Refused, Suggested
from tests.support.chat_flow import KNOWLEDGE, Chat, ask
from tests.support.fakes import FakeClock, RecordedEvents
from tests.support.model_standin import ModelInAThread, model_standin
from tests.support.raw_server import SOON, Connection, answering, refusing, serving

pytestmark = pytest.mark.usefixtures("nothing_is_left")

PROMPT = Prompt("Reply in English. MARK", json.dumps({"message": "Do you sell cars?"}), "MARK")
ANSWER = Suggested("The model says: Do you sell cars?")
AMPLE = 20.0
EN = KNOWLEDGE.phrases["en"]


@pytest.fixture
def server(nothing_is_left: None) -> Iterator[ModelInAThread]:
    """The stand-in, well."""
    del nothing_is_left
    with model_standin() as running:
        yield running


class Asking:
    """The adapter before the stand-in, and what it reported."""

    def __init__(
        self, server: ModelInAThread, *, key: str | None = None, fail_max: int = FAIL_MAX, reset: float = 600
    ) -> None:
        self.events = RecordedEvents()
        key = server.standin.key if key is None else key
        self.model = OpenAiModel(server.url, MODEL, key, self.events, fail_max=fail_max, reset_seconds=reset)

    def __call__(self, seconds: float = AMPLE) -> Suggested | Refused:
        """Ask with so many seconds left."""
        return self.model.ask(PROMPT, deadline=time.monotonic() + seconds)


def test_it_asks_as_documented_and_gives_the_first_choices_text(server: ModelInAThread) -> None:
    """Instructions and the visitor's data are messages of their own; the answer's length is bounded at the source."""
    assert Asking(server)() == ANSWER
    [asked] = server.standin.received
    assert asked["model"] == MODEL
    assert asked["messages"] == [
        {"role": "system", "content": PROMPT.instructions},
        {"role": "user", "content": PROMPT.message},
    ]
    assert (asked["max_tokens"], asked["temperature"] < 0.5) == (MOST_TOKENS, True)


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        ("429", "http_429"),
        ("500", "http_500"),
        ("400", "http_400"),
        ("401", "http_401"),
        ("garbage", "garbage"),
        ("shape", "garbage"),
        ("reset", "connection_broken"),
        ("down", "connection_failed"),
        ("refusal", "refusal"),
        ("long", "length"),
    ],
)
def test_every_failure_is_a_cause(server: ModelInAThread, mode: str, cause: str) -> None:
    """None raises."""
    server.fail(mode)
    assert Asking(server)() == Refused(cause)


@pytest.mark.parametrize("mode", ["timeout", "slow"])
def test_no_answer_is_waited_for_past_the_deadline(server: ModelInAThread, mode: str) -> None:
    """Neither for one that never comes, nor for one that comes byte by byte."""
    server.fail(mode)
    began = time.monotonic()
    assert Asking(server)(SOON) == Refused("timeout")
    assert time.monotonic() - began < SOON + 1


@pytest.mark.parametrize("mode", ["echo", "link", "phone", "markup", "empty"])
def test_what_it_says_is_not_judged_here(server: ModelInAThread, mode: str) -> None:
    """The domain does that; the breaker does not count it."""
    server.fail(mode)
    asking = Asking(server, fail_max=1)
    first, second = asking(), asking()
    assert isinstance(first, Suggested)
    assert first == second


@pytest.mark.parametrize("seconds", [0.1, 0, -5])
def test_with_no_time_left_nothing_is_asked(server: ModelInAThread, seconds: float) -> None:
    """And the model is not blamed."""
    asking = Asking(server, fail_max=1)
    assert asking(seconds) == Refused("no_time_left", asked=False)
    assert server.standin.requests == 0
    assert asking() == ANSWER


def body(**changes: object) -> bytes:
    """An answer with one choice."""
    choice = {"finish_reason": "stop", "message": {"content": "Yes."}} | changes
    text = json.dumps({"choices": [choice]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (body(), Suggested("Yes.")),
        (body(message={"content": None}), Refused("garbage")),
        (body(message={"content": ["Yes."]}), Refused("garbage")),
        (body(message="Yes."), Refused("garbage")),
        (body(finish_reason=None), Refused("garbage")),
        (body(finish_reason=["stop"]), Refused("garbage")),
        (body(finish_reason="tool_calls"), Refused("garbage")),
        (body(finish_reason="content_filter"), Refused("content_filter")),
        (body(message={"content": "Yes.", "refusal": "No."}), Refused("refusal")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", Refused("garbage")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", Refused("garbage")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"[" * 50000, Refused("garbage")),
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", Refused("http_302")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Refused("http_204")),
    ],
)
def test_only_the_documented_shape_is_taken(answer: bytes, outcome: Suggested | Refused) -> None:
    """Nothing else raises or is shown."""
    with serving(answering(answer)) as raw:
        model = OpenAiModel(raw.url.rstrip("/"), "m", None, RecordedEvents())
        assert model.ask(PROMPT, deadline=time.monotonic() + AMPLE) == outcome


def test_without_a_key_none_is_sent() -> None:
    """A model on one's own machine takes none."""
    requests: list[bytes] = []

    def behave(connection: Connection) -> None:
        requests.append(connection.read())
        connection.raw.sendall(body())

    with serving(behave) as raw:
        model = OpenAiModel(raw.url.rstrip("/"), "m", None, RecordedEvents())
        assert model.ask(PROMPT, deadline=time.monotonic() + AMPLE) == Suggested("Yes.")
    assert b"/chat/completions HTTP/1.1" in requests[0]
    assert b"authorization" not in requests[0].lower()


def test_the_breaker_opens_after_failures_in_a_row(server: ModelInAThread) -> None:
    """From then on nobody waits and nothing is sent; it is told once."""
    server.fail("timeout")
    asking = Asking(server, fail_max=2)
    assert [asking(SOON), asking(SOON)] == [Refused("timeout")] * 2
    began = time.monotonic()
    assert [asking() for _ in range(3)] == [Refused("open", asked=False)] * 3
    assert time.monotonic() - began < SOON
    assert server.standin.requests == 2
    assert asking.events.names == ["model_opened"]


def test_a_success_between_failures_keeps_it_closed(server: ModelInAThread) -> None:
    """Only failures in a row count."""
    asking = Asking(server, fail_max=2)
    for _ in range(3):
        server.fail("500")
        assert asking() == Refused("http_500")
        server.heal()
        assert asking() == ANSWER
    assert asking.events.names == []


@pytest.mark.parametrize("mode", ["refusal", "long"])
def test_what_a_visitor_may_bring_about_does_not_open_it(server: ModelInAThread, mode: str) -> None:
    """Or one of them could take the model away from all others."""
    server.fail(mode)
    asking = Asking(server, fail_max=1)
    asking()
    server.heal()
    assert asking() == ANSWER


def test_a_wrong_key_opens_it_at_once(server: ModelInAThread) -> None:
    """Asking again does not mend it; a bad request counts like any failure."""
    asking = Asking(server, key="sk-wrong")
    assert [asking(), asking()] == [Refused("http_401"), Refused("open", asked=False)]
    assert asking.events.names == ["model_opened"]
    server.fail("400")
    patient = Asking(server, fail_max=2)
    assert [patient(), patient(), patient()] == [*[Refused("http_400")] * 2, Refused("open", asked=False)]


def test_it_closes_again_when_the_model_is_well(server: ModelInAThread) -> None:
    """A trial that fails is no news, one that succeeds is."""
    server.fail("500")
    asking = Asking(server, fail_max=1, reset=0.05)
    assert asking() == Refused("http_500")
    time.sleep(0.1)
    assert asking() == Refused("http_500")
    assert asking() == Refused("open", asked=False)
    server.heal()
    time.sleep(0.1)
    assert [asking(), asking()] == [ANSWER] * 2
    assert asking.events.names == ["model_opened", "model_closed"]


def test_one_caller_tries_while_the_others_are_spared(server: ModelInAThread) -> None:
    """Half-open lets one through, not all who wait."""
    server.fail("500")
    asking = Asking(server, fail_max=1, reset=0.05)
    asking()
    time.sleep(0.1)
    server.fail("timeout")
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: asking(2 * SOON), range(4)))
    assert sorted(outcome.cause for outcome in outcomes if isinstance(outcome, Refused)) == ["open"] * 3 + ["timeout"]
    assert server.standin.requests == 2


def test_a_slow_model_does_not_take_all_threads_and_they_wait_beside_each_other(server: ModelInAThread) -> None:
    """No lock is held while it is asked; one more than may wait is answered at once without it."""
    server.fail("timeout")
    asking = Asking(server, fail_max=100)
    began = time.monotonic()
    with ThreadPoolExecutor(MOST_AT_ONCE + 1) as pool:
        outcomes = list(pool.map(lambda _: asking(2.0), range(MOST_AT_ONCE + 1)))
    assert time.monotonic() - began < 4
    assert outcomes.count(Refused("busy", asked=False)) == 1
    assert outcomes.count(Refused("timeout")) == MOST_AT_ONCE
    server.heal()
    assert asking() == ANSWER


def test_nobody_there_is_a_cause() -> None:
    """At once."""
    with refusing() as url:
        model = OpenAiModel(url.rstrip("/"), "m", None, RecordedEvents())
        assert model.ask(PROMPT, deadline=time.monotonic() + AMPLE) == Refused("connection_failed")


class RealTime(FakeClock):
    """A clock whose deadlines are the machine's."""

    def monotonic(self) -> float:
        """See ``shared.ports.Clock``."""
        return time.monotonic()


def chatting(server: ModelInAThread, seconds: float, fail_max: int = FAIL_MAX) -> tuple[Chat, Asking]:
    """The flow over fakes with the real adapter before the stand-in, in real time."""
    asking = Asking(server, fail_max=fail_max)

    many = (Limit("chat", 100, 60),)
    return Chat(help=ModelHelp(asking.model, seconds), clock=RealTime(), limits=many), asking


@pytest.mark.parametrize(
    "mode", ["echo", "link", "phone", "markup", "empty", "long", "refusal", "garbage", "shape", "429", "500"]
)
def test_in_every_mode_the_visitor_is_told_something_true(server: ModelInAThread, mode: str) -> None:
    """And nothing of what the stand-in said."""
    chat, _ = chatting(server, AMPLE)
    assert chat.answer(ask("Do you sell cars?")).body["response"] == "The model says: Do you sell cars?"
    server.fail(mode)
    assert chat.answer(ask("Do you sell cars?")).body["response"] == f"{EN.unknown} {EN.ask_contact}"
    assert [event for event in chat.events.names if event == "model_failed"] == ["model_failed"]


def test_model_stalled(server: ModelInAThread) -> None:
    """A true answer within the deadline, handoff where they can be reached, the breaker opens, each turn once."""
    chat, asking = chatting(server, SOON, fail_max=2)
    session = chat.answer(ask("ana@example.com")).body["session_id"]
    server.fail("timeout")
    for number in range(4):
        began = time.monotonic()
        body = chat.answer(ask("Do you sell cars?", session=session, key=f"key-{number}")).body
        assert time.monotonic() - began < SOON + 1
        assert (body["response"], body["handoff"]) == (f"{EN.unknown} {EN.noted}", True)
    assert asking.events.names == ["model_opened"]
    assert server.standin.requests == 2
    assert len(chat.stored("messages")) == 5
    assert chat.answer(ask("Do you sell cars?", session=session, key="key-0")).replayed


def test_without_a_model_nothing_of_it_is_imported() -> None:
    """What it takes would cost every cold start."""
    code = (
        "import sys; from shared.bootstrap import chat; import shared.bootstrap.for_chat as made;"
        "chat({'GOOGLE_CLOUD_PROJECT': 'p', 'LEAD_CHANNELS': 'slack', 'DELIVER_ALERT_URL': 'https://x.example',"
        " 'TASKS_INVOKER_EMAIL': 'a@b.example', 'ADDRESS_HASH_KEY': 'an-address-key-of-tests'});"
        "print(sorted({'pybreaker', 'shared.adapters.language_model'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_threads_are_not_kept(server: ModelInAThread) -> None:
    """Each attempt ends its timer, whatever came of it."""
    asking = Asking(server)
    before = threading.active_count()
    asking()
    server.fail("timeout")
    asking(SOON)
    assert threading.active_count() <= before + 1
