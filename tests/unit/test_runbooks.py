"""The runbooks: every cause that an escalation or a notice can name stands where it points to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.manifest import load
from shared.adapters import slack
from shared.adapters.monday_answers import BY_STATUS, ERRORS, Kind

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
PAGES = sorted(page.name for page in RUNBOOKS.glob("*.md") if page.name != "README.md")
OURS = {
    "alert-failed.md": [
        "unconfirmed",
        "address_invalid",
        "timeout",
        "connection_failed",
        "lease_expired",
        "tls_failed",
    ],
    "destination-blocked.md": ["channel_not_configured", "certificate", "host_not_found", "private_address"],
}
THEIRS = {
    "alert-failed.md": [
        *sorted(slack.NAMES - slack.BLOCKED),
        *BY_STATUS,
        *(name for kind, names in ERRORS.items() if kind is not Kind.BLOCKED for name in names),
    ],
    "destination-blocked.md": [*sorted(slack.BLOCKED), *ERRORS[Kind.BLOCKED]],
}


def words(page: str) -> set[str]:
    """The words of a page, a machine word being one."""
    return set(re.findall(r"\w+", (RUNBOOKS / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", sorted(OURS))
def test_every_cause_stands_on_its_page(page: str) -> None:
    """A person looks for the very word."""
    assert sorted({*OURS[page], *THEIRS[page]} - words(page)) == []


def test_the_list_names_every_page() -> None:
    """So that a person finds it."""
    listed = re.findall(r"\]\(([^)]+)\)", (RUNBOOKS / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(page.name for page in RUNBOOKS.glob("*.md") if page.name != "README.md")


def test_every_alert_policy_leads_to_a_page() -> None:
    """The page is there, and is named in the list."""
    policies = load().alert_policies.values()
    assert sorted({f"{policy.runbook}.md" for policy in policies} - set(PAGES)) == []
