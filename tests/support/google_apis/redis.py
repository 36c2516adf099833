"""Memorystore for Redis, as far as an operator looks at an instance.

Source: https://cloud.google.com/memorystore/docs/redis/reference/rest/v1/projects.locations.instances
"""

from __future__ import annotations

from tests.support.google_apis import common
from tests.support.google_apis.server import Route

LOCATION = "projects/*/locations/*"

ROUTES = [
    Route.of("GET", f"/v1/{{{LOCATION}}}/instances", common.lists("instances", "instances")),
    Route.of("GET", f"/v1/{{{LOCATION}/instances/*}}", common.get),
]
