"""Every setting, as it is declared: what it takes is what its own parser says when it refuses."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any

from infra.docs.blocks import code, table
from infra.local.__main__ import EPILOG
from infra.manifest import Manifest
from shared.config import NEEDED, Settings
from shared.settings.canary import CanarySettings
from shared.settings.channels import ChannelsSettings
from shared.settings.chat import ChatSettings
from shared.settings.delivery import DeliverySettings
from shared.settings.identity import IdentitySettings
from shared.settings.limits import LimitsSettings
from shared.settings.rights import RightsSettings

GROUPS = (
    ChannelsSettings,
    ChatSettings,
    LimitsSettings,
    DeliverySettings,
    RightsSettings,
    CanarySettings,
    IdentitySettings,
)
NOTHING_TAKES_IT = "\x00 \x7f"


def configuration_blocks(manifest: Manifest) -> dict[str, str]:
    """The settings in their groups, what each channel needs, and what ``make run`` takes beside them."""
    return {
        "settings": "\n\n".join(_group(group, manifest) for group in GROUPS),
        "channels": table(("channel", "needs"), ((f"`{name}`", code(needed)) for name, needed in NEEDED.items())),
        "local": f"```text\n{EPILOG.strip()}\n```",
    }


def takes(declared: Field[Any]) -> str:
    """What a setting takes, in the words of the parser."""
    try:
        declared.metadata["parse"](NOTHING_TAKES_IT)
    except ValueError as error:
        return str(error)
    return "text"


def without(name: str, default: str | None, manifest: Manifest) -> str:
    """What holds where nothing is set: the manifest's value, or the declaration's; empty where there is none."""
    given = {entry.settings[name] for entry in manifest.functions.values() if entry.settings.get(name)}
    if any("${" in text for text in given if text):
        return "the deployment fills it in"
    if given:
        return f"{code(sorted(text for text in given if text))} (manifest)"
    return f"`{default}`" if default else ""


def _group(group: type, manifest: Manifest) -> str:
    mine = {item.name for item in fields(group)}
    listed = [item for item in fields(Settings) if item.name in mine]
    head = ("setting", "takes", "without it", "meaning", "read by")
    title = (group.__doc__ or "").strip().rstrip(".")
    return f"### {title}\n\n{table(head, [_row(item, manifest) for item in listed])}"


def _row(item: Field[Any], manifest: Manifest) -> list[str]:
    name, default = item.metadata["name"], item.metadata["default"]
    functions = manifest.functions.items()
    readers = [function for function, entry in functions if name in entry.settings or name in entry.secrets]
    return [
        f"`{name}`{' (secret)' if item.metadata['secret'] else ''}",
        takes(item),
        without(name, default, manifest),
        item.metadata["doc"],
        "all" if len(readers) == len(functions) else code(readers) or "set in tests and on one machine only",
    ]
