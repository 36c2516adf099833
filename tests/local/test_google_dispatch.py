"""The whole stand-in over the loopback network: what a target gets, tokens, errors, starting and closing."""

import asyncio
import base64
import io
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import google.auth.transport.requests
import pytest
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import id_token

from infra.local.google.clock import ManualClock, SystemClock
from infra.local.google.errors import ApiError
from infra.local.google.standin import GoogleStandIn
from tests.local.google_support import JOB, LOCATION, QUEUE, SECOND, START, recorder, stand_in

EMAIL = "bellhop-tasks-invoker@demo.iam.gserviceaccount.com"


def enqueue(google, url, **fields):
    """Create a task for that URL."""
    request = {"url": url, **fields.pop("http", {})}
    return google.create_task(QUEUE, {"task": {"httpRequest": request, **fields}})


async def ended(google):
    """Wait until the queue is empty."""
    async with asyncio.timeout(20):
        while google.queue_depth(QUEUE):  # noqa: ASYNC110 - it has no event for it, as no user needs one
            await asyncio.sleep(0)


def verified(token, port, audience):
    """What google-auth makes of a token, with the stand-in's certificates."""
    with google.auth.transport.requests.requests.Session() as session:
        request = google.auth.transport.requests.Request(session)
        return id_token.verify_token(token, request, audience, certs_url=f"http://127.0.0.1:{port}/certs")


def test_a_task_reaches_its_target_as_it_was_asked_for():
    """Method, path, body and headers; no Content-Type unless it was set."""

    async def scenario():
        async with recorder() as target, stand_in() as (google, _):
            google.create_queue(LOCATION, {"name": QUEUE})
            body = base64.b64encode(b'{"x":1}').decode()
            enqueue(google, f"{target.url}/a?b=c", http={"body": body, "headers": {"X-Mine": "yes"}})
            await target.arrived(1)
            await ended(google)
            enqueue(google, f"{target.url}/b", http={"httpMethod": "GET", "headers": {"Content-Type": "text/plain"}})
            return await target.arrived(2)

    first, second = asyncio.run(scenario())
    assert (first.method, first.path, first.body) == ("POST", "/a", b'{"x":1}')
    assert "Content-Type" not in first.headers
    assert (first.headers["X-Mine"], first.headers["User-Agent"]) == ("yes", "Google-Cloud-Tasks")
    assert first.headers["X-CloudTasks-QueueName"] == "slack"
    assert "Authorization" not in first.headers
    assert (second.method, second.headers["Content-Type"]) == ("GET", "text/plain")


def test_a_redirect_is_a_failure_and_not_followed():
    """The same address is tried again."""

    async def scenario():
        async with recorder() as target, stand_in() as (google, _):
            target.answer("/x", 302, 307)
            google.create_queue(LOCATION, {"name": QUEUE, "retryConfig": {"minBackoff": "0s"}})
            enqueue(google, f"{target.url}/x")
            return [request.path for request in await target.arrived(3)]

    assert asyncio.run(scenario()) == ["/x", "/x", "/x"]


def test_a_target_that_refuses_connections_is_tried_again():
    """No answer: UNAVAILABLE, and the task waits for its retry."""

    async def scenario():
        clock = ManualClock(START)
        async with recorder() as target:
            url = target.url
        async with stand_in(clock) as (google, port), aiohttp.ClientSession() as client:
            google.create_queue(LOCATION, {"name": QUEUE, "retryConfig": {"minBackoff": "60s"}})
            name = enqueue(google, url)["name"]
            async with asyncio.timeout(20):
                while True:
                    async with client.get(f"http://127.0.0.1:{port}/v2/{name}") as answer:
                        shown = await answer.json()
                    if "responseTime" in shown.get("lastAttempt", {}):
                        return shown

    shown = asyncio.run(scenario())
    assert shown["lastAttempt"]["responseStatus"]["code"] == 14
    assert (shown["dispatchCount"], shown.get("responseCount", 0)) == (1, 0)
    assert shown["scheduleTime"] == "2026-03-02T12:01:00Z"


def test_the_deadline_ends_a_hanging_request_on_the_wire():
    """By the injected clock: no real waiting."""

    async def scenario():
        clock = ManualClock(START)
        async with recorder() as target, stand_in(clock) as (google, _):
            retry = {"maxAttempts": 2, "minBackoff": "1s"}
            google.create_queue(LOCATION, {"name": QUEUE, "retryConfig": retry})
            enqueue(google, f"{target.url}/hang", dispatchDeadline="15s")
            await target.arrived(1)
            await clock.advance(SECOND * 16)
            again = await target.arrived(2)
            await clock.advance(SECOND * 15)
            await ended(google)
            return again[1].headers

    headers = asyncio.run(scenario())
    assert headers["X-CloudTasks-TaskRetryReason"] == "DEADLINE_EXCEEDED"
    assert "X-CloudTasks-TaskPreviousResponse" not in headers


