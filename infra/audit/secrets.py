"""``python -m infra.audit.secrets``: no secret is in the tree.

Looks at every file that git knows, or would add, with detect-secrets; it asks nobody whether a key still works.
What looks like a secret and is none stands in ``allowed_secrets.yaml`` with its reason; an entry that nothing needs any
more is a finding too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from detect_secrets.__version__ import VERSION
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from infra.manifest import ROOT

ALLOWED = Path(__file__).with_name("allowed_secrets.yaml")
SEEN = ROOT / ".local" / "secrets-seen.json"
SHARES = 8
LEFT_OUT = frozenset({".venv", ".local"})
MADE = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"})
LOCKS = ("requirements.txt", "requirements-dev.txt")
"""Nothing but names, versions and hashes, which `make lock` writes."""

PLUGINS = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
FILTERS = ("is_templated_secret", "is_not_alphanumeric_string", "is_prefixed_with_dollar_sign", "is_indirect_reference")
CONFIGURATION = {
    "plugins_used": [
        *({"name": name} for name in PLUGINS),
        {"name": "Base64HighEntropyString", "limit": 4.5},
        {"name": "HexHighEntropyString", "limit": 3.0},
    ],
    "filters_used": [
        *({"path": f"detect_secrets.filters.heuristic.{name}"} for name in FILTERS),
        {"path": "detect_secrets.filters.heuristic.is_potential_uuid"},
        {"path": "detect_secrets.filters.heuristic.is_non_text_file"},
    ],
}


@dataclass(frozen=True)
class Found:
    """What looks like a secret. The value stays out of every message."""

    path: str
    line: int
    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}"


@dataclass(frozen=True)
class Allowed:
    """What is none: in which files (a pattern, * passes folders too), a pattern for the whole value, and why."""

    files: str
    value: str
    why: str

    def covers(self, found: Found) -> bool:
        """Whether it is about this."""
        return fnmatchcase(found.path, self.files) and bool(re.fullmatch(self.value, found.value))

    def __str__(self) -> str:
        return f"{ALLOWED.name}: nothing in {self.files} is {self.value!r} any more"


def allowed(path: Path = ALLOWED) -> list[Allowed]:
    """The entries of the file."""
    return [Allowed(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


def tracked(root: Path) -> list[str]:
    """The files that git knows or would add, without the lock files; all of a copy without git, as in Cloud Build."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    if (root / ".git").exists():
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    else:
        found = (path.relative_to(root) for path in root.rglob("*"))
        listed = [str(path) for path in found if not MADE & {*path.parts} and path.parts[0] not in LEFT_OUT]
    return [name for name in listed if name not in LOCKS and (root / name).is_file()]


def look(root: Path, names: Sequence[str]) -> list[Found]:
    """What looks like a secret in these files of a folder, line by line."""
    with transient_settings(CONFIGURATION):
        return [
            Found(name, secret.line_number, secret.type, secret.secret_value)
            for name in names
            for secret in scan_file(str(root / name))
            if secret.secret_value
        ]


def look_at_changed(root: Path, names: Sequence[str], seen: Path) -> list[Found]:
    """The same, without reading again what was without a finding the last time.

    Args:
        root: the folder.
        names: the files in it.
        seen: where to keep the hashes of such files; nothing else of them is kept.
    """
    digests = {name: _digest(root / name) for name in names}
    clean = set(json.loads(seen.read_text(encoding="utf-8"))) if seen.is_file() else set()
    changed = [name for name in names if digests[name] not in clean]
    shares = [share for start in range(SHARES) if (share := changed[start::SHARES])]
    with ProcessPoolExecutor(2) as pool:
        found = [each for share in pool.map(look, [root] * len(shares), shares) for each in share]
    of_note = {each.path for each in found}
    seen.parent.mkdir(exist_ok=True)
    seen.write_text(json.dumps(sorted(digests[name] for name in names if name not in of_note)), encoding="utf-8")
    return found


def _digest(path: Path) -> str:
    """Of a file, of the rules, and of the version of who looks; its name too, as that says how it is read."""
    rules = f"{json.dumps(CONFIGURATION)} {VERSION} {path.name}"
    return hashlib.sha256(rules.encode() + path.read_bytes()).hexdigest()


def findings(found: Sequence[Found], known: Sequence[Allowed]) -> list[str]:
    """A line for each secret that is not allowed, and for each entry that nothing needs."""
    found = sorted(set(found), key=str)
    left = [str(each) for each in found if not any(entry.covers(each) for entry in known)]
    idle = [str(entry) for entry in known if not any(entry.covers(each) for each in found)]
    return [*dict.fromkeys(left), *idle]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where there is none; 1 and a line for each otherwise."""
    parser = argparse.ArgumentParser(prog="python -m infra.audit.secrets", description="Find secrets in the tree.")
    parser.parse_args(arguments)
    found = findings(look_at_changed(ROOT, tracked(ROOT), SEEN), allowed())
    for line in found:
        print(line)
    if found:
        print(f"A secret must be replaced where it is used: it is known now. What is none belongs into {ALLOWED.name}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
