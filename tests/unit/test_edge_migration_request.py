"""What admin_migration is asked for: every route, every field; and how many wrong keys are looked at."""

from __future__ import annotations

import json

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from shared.edge.admin_key import AdminKeys, WrongKeys
from shared.edge.migration_request import (
    AcceptRequest,
    RollbackRequest,
    RunRequest,
    SliceTask,
    StampRequest,
    StatusQuery,
    is_slice,
    read_migration_request,
    read_slice,
)
from shared.errors import RateLimited, RequestError

KEY = "a-key-0123456789abcdef"


def request(method, path, **how):
    """A request as the function gets it."""
    return flask.Request(EnvironBuilder(path, method=method, **how).get_environ())


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [
        ("GET", "/", None, StatusQuery(None)),
        ("GET", "/0001", None, StatusQuery("0001")),
        ("POST", "/0001", {"dry_run": True}, RunRequest("0001", dry_run=True, after=None, by=None)),
        ("POST", "/0001", {"dry_run": True, "after": "c1"}, RunRequest("0001", dry_run=True, after="c1", by=None)),
        ("POST", "/0001", {"dry_run": False, "by": "me"}, RunRequest("0001", dry_run=False, after=None, by="me")),
        ("POST", "/0001/rollback", None, RollbackRequest("0001", None)),
        ("POST", "/0001/rollback", {"by": "me"}, RollbackRequest("0001", "me")),
        ("POST", "/0001/stamp", {"state": "done", "reason": "x"}, StampRequest("0001", "done", None, "x")),
        ("POST", "/0001/accept", {}, AcceptRequest("0001", None, None)),
    ],
)
def test_every_route_is_read(method, path, body, wanted):
    """With a body or, where none is needed, without."""
    how = {} if body is None else {"json": body}
    assert read_migration_request(request(method, path, **how)) == wanted


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/0001", {}, 400),
        ("POST", "/0001", {"dry_run": 0}, 400),
        ("POST", "/0001", {"dry_run": None}, 400),
        ("POST", "/0001", {"dry_run": True, "after": "a/b"}, 400),
        ("POST", "/0001", {"dry_run": True, "after": ""}, 400),
        ("POST", "/0001", {"dry_run": False, "after": "a"}, 400),
        ("POST", "/0001", {"dry_run": False, "forced": True}, 400),
        ("POST", "/0001/stamp", {"state": "running"}, 400),
        ("POST", "/0001/stamp", {}, 400),
        ("POST", "/0001/rollback", {"by": "a\nb"}, 400),
        ("POST", "/001", {"dry_run": True}, 404),
        ("GET", "/0001/rollback", None, 405),
        ("PUT", "/0001", None, 405),
        ("GET", "/?x=1", None, 400),
    ],
)
def test_what_is_wrong_is_refused(method, path, body, status):
    """A mistyped field never means a run."""
    how = {} if body is None else {"json": body}
    with pytest.raises(RequestError) as refused:
        read_migration_request(request(method, path, **how))
    assert refused.value.status == status


def test_a_task_is_a_post_to_the_function_itself():
    """With the slice in it, or nothing."""
    assert is_slice(request("POST", "/"))
    assert not is_slice(request("GET", "/"))
    assert not is_slice(request("POST", "/0001"))
    body = {"step": "0001", "run": 2, "slice": 3}
    assert read_slice(request("POST", "/", json=body)) == SliceTask("0001", 2, 3)
    assert read_slice(request("POST", "/", json={})) is None


@given(
    st.dictionaries(st.sampled_from(["step", "run", "slice", "x"]), st.none() | st.text() | st.integers() | st.floats())
)
def test_a_task_of_anything_else_is_refused(body):
    """400, and nothing is worked at."""
    text = json.dumps(body)
    try:
        task = read_slice(request("POST", "/", data=text, content_type="application/json"))
    except RequestError as error:
        assert error.status == 400  # noqa: PT017 - either is an answer
    else:
        assert task is None or (len(task.step), task.run > 0, task.number > 0) == (4, True, True)


def shown(keys, key, client):
    """The status of a refusal."""
    with pytest.raises(RequestError) as refused:
        keys.check(key, client)
    return refused.value.status


def test_f34_wrong_keys_are_limited_for_a_client_and_logged(capsys):
    """The limit is met by wrong keys only; the others go on; after a minute it is over."""
    now = [100.0]
    keys = AdminKeys((KEY,), WrongKeys(3, lambda: now[0]))
    assert [shown(keys, None, "a") for _ in range(9)] == [401] * 9
    assert [shown(keys, "wrong" + "g" * number, "a") for number in range(5)] == [401, 401, 401, 429, 429]
    with pytest.raises(RateLimited):
        keys.check(KEY, "a")
    keys.check(KEY, "b")
    assert shown(keys, "wrong", "b") == 401
    now[0] += 60
    keys.check(KEY, "a")
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events.count("admin_limited") == 1
    assert events.count("admin_refused") == 13


def test_clients_are_forgotten_before_they_fill_the_memory(monkeypatch):
    """The oldest first."""
    monkeypatch.setattr("shared.edge.admin_key.CLIENTS_REMEMBERED", 5)
    wrong = WrongKeys(1)
    for number in range(20):
        wrong.count(f"{number}")
    wrong.refuse_limited("0")
    with pytest.raises(RateLimited):
        wrong.refuse_limited("19")


@pytest.mark.parametrize(("path", "allowed"), [("/", "GET, POST"), ("/0001", "GET, POST"), ("/0001/stamp", "POST")])
def test_another_method_is_told_which_there_are(path, allowed):
    """Slices come by POST to the function itself; OPTIONS is not answered behind a key."""
    with pytest.raises(RequestError) as refused:
        read_migration_request(request("OPTIONS", path))
    assert (refused.value.status, refused.value.headers["Allow"]) == (405, allowed)


def test_a_slices_numbers_may_be_written_with_a_point():
    """JSON has one kind of number."""
    body = {"step": "0001", "run": 1.0, "slice": 2.0}
    assert read_slice(request("POST", "/", json=body)) == SliceTask("0001", 1, 2)
    with pytest.raises(RequestError):
        read_slice(request("POST", "/", json=body | {"run": 1.5}))


@pytest.mark.parametrize("name", [".", "..", "__x__", "____", "\N{GRINNING FACE}" * 376, "a" * 1501])
def test_a_plan_does_not_go_on_from_a_name_that_no_document_has(name):
    """Firestore would refuse it, and that would look as if it could not be reached."""
    with pytest.raises(RequestError) as refused:
        read_migration_request(request("POST", "/0001", json={"dry_run": True, "after": name}))
    assert (refused.value.status, refused.value.field) == (400, "after")


@pytest.mark.parametrize("name", ["a", "...", "__id12__", "__", "a__", "\N{GRINNING FACE}" * 375, "a" * 1500])
def test_a_plan_goes_on_from_every_name_that_a_document_may_have(name):
    """Also from one that the old database's numbers became."""
    asked = read_migration_request(request("POST", "/0001", json={"dry_run": True, "after": name}))
    assert asked.after == name
