"""JSON schemas of the manifest and of a place, for editors: ``python -m infra.manifest_schema`` writes them anew."""

from __future__ import annotations

import json
import sys
from typing import Any

from infra.deploy.place import CHANGEABLE, Place
from infra.manifest import ROOT, Manifest
from infra.manifest_references import SHARED_KEYS

FILES = {"manifest": ROOT / "infra" / "manifest.schema.json", "place": ROOT / "infra" / "place.schema.json"}
_CHOICES = {
    ("Function", "access"): ["public", "admin", "tasks", "scheduler"],
    ("Function", "ingress"): ["all", "internal-only", "internal-and-gclb"],
}
_SECONDS = ("timeout", "min_backoff", "max_backoff", "attempt_deadline", "within", "absent_for")


def manifest_schema() -> dict[str, Any]:
    """Which keys there are, what is a must, and what kind of value each takes; names are checked by ``load``."""
    schema = Manifest.model_json_schema()
    kinds = schema["$defs"]
    kinds["Function"]["required"] = ["access"]  # the rest may come from defaults
    for (kind, key), words in _CHOICES.items():
        kinds[kind]["properties"][key] = {"enum": words}
    for kind in kinds.values():
        for key in set(_SECONDS) & set(kind.get("properties", {})):
            kind["properties"][key] = {"type": ["number", "string"], "pattern": "^[0-9.]+s?$"}
    kinds["Index"]["properties"]["fields"] = {"type": "array", "minItems": 2, "items": {"type": "string"}}
    settings = {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}}
    kinds["Function"]["properties"]["settings"] = settings
    defaults = {key: kinds["Function"]["properties"][key] for key in sorted(SHARED_KEYS)}
    schema["properties"]["defaults"] = {"type": "object", "additionalProperties": False, "properties": defaults}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def place_schema() -> dict[str, Any]:
    """The same of a place."""
    schema = Place.model_json_schema()
    numbers = {key: {"type": ["number", "string"]} for key in CHANGEABLE}
    changed = {"type": "object", "additionalProperties": False, "properties": numbers}
    schema["properties"]["functions"] = {"type": "object", "additionalProperties": changed}
    schema["properties"]["settings"] = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def texts() -> dict[str, str]:
    """Both files as they are to be."""
    schemas = {"manifest": manifest_schema(), "place": place_schema()}
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}


def main() -> int:
    """Write both files."""
    for name, text in texts().items():
        FILES[name].write_text(text, encoding="utf-8")
        print(FILES[name].relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
