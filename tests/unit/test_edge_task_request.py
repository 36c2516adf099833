"""A delivery task's body: ids only, checked."""

from __future__ import annotations

import pytest

from shared.edge.task_request import TaskRequest, read_task_request
from shared.errors import RequestError


@pytest.mark.parametrize("generation", [3, 3.0])
def test_a_whole_number_is_one_however_it_is_written(generation: float) -> None:
    """JSON has one kind of number."""
    read = read_task_request({"alert_id": "a", "generation": generation, "channel": "slack", "more": 1})
    assert read == TaskRequest("a", 3, "slack")
    assert isinstance(read.generation, int)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "alert_id"),
        ({"alert_id": "a b", "generation": 1}, "alert_id"),
        ({"alert_id": "a" * 129, "generation": 1}, "alert_id"),
        ({"alert_id": "a"}, "generation"),
        ({"alert_id": "a", "generation": 0}, "generation"),
        ({"alert_id": "a", "generation": 2**53}, "generation"),
        ({"alert_id": "a", "generation": 1.5}, "generation"),
        ({"alert_id": "a", "generation": 1e300}, "generation"),
        ({"alert_id": "a", "generation": True}, "generation"),
        ({"alert_id": "a", "generation": "1"}, "generation"),
        ({"alert_id": "a", "generation": 1, "channel": "Slack"}, "channel"),
        ({"alert_id": "a", "generation": 1, "channel": 1}, "channel"),
    ],
)
def test_f31_anything_else_is_refused(body: dict[str, object], field: str) -> None:
    """400 naming the field."""
    with pytest.raises(RequestError) as refused:
        read_task_request(body)
    assert (refused.value.status, refused.value.field) == (400, field)