def test_a_token_on_a_task_is_verified_by_google_auth():
    """Its claims, its certificate, and its audience only."""

    async def scenario():
        async with recorder() as target, stand_in() as (google, port):
            google.create_queue(LOCATION, {"name": QUEUE})
            oidc = {"serviceAccountEmail": EMAIL, "audience": "https://deliver"}
            enqueue(google, target.url, http={"oidcToken": oidc})
            header = (await target.arrived(1))[0].headers["Authorization"]
            scheme, token = header.split(" ")
            claims = await asyncio.to_thread(verified, token, port, "https://deliver")
            with pytest.raises(GoogleAuthError, match="audience"):
                await asyncio.to_thread(verified, token, port, "https://other")
            return scheme, claims

    scheme, claims = asyncio.run(scenario())
    assert scheme == "Bearer"
    assert (claims["iss"], claims["aud"]) == ("https://accounts.google.com", "https://deliver")
    assert (claims["email"], claims["email_verified"]) == (EMAIL, True)
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["sub"].isdecimal()


def test_tokens_of_another_stand_in_are_refused():
    """Every start has a key of its own."""

    async def scenario():
        async with stand_in() as (_, port):
            foreign = GoogleStandIn(clock=SystemClock()).token_for(audience="a", email=EMAIL)
            with pytest.raises(GoogleAuthError):
                await asyncio.to_thread(verified, foreign, port, "a")

    asyncio.run(scenario())


def test_expired_tokens_are_refused_and_used_ones_renewed():
    """A token lives an hour by the stand-in's clock and is handed out for half of that."""

    async def scenario():
        clock = ManualClock(datetime.now(UTC) - timedelta(minutes=62))
        async with stand_in(clock) as (google, port):
            old = google.token_for(audience="a", email=EMAIL)
            await clock.advance(timedelta(seconds=30))
            assert google.token_for(audience="a", email=EMAIL) == old
            assert google.token_for(audience="b", email=EMAIL) != old
            with pytest.raises(GoogleAuthError, match="expired"):
                await asyncio.to_thread(verified, old, port, "a")
            await clock.advance(timedelta(minutes=30))
            fresh = google.token_for(audience="a", email=EMAIL)
            return await asyncio.to_thread(verified, fresh, port, "a")

    assert asyncio.run(scenario())["email"] == EMAIL


def test_certificates_may_be_cached():
    """A JSON map from key id to PEM, with a lifetime, as Google serves it."""

    async def scenario():
        async with (
            stand_in() as (_, port),
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/certs") as answer,
        ):
            return answer.headers["Cache-Control"], await answer.json()

    caching, certificates = asyncio.run(scenario())
    assert "max-age=3600" in caching
    [(key_id, pem)] = certificates.items()
    assert len(key_id) == 40
    assert pem.startswith("-----BEGIN CERTIFICATE-----")


def test_a_job_run_by_hand_reaches_its_target():
    """The status comes back; nobody there gives None."""

    async def scenario():
        async with recorder() as target, stand_in() as (google, _):
            target.answer("/sweep", 503)
            job = {"name": JOB, "schedule": "*/5 * * * *", "httpTarget": {"uri": f"{target.url}/sweep"}}
            google.create_job(LOCATION, job)
            google.create_job(LOCATION, {**job, "name": f"{JOB}2", "httpTarget": {"uri": "http://127.0.0.1:1/"}})
            statuses = [await google.run_job(JOB), await google.run_job(JOB), await google.run_job(f"{JOB}2")]
            return statuses, target.received[0].headers

    statuses, headers = asyncio.run(scenario())
    assert statuses == [503, 200, None]
    assert (headers["X-CloudScheduler"], headers["X-CloudScheduler-JobName"]) == ("true", "sweep")
    assert (headers["User-Agent"], headers.get("Content-Type")) == ("Google-Cloud-Scheduler", None)


def test_what_was_created_before_the_start_is_dispatched_after_it():
    """The supervisor may declare queues and jobs first."""

    async def scenario():
        async with recorder() as target:
            clock = ManualClock(START)
            google = GoogleStandIn(clock=clock, job_rhythm=SECOND * 5)
            google.create_queue(LOCATION, {"name": QUEUE})
            google.create_job(LOCATION, {"name": JOB, "schedule": "0 0 1 1 *", "httpTarget": {"uri": target.url}})
            enqueue(google, target.url)
            try:
                await google.start()
                await target.arrived(1)
                await clock.advance(SECOND * 5)
                return await target.arrived(2)
            finally:
                await google.close()

    assert [request.headers["User-Agent"] for request in asyncio.run(scenario())] == [
        "Google-Cloud-Tasks",
        "Google-Cloud-Scheduler",
    ]


