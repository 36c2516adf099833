"""The canary: a made-up lead every ten minutes, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared import mail_settings
from shared.settings import kinds
from shared.settings.channels import board, group
from shared.settings.declaring import setting
from shared.webhook_settings import WebhookUrl


@dataclass(frozen=True, init=False, repr=False, eq=False)
class CanarySettings:
    """The canary: its keys, its target for each channel, and when it is late."""

    canary_keys: tuple[str, ...] = setting(
        "CANARY_KEYS",
        "Keys by which chat knows a canary, separated by commas: the first one signs, all of them are accepted.",
        kinds.api_keys,
        secret=True,
    )
    chat_url: str | None = setting("CHAT_URL", "Where the canary writes: the function chat.", kinds.url)
    canary_slack_webhook_url: str | None = setting(
        "CANARY_SLACK_WEBHOOK_URL",
        "Slack's incoming webhook for canaries, into a channel of their own.",
        kinds.url,
        secret=True,
    )
    canary_monday_board_id: str | None = setting(
        "CANARY_MONDAY_BOARD_ID", "The board for canaries, with the same columns; by default the leads' board.", board
    )
    canary_monday_group_id: str | None = setting("CANARY_MONDAY_GROUP_ID", "The group for canaries there.", group)
    canary_email_to: tuple[str, ...] = setting(
        "CANARY_EMAIL_TO", "Who gets canaries by e-mail, addresses separated by commas.", mail_settings.parse_mail_to
    )
    canary_webhook_url: WebhookUrl | None = setting(
        "CANARY_WEBHOOK_URL", "The receiver of canaries, signed with WEBHOOK_SECRET.", secret=True
    )
    canary_deadline: timedelta = setting(
        "CANARY_DEADLINE",
        "After how long a canary that was not delivered is late.",
        kinds.duration(timedelta(seconds=1), timedelta(hours=1)),
        "5m",
    )
    canary_missing_after: timedelta = setting(
        "CANARY_MISSING_AFTER",
        "After how long without a canary a person is told.",
        kinds.duration(timedelta(seconds=1), timedelta(days=1)),
        "30m",
    )
