"""What is logged: registered names and fields, one line of JSON each."""

from __future__ import annotations

import json
import re

import pytest

from shared import events

PRIVATE = {"email", "message", "text", "name", "phone", "question", "answer", "url", "payload", "key", "token"}


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """As Cloud Logging reads it: severity, message, and the fields beside them; what is None is left out."""
    events.log("alert_parked", alert_id="a", attempts=3, cause="http_500", channel=None)
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert json.loads(out) == {
        "severity": "WARNING",
        "message": "alert_parked",
        "event": "alert_parked",
        "alert_id": "a",
        "attempts": 3,
        "cause": "http_500",
    }


def test_f40_line_breaks_in_a_value_stay_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody forges a line of the log."""
    events.log("enqueue_failed", error='one\r\n{"severity":"CRITICAL"}\u2028two')
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize("severity", ["INFO", "WARNING", "ERROR", "CRITICAL"])
def test_every_event_is_written_with_its_severity(severity: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Alert policies find events by name and severity."""
    named = [name for name, its in events.SEVERITIES.items() if its == severity]
    assert named
    for name in named:
        events.log(name)
    assert {json.loads(line)["severity"] for line in capsys.readouterr().out.splitlines()} == {severity}


def test_every_event_has_a_severity_that_cloud_logging_knows() -> None:
    """Names are machine words."""
    assert set(events.SEVERITIES.values()) <= {"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"}
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in events.SEVERITIES)


@pytest.mark.parametrize(
    ("event", "values"),
    [("alert_lost", {}), ("", {}), ("alert_parked", {"email": "ana@example.com"}), ("alert_parked", {"a": None})],
)
def test_f45_an_unregistered_name_or_field_is_refused(
    event: str, values: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written, so that no e-mail or text reaches a log by a new field's name."""
    with pytest.raises(events.UnknownEvent) as refused:
        events.log(event, **values)
    assert capsys.readouterr().out == ""
    assert "ana" not in str(refused.value)


def test_f45_no_registered_field_is_for_what_a_visitor_sent() -> None:
    """Ids, counts, machine words and names of error classes only."""
    assert not events.FIELDS & PRIVATE
