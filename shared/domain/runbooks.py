"""The page that says what to do about a cause; the pages are in ``runbooks/``."""

from __future__ import annotations

import re

from shared.domain.breaker import BREAKER_OPEN

FAILED = "alert-failed.md"
BLOCKED = "destination-blocked.md"
OPEN = "breaker-open.md"
QUOTA = "monday-quota.md"

BLOCKING = frozenset(
    {
        # Ours, before anything is sent.
        "authentication_not_offered",
        "certificate",
        "channel_not_configured",
        "host_not_found",
        "no_service",
        "private_address",
        "starttls_not_offered",
        # Slack's.
        "account_inactive",
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_auth",
        "invalid_token",
        "is_archived",
        "missing_scope",
        "no_active_hooks",
        "no_service_id",
        "no_team",
        "not_authed",
        "not_in_channel",
        "posting_to_general_channel_denied",
        "team_disabled",
        "token_revoked",
        # Monday.com's.
        "IPRestrictedException",
        "InvalidBoardIdException",
        "InvalidVersionException",
        "ItemsLimitationException",
        "NotAuthenticated",
        "ResourceNotFoundException",
        "UNAUTHORIZED_FIELD_OR_TYPE",
        "USER_ACCESS_DENIED",
        "Unauthorized",
        "UserUnauthorizedException",
        "missingRequiredPermissions",
    }
)
"""Words for what only a person can repair; the adapters' tables are what decides, the tests compare."""

_BLOCKING_STATUS = re.compile(r"http_(30\d|40[1-5]|410)|smtp_(521|523|530|534|535|538)")


def runbook_for(cause: str | None, outcome: str | None = None) -> str:
    """The file name of the page about a cause.

    Args:
        cause: a machine word; None where none is known.
        outcome: what the attempt came to that it is of, if there was one.
    """
    if cause == BREAKER_OPEN:
        return OPEN
    if cause == "DAILY_LIMIT_EXCEEDED":
        return QUOTA
    if outcome not in (None, "blocked"):
        return FAILED
    if outcome == "blocked" or (cause is not None and (cause in BLOCKING or _BLOCKING_STATUS.fullmatch(cause))):
        return BLOCKED
    return FAILED
