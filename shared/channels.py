"""The channels that are configured, made from the settings; each adapter is imported only where its channel is."""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import astuple, fields, is_dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from shared.config import NEEDED, Settings

if TYPE_CHECKING:
    from shared.adapters.followup_mail import FollowupMail
    from shared.ports import Channel

OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "email": ("SMTP_CA_FILE",),
    "monday": ("MONDAY_GROUP_ID", "MONDAY_API_URL"),
    "webhook": ("WEBHOOK_ALLOWED_PRIVATE",),
}
"""A channel's settings beside those of ``shared.config.NEEDED``."""

FINGERPRINT_BYTES = 8


def configured(settings: Settings) -> dict[str, Channel]:
    """The channels that can send, by name.

    Raises:
        ConfigError: names the setting that an adapter cannot use.
    """
    from shared.adapters.http import AGENT

    return {name: _MAKERS[name](settings, AGENT) for name in settings.channels}


def canary_targets(settings: Settings) -> dict[str, Channel]:
    """Where canaries go: the channels of leads that have a target for them, each made as the channel itself is.

    Raises:
        ConfigError: names the setting that an adapter cannot use.
    """
    from shared.adapters.http import CANARY_AGENT

    theirs = replace(
        settings,
        slack_webhook_url=settings.canary_slack_webhook_url,
        monday_board_id=settings.canary_monday_board_id or settings.monday_board_id,
        monday_group_id=settings.canary_monday_group_id,
        escalation_email_to=settings.canary_email_to,
        webhook_url=settings.canary_webhook_url,
        public_base_url=None,  # no e-mail to a visitor is a canary
    )
    return {name: _MAKERS[name](theirs, CANARY_AGENT) for name in settings.canary_channels if name in settings.channels}


def fingerprints(settings: Settings) -> dict[str, str]:
    """For each configured channel 16 hexadecimal digits that change whenever one of its settings does.

    They can be stored: a secret cannot be had from them.
    """
    return {name: _fingerprint(settings, name) for name in settings.channels}


def _fingerprint(settings: Settings, channel: str) -> str:
    wanted = {*NEEDED[channel], *OPTIONAL.get(channel, ())}
    values = {
        item.metadata["name"]: _plain(getattr(settings, item.name))
        for item in fields(settings)
        if item.metadata["name"] in wanted
    }
    return blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=FINGERPRINT_BYTES).hexdigest()


def _plain(value: Any) -> Any:
    """A setting as JSON takes it, all of it: what a repr hides too."""
    if is_dataclass(value) and not isinstance(value, type):
        return astuple(value)
    if isinstance(value, Mapping):
        return dict(value)
    return sorted(value) if isinstance(value, frozenset) else value


def _slack(settings: Settings, agent: str) -> Channel:
    from shared.adapters.slack import Slack

    return Slack(settings.slack_webhook_url or "", agent=agent)


def _monday(settings: Settings, agent: str) -> Channel:
    from shared.adapters.monday import Monday

    return Monday(
        api_key=settings.monday_api_key or "",
        board_id=settings.monday_board_id or "",
        api_url=settings.monday_api_url,
        group_id=settings.monday_group_id,
        columns=settings.monday_columns or {},
        agent=agent,
    )


def _email(settings: Settings, _agent: str) -> Channel:
    from shared.adapters.smtp import Email
    from shared.adapters.visitor_mail import Mailing, VisitorMail

    assert settings.smtp_url is not None  # noqa: S101 - it is configured
    how = {"mail_from": settings.mail_from or "", "ca_file": settings.smtp_ca_file}
    team = Email(settings.smtp_url, to=settings.escalation_email_to, **how)  # type: ignore[arg-type]
    mails = _followups(settings)
    visitors = VisitorMail(settings.smtp_url, mails=mails, **how) if mails is not None else None  # type: ignore[arg-type]
    return Mailing(team, visitors)


def _followups(settings: Settings) -> FollowupMail | None:
    """What makes e-mails to visitors; None where there is no address or no key for their links."""
    if settings.public_base_url is None or settings.token_signing_keys is None:
        return None
    from shared.adapters.followup_mail import DkimKey, FollowupMail
    from shared.adapters.tokens import SignedTokens
    from shared.mail_settings import sender

    signing = None
    if settings.dkim_key is not None:
        signing = DkimKey(settings.dkim_key, settings.dkim_selector or "", settings.dkim_domain or "")
        signing.check()
    tokens = SignedTokens(settings.token_signing_keys)
    return FollowupMail(sender(settings.mail_from or ""), f"{settings.public_base_url}/unsubscribe", tokens, signing)


def _webhook(settings: Settings, agent: str) -> Channel:
    from shared.adapters.webhook import Webhook

    assert settings.webhook_url is not None  # noqa: S101 - it is configured
    return Webhook(
        settings.webhook_url,
        secret=settings.webhook_secret or "",
        allowed_private=settings.webhook_allowed_private,
        agent=agent,
    )


def _apprise(settings: Settings, _agent: str) -> Channel:
    from shared.adapters.apprise import Apprise

    return Apprise(settings.apprise_urls)


_MAKERS: Mapping[str, Callable[[Settings, str], Channel]] = {
    "email": _email,
    "slack": _slack,
    "webhook": _webhook,
    "monday": _monday,
    "apprise": _apprise,
}
