"""What ``firestore.rules`` lets a browser do, asked of the real emulator: nothing; the functions are not concerned."""

from __future__ import annotations

import base64
import json
import uuid

import pytest
import requests

from infra.deploy.plan_rules import FILE

VISITOR = {"sub": "visitor", "iat": 0, "iss": "https://securetoken.google.com/rules", "aud": "rules"}


def unsigned(claims: dict[str, object]) -> str:
    """A token as the emulator takes it from a signed-in user."""
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts) + "."


@pytest.fixture
def documents(firestore_host: str) -> str:
    """The documents of a project in which these rules are in force; the emulator refused them otherwise."""
    project = f"rules-{uuid.uuid4().hex[:8]}"
    body = {"rules": {"files": [{"name": FILE.name, "content": FILE.read_text(encoding="utf-8")}]}}
    url = f"http://{firestore_host}/emulator/v1/projects/{project}:securityRules"
    assert requests.put(url, json=body, timeout=30).status_code == 200
    body["rules"]["files"][0]["content"] += "}"
    assert requests.put(url, json=body, timeout=30).status_code == 400
    return f"http://{firestore_host}/v1/projects/{project}/databases/(default)/documents"


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {unsigned(VISITOR)}"}])
def test_a_browser_can_neither_read_nor_write(documents: str, headers: dict[str, str]) -> None:
    """Neither without a user nor with one; a document, a collection and a new one."""
    answers = [
        requests.get(f"{documents}/alerts/a", headers=headers, timeout=30),
        requests.get(f"{documents}/conversations", headers=headers, timeout=30),
        requests.post(f"{documents}/alerts", json={"fields": {}}, headers=headers, timeout=30),
        requests.delete(f"{documents}/receipts/r", headers=headers, timeout=30),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


def test_a_function_can(documents: str) -> None:
    """Accounts of the project pass by the rules."""
    owner = {"Authorization": "Bearer owner"}
    made = requests.post(f"{documents}/alerts?documentId=a", json={"fields": {}}, headers=owner, timeout=30)
    assert made.status_code == 200
    assert requests.get(f"{documents}/alerts/a", headers=owner, timeout=30).status_code == 200