def test_closing_leaves_no_task_and_no_socket():
    """Even with requests hanging, jobs waiting and a client connected; twice does no harm."""

    async def scenario():
        async with recorder() as target, aiohttp.ClientSession() as client:
            before = asyncio.all_tasks()
            google = GoogleStandIn(clock=SystemClock())
            port = await google.start()
            google.create_queue(LOCATION, {"name": QUEUE})
            google.create_job(
                LOCATION, {"name": JOB, "schedule": "* * * * *", "httpTarget": {"uri": f"{target.url}/hang"}}
            )
            enqueue(google, f"{target.url}/hang")
            enqueue(google, target.url, scheduleTime=(datetime.now(UTC) + timedelta(days=1)).isoformat())
            by_hand = asyncio.create_task(google.run_job(JOB))
            await target.arrived(2)
            async with client.get(f"http://127.0.0.1:{port}/certs") as answer:
                await answer.read()
            by_hand.cancel()
            await google.close()
            await google.close()
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncio.open_connection("127.0.0.1", port)
            return {repr(task) for task in asyncio.all_tasks() - before if "infra/local/google" in repr(task)}

    assert asyncio.run(scenario()) == set()


def test_a_taken_port_is_an_error():
    """The caller decides what then; nothing is left behind."""

    async def scenario():
        async with stand_in() as (_, port):
            other = GoogleStandIn(clock=SystemClock())
            with pytest.raises(OSError, match="address already in use"):
                await other.start(port)
            await other.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "name"),
    [
        ("POST", f"/v2/{LOCATION}/queues", b"{", 400, "INVALID_ARGUMENT"),
        ("POST", f"/v2/{LOCATION}/queues", b"[]", 400, "INVALID_ARGUMENT"),
        ("POST", f"/v2/{LOCATION}/queues", b"\xff", 400, "INVALID_ARGUMENT"),
        ("POST", f"/v2/{LOCATION}/queues", b"[" * 100_000, 400, "INVALID_ARGUMENT"),
        ("POST", f"/v2/{LOCATION}/queues", b" " * (11 * 2**20), 400, "INVALID_ARGUMENT"),
        ("GET", f"/v2/{LOCATION}/queues/bad_name", b"", 400, "INVALID_ARGUMENT"),
        ("GET", f"/v2/{LOCATION}/queues/none", b"", 404, "NOT_FOUND"),
        ("GET", f"/v2/{LOCATION}/queues/none/tasks/x", b"", 404, "NOT_FOUND"),
        ("GET", f"/v2/{LOCATION}/queues?pageSize=-1", b"", 400, "INVALID_ARGUMENT"),
        ("GET", f"/v2/{LOCATION}/queues?filter=state:PAUSED", b"", 501, "UNIMPLEMENTED"),
        ("GET", f"/v1/{JOB}", b"", 404, "NOT_FOUND"),
        ("POST", f"/v1/{JOB}:run", b"{}", 404, "NOT_FOUND"),
        ("GET", "/v2/elsewhere", b"", 404, "NOT_FOUND"),
        ("PUT", f"/v2/{LOCATION}/queues", b"", 501, "UNIMPLEMENTED"),
    ],
)
def test_errors_have_googles_form(method, path, body, status, name):
    """Status, code and name agree, and there is a message."""

    async def scenario():
        async with (
            stand_in() as (_, port),
            aiohttp.ClientSession() as client,
            client.request(method, f"http://127.0.0.1:{port}{path}", data=io.BytesIO(body)) as answer,
        ):
            return answer.status, await answer.json()

    answered, shown = asyncio.run(scenario())
    assert answered == status
    assert (shown["error"]["code"], shown["error"]["status"]) == (status, name)
    assert shown["error"]["message"]


def test_a_queues_burst_counts_in_process_and_is_output_only_over_rest():
    """As for the real API, which picks it itself."""

    async def scenario():
        async with stand_in() as (google, port), aiohttp.ClientSession() as client:
            limits = {"maxDispatchesPerSecond": 1, "maxBurstSize": 3}
            mine = google.create_queue(LOCATION, {"name": QUEUE, "rateLimits": limits})
            body = {"name": f"{QUEUE}-2", "rateLimits": limits}
            async with client.post(f"http://127.0.0.1:{port}/v2/{LOCATION}/queues", json=body) as answer:
                return mine["rateLimits"]["maxBurstSize"], (await answer.json())["rateLimits"]["maxBurstSize"]

    assert asyncio.run(scenario()) == (3, 10)


def test_in_process_calls_raise_what_rest_answers():
    """An ApiError with code, status and message."""

    async def scenario():
        async with stand_in() as (google, _):
            with pytest.raises(ApiError) as error:
                google.pause_queue(QUEUE)
            return error.value.as_json()["error"]

    assert asyncio.run(scenario()) == {"code": 404, "message": "Queue does not exist.", "status": "NOT_FOUND"}


def test_hundreds_of_real_dispatches_take_seconds_at_most():
    """Three hundred tasks with tokens, over the network."""

    async def scenario():
        async with recorder() as target, stand_in() as (google, _):
            google.create_queue(LOCATION, {"name": QUEUE})
            token = {"serviceAccountEmail": EMAIL}
            begun = time.perf_counter()
            for _ in range(300):
                enqueue(google, target.url, http={"oidcToken": token})
            await target.arrived(300)
            await ended(google)
            return time.perf_counter() - begun

    assert asyncio.run(scenario()) < 10
