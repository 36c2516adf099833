"""Where leads go, and what each channel needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared import apprise_settings, mail_settings, webhook_settings
from shared.mail_settings import SmtpServer
from shared.settings import kinds
from shared.settings.declaring import setting
from shared.webhook_settings import Pairs, WebhookUrl

board = kinds.matching(r"[0-9]{1,20}", "the board's number")
group = kinds.matching(r"[^\s\x00-\x1f\x7f]{1,255}", "the group's id, without spaces")


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChannelsSettings:
    """Where leads go, and what each channel needs."""

    lead_channels: tuple[str, ...] = setting(
        "LEAD_CHANNELS",
        "Where leads go, separated by commas; by default those configured of slack, monday.",
        kinds.channels(*kinds.LEAD_CHANNELS),
    )
    escalation_channels: tuple[str, ...] = setting(
        "ESCALATION_CHANNELS",
        "Where a person is told of what cannot be delivered, the first choice first; by default all configured.",
        kinds.channels(*kinds.CHANNELS),
    )
    escalation_channel: str | None = setting(
        "ESCALATION_CHANNEL", "The same as ESCALATION_CHANNELS with one channel.", kinds.channel
    )
    slack_webhook_url: str | None = setting("SLACK_WEBHOOK_URL", "Slack's incoming webhook.", kinds.url, secret=True)
    monday_api_key: str | None = setting("MONDAY_API_KEY", "Monday.com's API token.", kinds.token, secret=True)
    monday_board_id: str | None = setting("MONDAY_BOARD_ID", "The board that gets an item an alert.", board)
    monday_columns: Mapping[str, str] | None = setting(
        "MONDAY_COLUMNS", "Which column of the board takes which field, JSON.", kinds.columns
    )
    monday_group_id: str | None = setting("MONDAY_GROUP_ID", "The group of new items; by default the first.", group)
    monday_api_url: str = setting(
        "MONDAY_API_URL", "Where Monday.com's API is.", kinds.url, "https://api.monday.com/v2"
    )
    smtp_url: SmtpServer | None = setting(
        "SMTP_URL", "The mail server, with user and password.", mail_settings.parse_smtp_url, secret=True
    )
    smtp_ca_file: str | None = setting("SMTP_CA_FILE", "Certificates trusted instead of the system's, a PEM file.")
    mail_from: str | None = setting("MAIL_FROM", "The sender of e-mail.", mail_settings.parse_mail_from)
    escalation_email_to: tuple[str, ...] = setting(
        "ESCALATION_EMAIL_TO", "The team's addresses, separated by commas.", mail_settings.parse_mail_to
    )
    webhook_url: WebhookUrl | None = setting("WEBHOOK_URL", "A receiver of Standard Webhooks.", secret=True)
    webhook_secret: str | None = setting(
        "WEBHOOK_SECRET", "What the webhook is signed with.", webhook_settings.parse_webhook_secret, secret=True
    )
    webhook_allowed_private: Pairs = setting(
        "WEBHOOK_ALLOWED_PRIVATE",
        "Exact host:port pairs that WEBHOOK_URL may lead to though they are private.",
        webhook_settings.parse_allowed_private,
        "",
    )
    apprise_urls: tuple[str, ...] = setting(
        "APPRISE_URLS", "Services of Apprise, separated by spaces.", apprise_settings.parse_apprise_urls, secret=True
    )
