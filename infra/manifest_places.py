"""What the placeholders of the manifest's settings stand for in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.manifest_fields import placeholders


@dataclass(frozen=True)
class Places:
    """What placeholders stand for in one place: production, or one run of the local system."""

    project: str
    region: str
    urls: Mapping[str, str]
    """A function's name → its URL, which is also the audience of the tokens sent to it."""

    def account(self, name: str) -> str:
        """The e-mail address of a service account."""
        return f"{name}@{self.project}.iam.gserviceaccount.com"

    def queue(self, name: str) -> str:
        """The full name of a queue."""
        return f"projects/{self.project}/locations/{self.region}/queues/{name}"

    def fill(self, text: str, function: str, *, paces: str = "") -> str:
        """A setting's value with its placeholders replaced.

        Args:
            text: the value as the manifest has it, checked by `infra.manifest.load`.
            function: whose setting it is, for ``${self_url}``.
            paces: what ``${paces}`` stands for, the same in every place.

        Raises:
            KeyError: the URL of a function that is named is not in ``urls``.
        """
        stands_for: dict[str, Callable[[str], str]] = {
            "project": lambda _: self.project,
            "region": lambda _: self.region,
            "paces": lambda _: paces,
            "self_url": lambda _: self.urls[function],
            "url": self.urls.__getitem__,
            "queue": self.queue,
            "service_account": self.account,
        }
        for kind, name in dict.fromkeys(placeholders(text)):
            text = text.replace(f"${{{kind}:{name}}}" if name else f"${{{kind}}}", stands_for[kind](name))
        return text
