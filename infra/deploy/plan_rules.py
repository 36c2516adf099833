"""The step for the database's security rules, which gcloud has no command for: the Firebase Rules API, decision 0032.

Source: https://firebase.google.com/docs/reference/rules/rest
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deploy.rest import Rest
from infra.deploy.steps import Call, Step
from infra.manifest import ROOT

API = "firebaserules"
URL = f"https://{API}.googleapis.com"
FILE = ROOT / "firestore.rules"


@dataclass(frozen=True)
class Rules:
    """The rules of one database.

    Attributes:
        rest: the Firebase Rules API for its project.
        database: its id.
    """

    rest: Rest
    database: str

    @property
    def _project(self) -> str:
        return f"v1/projects/{self.rest.gcloud.project}"

    @property
    def _release(self) -> str:
        """The release that Firestore looks at; that of the default database has no id behind it."""
        return "cloud.firestore" if self.database == "(default)" else f"cloud.firestore/{self.database}"

    def released(self) -> str | None:
        """The rules in force; None where there are none, and everything is denied.

        Raises:
            CommandFailed: they could not be read.
        """
        release = self.rest.get(f"{self._project}/releases/{self._release}")
        return None if release is None else _source(self.rest.get(f"v1/{release['rulesetName']}"))

    def release(self, text: str) -> None:
        """Put rules in force: two requests, or one where the newest rules that nobody released are these.

        Raises:
            CommandFailed: it did not succeed; done again, it goes on where it stopped.
        """
        there = self.rest.get(f"{self._project}/releases/{self._release}")
        body = {
            "name": f"{self._project.removeprefix('v1/')}/releases/{self._release}",
            "rulesetName": self._left(text) or self._made(text),
        }
        if there is None:
            self.rest.change("POST", f"{self._project}/releases", body)
        else:
            self.rest.change("PATCH", f"{self._project}/releases/{self._release}", {"release": body})

    def _left(self, text: str) -> str | None:
        """Rules that an earlier run made and did not come to release."""
        listed = (self.rest.get(f"{self._project}/rulesets?pageSize=100") or {}).get("rulesets", ())
        newest = max(listed, key=lambda each: str(each.get("createTime", "")), default=None)
        if newest is None or _source(self.rest.get(f"v1/{newest['name']}")) != text:
            return None
        return str(newest["name"])

    def _made(self, text: str) -> str:
        source = {"files": [{"name": FILE.name, "content": text}]}
        return str(self.rest.change("POST", f"{self._project}/rulesets", {"source": source})["name"])

    def requests(self, *, new: bool) -> tuple[str, ...]:
        """What `release` asks for, for people."""
        base = f"{self.rest.url}/{self._project}"
        verb, where = ("POST", "releases") if new else ("PATCH", f"releases/{self._release}")
        return f"POST {base}/rulesets, with {FILE.name}", f"{verb} {base}/{where}, with these rules for {self._release}"


def steps(rules: Rules, released: str | None, path: Path = FILE) -> Iterator[Step]:
    """One step where the rules in force are not those of the file."""
    text = path.read_text(encoding="utf-8")
    if released != text:
        reason = "there are none" if released is None else f"those in force are not those of {path.name}"
        call = Call(rules.requests(new=released is None), lambda: rules.release(text))
        yield Step("rules", rules.database, (), reason, call=call)


def _source(ruleset: Any) -> str | None:
    files = (ruleset or {}).get("source", {}).get("files", ())
    return str(files[0]["content"]) if len(files) == 1 else None
