"""The trial before "ready": a system that is slow to begin with is waited for, one that does not work is told of."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from infra.local import trial

FUNCTIONS = {"chat": object()}
JOB = SimpleNamespace(target="cleanup")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    monkeypatch.setattr(trial, "LEG_SECONDS", 1.0)
    monkeypatch.setattr(trial, "AGAIN_SECONDS", 0.01)


def tried(chat: list[int], job: list[int | None]) -> tuple[int, int]:
    """A trial of a chat and a job that answer so, the last answer for ever; how often each was asked."""
    answers, asked = {"chat": iter(chat), "job": iter(job)}, {"chat": 0, "job": 0}
    last = {"chat": chat[-1], "job": job[-1]}

    def answer(name: str) -> Any:
        asked[name] += 1
        return next(answers[name], last[name])

    async def function(_: web.Request) -> web.Response:
        return web.Response(status=answer("chat"), text="why")

    async def run_job(_: str) -> int | None:
        status: int | None = answer("job")
        return status

    async def run() -> None:
        app = web.Application()
        app.add_routes([web.post("/chat", function)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            manifest = SimpleNamespace(queues={}, jobs={"cleanup": JOB}, functions=FUNCTIONS)
            wired: Any = SimpleNamespace(manifest=manifest, job_name=lambda name: name)
            google: Any = SimpleNamespace(run_job=run_job)
            await trial.try_out(f"http://127.0.0.1:{runner.addresses[0][1]}", wired, google)
        finally:
            await runner.cleanup()

    asyncio.run(run())
    return asked["chat"], asked["job"]


def test_what_is_not_there_yet_is_asked_again() -> None:
    """A storage that is still cold is answered for with 503, as it says: send it again."""
    assert tried([503, 503, 200], [503, 200]) == (3, 2)


@pytest.mark.parametrize(
    ("chat", "job", "said"),
    [
        ([500], [200], "A chat was answered with 500: why"),
        ([503], [200], "A chat was answered with 503: why"),
        ([200], [503], "cleanup answered with 503 when the job cleanup ran"),
        ([200], [401], "cleanup answered with 401"),
        ([200], [None], "cleanup did not answer"),
    ],
)
def test_what_does_not_work_ends_the_start(chat: list[int], job: list[int | None], said: str) -> None:
    """At once where asking again would not help, after a while where it did not."""
    with pytest.raises(trial.TrialFailed, match=said):
        tried(chat, job)
