"""The language model's stand-in: it answers by a rule, keeps what it was asked, and can be broken."""

import asyncio
import contextlib
import json

import aiohttp
import pytest

from infra.local.standins.faults import STATUS_MODES, Fault
from infra.local.standins.model import MODEL, ModelStandIn

LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting


@contextlib.asynccontextmanager
async def running():
    """A started stand-in, its URL and a client; all gone afterwards."""
    standin = ModelStandIn(hang_seconds=LONG_WAIT, drip_seconds=0.0)
    url = await standin.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield standin, url, client
    finally:
        await standin.stop()


def asking(message="Do you sell cars?", language="English"):
    """A request as the functions make it."""
    return {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": f"Rules. Reply in {language}."},
            {"role": "user", "content": json.dumps({"message": message})},
        ],
    }


def answers(body=None, *, fault=None, path="/chat/completions", method="POST", key=None):
    """Status, text and headers of one request to a fresh stand-in, and what it holds then."""

    async def scenario():
        async with running() as (standin, url, client):
            if fault is not None:
                await standin.set_fault(Fault(fault))
            headers = {"Authorization": f"Bearer {standin.key if key is None else key}"}
            data = body if isinstance(body, str) else json.dumps(asking() if body is None else body)
            async with client.request(method, url + path, data=data, headers=headers) as answer:
                return answer.status, await answer.text(), answer.headers, standin.received

    return asyncio.run(scenario())


def said(**how):
    """The first choice of a completion."""
    status, text, _, _ = answers(**how)
    assert status == 200
    [choice] = json.loads(text)["choices"]
    return choice


@pytest.mark.parametrize(
    ("message", "language", "content"),
    [
        ("Do you\nsell cars?", "English", "The model says: Do you sell cars?"),
        ("Auta?", "Polish", "Model mówi: Auta?"),
        ("Autos?", "German", "Das Modell sagt: Autos?"),
        ("some nonsense", "English", "UNKNOWN"),
        ("your boss please", "English", "PERSON"),
    ],
)
def test_it_answers_by_a_rule(message, language, content):
    """The same question has the same answer, in the language that was asked for."""
    choice = said(body=asking(message, language))
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, "stop")


def test_what_it_was_asked_is_kept():
    """With what it said."""
    _, _, _, [asked] = answers()
    assert asked == {**asking(), "answer": "The model says: Do you sell cars?"}


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"key": "sk-other"}, 401),
        ({"path": "/completions"}, 404),
        ({"method": "PUT"}, 405),
        ({"body": "nothing"}, 400),
        ({"body": []}, 400),
        ({"body": {"messages": asking()["messages"]}}, 400),
        ({"body": {"model": MODEL, "messages": []}}, 400),
        ({"body": {"model": MODEL, "messages": [{"role": "user"}]}}, 400),
        ({"body": {"model": MODEL, "messages": ["hello"]}}, 400),
    ],
)
def test_what_a_server_refuses_is_refused(how, status):
    """A wrong key, path, method or body; nothing is kept."""
    answered, _, _, received = answers(**how)
    assert (answered, received) == (status, [])


@pytest.mark.parametrize("mode", STATUS_MODES)
def test_every_error_status_can_be_answered(mode):
    """With the interface's error object; a limit says when to come back."""
    status, text, headers, received = answers(fault=mode)
    assert (status, received) == (int(mode), [])
    assert json.loads(text)["error"]["message"]
    assert ("Retry-After" in headers) == (mode == "429")


def test_it_can_fall_for_an_injection():
    """It repeats its instructions."""
    assert said(fault="echo")["message"]["content"] == "Rules. Reply in English."


@pytest.mark.parametrize(("mode", "part"), [("link", "https://evil"), ("phone", "+48 600"), ("markup", "<script>")])
def test_it_can_invent(mode, part):
    """What must not reach a visitor."""
    assert part in said(fault=mode)["message"]["content"]


def test_it_can_say_nothing_too_much_or_refuse():
    """In the interface's ways."""
    assert not said(fault="empty")["message"]["content"].strip()
    assert said(fault="long")["finish_reason"] == "length"
    refused = said(fault="refusal")["message"]
    assert (refused["content"], bool(refused["refusal"])) == (None, True)


def test_it_can_answer_what_is_no_completion():
    """Neither JSON, or JSON of another shape."""
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(answers(fault="garbage")[1])
    assert json.loads(answers(fault="shape")[1]) == {"choices": []}
