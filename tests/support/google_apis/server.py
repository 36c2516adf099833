"""One server for all of Google's APIs that a deployment talks to; the APIs themselves are in the modules beside."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.google_apis.state import Refused, Seen, State

APIS = (
    "ARTIFACTREGISTRY",
    "BILLINGBUDGETS",
    "CLOUDBUILD",
    "CLOUDFUNCTIONS",
    "CLOUDRESOURCEMANAGER",
    "CLOUDSCHEDULER",
    "CLOUDTASKS",
    "FIREBASERULES",
    "FIRESTORE",
    "IAM",
    "LOGGING",
    "MONITORING",
    "REDIS",
    "RUN",
    "SECRETMANAGER",
    "SERVICEUSAGE",
    "STORAGE",
)

TOKEN = "access-token-of-the-stand-in"
"""What gcloud is logged in with, for the APIs that it has no command for."""


@dataclass(frozen=True)
class Asked:
    """A request as an API's method gets it.

    Attributes:
        name: the resource, the part of the path that the route's pattern names.
        query: one value a key.
        body: the JSON sent; empty where there was none.
    """

    name: str
    query: dict[str, str]
    body: Any
    raw: bytes


Method = Callable[[State, Asked], Any]
READS = ("getIamPolicy", "testIamPermissions", "{entries}:list")


@dataclass(frozen=True)
class Route:
    """A path of one API, ``NAME`` in it being the resource, and what answers there."""

    verb: str
    pattern: re.Pattern[str]
    method: Method
    reads: bool

    @classmethod
    def of(cls, verb: str, path: str, method: Method) -> Route:
        """From ``/v2/{projects/*/locations/*/queues}``: what stands in braces is the name, ``*`` one part of it."""
        pattern = re.escape(path).replace(r"\*", "[^/:]+").replace(r"\{", "(?P<name>").replace(r"\}", ")")
        return cls(verb, re.compile(pattern), method, verb == "GET" or path.endswith(READS))


class GoogleApis:
    """The running server.

    Attributes:
        state: what the project holds.
        url: with a slash at its end, as gcloud's overrides want it.
    """

    def __init__(self, project: str = "demo") -> None:
        from tests.support.google_apis.routes import ROUTES, new_project  # noqa: PLC0415 - they need this module

        self.state = State(project)
        new_project(self.state)
        apis, routes = self, ROUTES

        class Handler(_Handler):
            state = property(lambda self: apis.state)
            table = routes

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self.state.url = self.url
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def reset(self, project: str = "demo") -> None:
        """An empty project again."""
        from tests.support.google_apis.routes import new_project  # noqa: PLC0415 - they need this module

        self.state = State(project, url=self.url)
        new_project(self.state)

    def environment(self) -> dict[str, str]:
        """What makes gcloud talk to this server and to nobody else."""
        return {
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "1",
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "1",
            **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}": self.url for name in APIS},
        }

    def stop(self) -> None:
        """End it; no thread and no port is left."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


_APIS = {
    r"/v2/projects/[^/]+/locations/[^/]+/(functions|runtimes).*": "cloudfunctions",
    r"/v1/projects/[^/]+/locations/[^/]+/services/.*": "run",
    r"/apis/serving.knative.dev/.*": "run",
    r"/v2/projects/[^/]+/locations/[^/]+/queues.*": "cloudtasks",
    r"/v1/projects/[^/]+/locations/[^/]+/jobs.*": "cloudscheduler",
    r"/v1/projects/[^/]+/databases.*": "firestore",
    r"/v1/projects/[^/]+/secrets.*": "secretmanager",
    r"/v1/projects/[^/]+/serviceAccounts.*": "iam",
    r"/v1/projects/[^/]+/(rulesets|releases).*": "firebaserules",
    r"/v2/(projects/[^/]+/metrics.*|entries:list)": "logging",
    r"/v3/.*": "monitoring",
    r"/v1/billingAccounts/.*": "billingbudgets",
}


def api_of(path: str) -> str | None:
    """The service that a path belongs to, which has to be enabled; None for those that always are."""
    return next((name for pattern, name in _APIS.items() if re.fullmatch(pattern, path)), None)


class _Handler(BaseHTTPRequestHandler):
    """Finds the route, counts, fails where it is told to, answers JSON."""

    protocol_version = "HTTP/1.1"
    state: Any
    table: tuple[Route, ...]

    def log_message(self, *_: Any) -> None:
        """Say nothing; the requests are kept."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True))
        state: State = self.state
        code, body = exchange(state, self.table, Sent(self.command, path, query, raw, self.headers["Authorization"]))
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls


@dataclass(frozen=True)
class Sent:
    """A request as it is sent."""

    verb: str
    path: str
    query: dict[str, str]
    raw: bytes
    authorization: str | None = None


def exchange(state: State, table: tuple[Route, ...], sent: Sent) -> tuple[int, Any]:
    """The status and the body that one request is answered with; it is counted."""
    with state.lock:
        found = ((each, match) for each in table if (match := each.pattern.fullmatch(sent.path)))
        route, match = next(((r, m) for r, m in found if r.verb == sent.verb), (None, None))
        body = json.loads(sent.raw) if sent.raw[:1] in {b"{", b"["} else {}
        seen = Seen(sent.verb, sent.path, sent.query, body, route is None or not route.reads)
        state.requests.append(seen)
        asked = Asked(match["name"] if match else "", sent.query, body, sent.raw)
        try:
            _known(sent)
            return 200, _answered(state, route, seen, asked)
        except Refused as refused:
            return refused.code, refused.body()


def _known(sent: Sent) -> None:
    """Who asks without gcloud shows gcloud's token; gcloud itself is told not to."""
    if api_of(sent.path) == "firebaserules" and sent.authorization != f"Bearer {TOKEN}":
        raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")


def _answered(state: State, route: Route | None, seen: Seen, asked: Asked) -> Any:
    """What the API's method answers; raises Refused, also where this request is struck."""
    if route is None:
        raise Refused(400, "UNIMPLEMENTED", f"The stand-in has nothing at {seen.path}")
    struck = None if route.reads else state.strikes(seen)
    if state.denied and seen.path.startswith(state.denied):
        raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")
    if (api := api_of(seen.path)) and f"apis/{api}.googleapis.com" not in state.resources:
        told = f"{api}.googleapis.com has not been used in project {state.project} before or it is disabled."
        raise Refused(403, "PERMISSION_DENIED", told)
    if struck == "before":
        raise Refused(403, "PERMISSION_DENIED", "Struck before the change.")
    answer = route.method(state, asked)
    if struck == "after":
        raise Refused(403, "PERMISSION_DENIED", "Struck after the change.")
    return answer
