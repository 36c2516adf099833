"""What things are called in the cloud, and where they will be before they are there.

A Cloud Run service has a URL that follows from its name, the project's number and the region
(https://cloud.google.com/run/docs/triggering/https-request#deterministic), so that functions can be given each other's
addresses before any of them is deployed: decision 0019.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.deploy.place import Place
from infra.manifest import Manifest

LONGEST_LABEL = 63
"""The longest part of a host name."""


@dataclass(frozen=True)
class Names:
    """The names of one place.

    Attributes:
        number: the project's number.
    """

    manifest: Manifest
    place: Place
    number: str

    def function(self, name: str) -> str:
        """A function's name in the cloud, also its Cloud Run service's: those take no underscore."""
        return cloud_name(name)

    def url(self, function: str) -> str:
        """A function's URL, also the audience of the tokens sent to it."""
        return f"https://{cloud_name(function)}-{self.number}.{self.place.region}.run.app"

    @property
    def urls(self) -> dict[str, str]:
        """Every function's URL."""
        return {name: self.url(name) for name in self.manifest.functions}

    def account(self, name: str) -> str:
        """An account's e-mail address."""
        return f"{name}@{self.place.project}.iam.gserviceaccount.com"

    def member(self, name: str) -> str:
        """An account as policies name it."""
        return f"serviceAccount:{self.account(name)}"

    def callers(self, function: str) -> list[str]:
        """Who may call a function, as policies name them."""
        entry = self.manifest.functions[function]
        deployer = [self.member(self.manifest.deployer.account)] if self.manifest.deployer else []  # for the smoke test
        found = {"public": ["allUsers"], "admin": [*self.place.operators, *deployer]}.get(entry.access, [])
        called = [queue.target for queue in self.manifest.queues.values()]
        called += [job.target for job in self.manifest.jobs.values()]
        if function in called:
            found = [*found, self.member(self.manifest.invoker(function))]
        return found


def cloud_name(function: str) -> str:
    """A function's name in the cloud."""
    return function.replace("_", "-")
