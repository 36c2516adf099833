"""Every row of Slack's table in destinations.md: what an answer means."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.http import HttpAnswer
from shared.adapters.slack import BLOCKED, NAMES, REJECTED, RETRY, UNKNOWN, classify
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown

SECOND = timedelta(seconds=1)


def meant(status: int, text: str = "", **headers: str) -> Outcome:
    """What an answer means; headers are written with underscores."""
    return classify(HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, text))


def web(error: str) -> str:
    """An error as the Web API says it."""
    return json.dumps({"ok": False, "error": error})


@pytest.mark.parametrize("text", ["ok", "ok\n", '{"ok": true}'])
def test_delivered_is_200_and_ok(text: str) -> None:
    """The webhook's answer, and the Web API's."""
    assert meant(200, text) == Delivered()


@pytest.mark.parametrize("text", ["", "OK", "okay", "<html>ok</html>", "{}", '{"ok": 1}', '{"ok": "true"}', "{", "[]"])
def test_200_with_anything_else_may_have_been_delivered(text: str) -> None:
    """A captive portal or a gateway answered, or Slack changed: nobody knows."""
    assert meant(200, text) == Unknown("unexpected_answer")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "invalid_payload"),
        (400, "user_not_found"),
        (400, "no_text"),
        (400, "too_many_attachments"),
        (400, "msg_too_long"),
        (400, "msg_blocks_too_long"),
        (400, "invalid_blocks"),
        (400, "invalid_blocks_format"),
        (200, web("msg_too_long")),
    ],
)
def test_rejected_is_what_can_never_be_accepted(status: int, error: str) -> None:
    """The alert is at fault; its cause is the error's name."""
    name = json.loads(error)["error"] if error.startswith("{") else error
    assert meant(status, error) == Rejected(name)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, "action_prohibited"),
        (403, "invalid_token"),
        (404, "channel_not_found"),
        (404, "no_service"),
        (404, "no_active_hooks"),
        (410, "channel_is_archived"),
        (404, "no_service_id"),
        (404, "no_team"),
        (403, "team_disabled"),
        (403, "posting_to_general_channel_denied"),
    ],
)
def test_f10_blocked_is_what_a_person_must_repair(status: int, error: str) -> None:
    """The destination is at fault; no alert can be accepted."""
    assert meant(status, error) == Blocked(error)
    assert meant(status, f"{error}\n") == Blocked(error)


@pytest.mark.parametrize(
    "error", ["invalid_auth", "account_inactive", "missing_scope", "not_in_channel", "is_archived", "token_revoked"]
)
def test_blocked_is_understood_from_the_web_api(error: str) -> None:
    """It answers 200 on errors: not delivered."""
    assert meant(200, web(error)) == Blocked(error)


def test_f09_too_many_requests_wait_as_long_as_slack_says() -> None:
    """Retry-After in seconds; it was certainly not shown."""
    assert meant(429, "rate_limited", retry_after="30") == Retry("rate_limited", 30 * SECOND)
    assert meant(429, "", retry_after="0") == Retry("rate_limited", 0 * SECOND)
    assert meant(200, web("ratelimited"), retry_after="7") == Retry("ratelimited", 7 * SECOND)


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "\u0663", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_is_no_number_waits_a_second(value: str) -> None:
    """Slack's pace is one a second."""
    assert meant(429, "rate_limited", retry_after=value) == Retry("rate_limited", SECOND)


@pytest.mark.parametrize("value", ["86401", "999999999", "9" * 30, "9" * 5000])
def test_a_retry_after_is_a_day_at_most(value: str) -> None:
    """Nobody puts an alert to sleep for ever, and no number overflows."""
    assert meant(429, "rate_limited", retry_after=value) == Retry("rate_limited", timedelta(days=1))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("text", ["", "ok", "<html>Bad Gateway</html>", '{"ok": true}'])
def test_a_server_error_is_retried_and_the_repeat_is_marked(status: int, text: str) -> None:
    """The whole body was sent: it may have been shown."""
    assert meant(status, text) == Retry(f"http_{status}", maybe_shown=True)


def test_a_rollup_error_is_retried() -> None:
    """Slack's own trouble; marked when it came as a server error."""
    assert meant(500, "rollup_error") == Retry("rollup_error", SECOND, maybe_shown=True)
    assert meant(200, web("rollup_error")) == Retry("rollup_error", SECOND)


@pytest.mark.parametrize("error", ["internal_error", "fatal_error"])
@pytest.mark.parametrize("status", [200, 500])
def test_an_internal_error_of_the_web_api_is_unknown(error: str, status: int) -> None:
    """Slack says so itself: some of it may have happened."""
    assert meant(status, web(error)) == Unknown(error)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_of_the_request_without_a_known_name_is_rejected(status: int) -> None:
    """The same bytes would be refused again."""
    assert meant(status, "something new") == Rejected(f"http_{status}")


@pytest.mark.parametrize("status", [401, 403, 404, 410, 301, 302, 307, 308])
def test_a_refusal_of_the_caller_without_a_known_name_is_blocked(status: int) -> None:
    """So is a redirect: a webhook does not move by itself."""
    assert meant(status, "something new") == Blocked(f"http_{status}")


@pytest.mark.parametrize("status", [405, 408, 409, 418, 425])
def test_any_other_answer_is_retried(status: int) -> None:
    """Never lost for being unknown."""
    assert isinstance(meant(status, "something new"), Retry)


def test_no_error_has_two_meanings() -> None:
    """One table, one row each."""
    tables = (REJECTED, BLOCKED, RETRY, UNKNOWN)
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


@given(st.integers(200, 599), st.one_of(st.text(max_size=200), st.text(max_size=99).map(web)), st.text(max_size=20))
def test_every_answer_means_exactly_one_thing(status: int, text: str, retry_after: str) -> None:
    """No answer raises, and only 200 with ok is Delivered."""
    outcome = meant(status, text, retry_after=retry_after)
    assert isinstance(outcome, Delivered | Retry | Rejected | Blocked | Unknown)
    assert isinstance(outcome, Delivered) == (status == 200 and text.strip() == "ok")


def test_f45_a_cause_is_a_machine_word_of_ours() -> None:
    """Causes are stored and logged: what a gateway echoes must not get there."""
    assert meant(429, web("slow down, ana@example.com")) == Retry("rate_limited", SECOND)


@given(st.integers(200, 599), st.one_of(st.text(max_size=200), st.text(max_size=99).map(web)))
def test_f45_no_text_of_an_answer_becomes_a_cause(status: int, text: str) -> None:
    """At any status: a name of the table or the status."""
    outcome = meant(status, text)
    words = {*NAMES, f"http_{status}", "unexpected_answer"}
    assert isinstance(outcome, Delivered) or outcome.cause in words


@pytest.mark.parametrize("error", [["no_text"], {"no_text": 1}, 7, None, True])
def test_an_error_that_is_no_name_is_only_an_unexpected_answer(error: object) -> None:
    """Whatever JSON can hold."""
    assert meant(200, json.dumps({"ok": False, "error": error})) == Unknown("unexpected_answer")


def test_an_answer_nested_without_end_is_only_an_unexpected_one() -> None:
    """A channel says what an attempt came to, whatever the answer was."""
    assert meant(200, '{"a":' * 100_000) == Unknown("unexpected_answer")


@pytest.mark.parametrize("status", [201, 202, 204])
def test_a_success_that_is_not_200_may_have_been_delivered(status: int) -> None:
    """Slack says 200 and ok; whatever else says success may have taken it."""
    assert meant(status, "") == Unknown("unexpected_answer")
