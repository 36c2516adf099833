"""The channels that settings configure: which adapters are made, and when a fingerprint changes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.monday import Monday
from shared.adapters.slack import Slack
from shared.adapters.visitor_mail import Mailing
from shared.adapters.webhook import Webhook
from shared.channels import OPTIONAL, configured, fingerprints
from shared.config import NEEDED, from_environment
from shared.errors import ConfigError

ROOT = Path(__file__).parents[2]
ENVIRON = {
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/X",
    "MONDAY_API_KEY": "token",
    "MONDAY_BOARD_ID": "42",
    "MONDAY_COLUMNS": '{"alert_id": "text_mk1"}',
    "SMTP_URL": "smtps://user:password@mail.example.com",
    "MAIL_FROM": "bellhop@example.com",
    "ESCALATION_EMAIL_TO": "ann@example.com",
    "WEBHOOK_URL": "https://hooks.example.com/in",
    "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
OTHER = {
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/Y",
    "MONDAY_API_KEY": "another",
    "MONDAY_BOARD_ID": "43",
    "MONDAY_COLUMNS": '{"alert_id": "text_mk2"}',
    "MONDAY_GROUP_ID": "archive",
    "MONDAY_API_URL": "https://api.example.com/v2",
    "SMTP_URL": "smtps://user:changed@mail.example.com",
    "SMTP_CA_FILE": "/etc/ca.pem",
    "MAIL_FROM": "other@example.com",
    "ESCALATION_EMAIL_TO": "ann@example.com, bob@example.com",
    "WEBHOOK_URL": "https://hooks.example.com/other",
    "WEBHOOK_SECRET": "whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "WEBHOOK_ALLOWED_PRIVATE": "10.0.0.7:443",
    "APPRISE_URLS": "json://example.com",
}
LOADED = """
import json, sys
from shared.channels import configured
from shared.config import from_environment
configured(from_environment(json.loads(sys.argv[1])))
print(json.dumps([name for name in sys.modules if name.startswith("shared.adapters.")]))
"""


def of(channel: str) -> dict[str, str]:
    """An environment with this channel only."""
    return {name: ENVIRON[name] for name in NEEDED[channel]}


def test_every_channel_that_is_configured_is_made() -> None:
    """By its name, with the adapter that sends there; none that is not configured."""
    kinds = {name: type(channel) for name, channel in configured(from_environment(ENVIRON)).items()}
    assert kinds == {"email": Mailing, "slack": Slack, "webhook": Webhook, "monday": Monday}
    assert configured(from_environment({})) == {}


@pytest.mark.parametrize(
    ("channel", "others"), [("slack", ("monday", "smtp", "webhook")), ("email", ("slack", "monday", "webhook"))]
)
def test_only_the_adapters_of_configured_channels_are_imported(channel: str, others: tuple[str, ...]) -> None:
    """A cold start does not pay for channels nobody uses."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(of(channel))], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = json.loads(run.stdout)
    assert loaded
    assert not {f"shared.adapters.{name}" for name in others} & set(loaded)


@pytest.mark.parametrize(("name", "text"), [("SMTP_CA_FILE", "/nowhere.pem"), ("APPRISE_URLS", "nothing://at.all")])
def test_f45_what_an_adapter_cannot_use_is_told_by_its_setting(name: str, text: str) -> None:
    """Some mistakes only the adapter sees; they name the setting too."""
    with pytest.raises(ConfigError, match=f"^{name}: "):
        configured(from_environment(ENVIRON | {name: text}))


@pytest.mark.parametrize(
    ("channel", "name"),
    [(channel, name) for channel in NEEDED for name in (*NEEDED[channel], *OPTIONAL.get(channel, ()))],
)
def test_f45_a_changed_setting_changes_its_channels_fingerprint_only(channel: str, name: str) -> None:
    """A new secret is noticed, a password inside a URL too; the other channels stay as they were."""
    environ = ENVIRON | {"APPRISE_URLS": "tgram://token/chat"}
    before, after = (fingerprints(from_environment(given)) for given in (environ, environ | {name: OTHER[name]}))
    assert {known for known in before if before[known] != after[known]} == {channel}


def test_f45_a_fingerprint_is_short_stable_and_says_nothing() -> None:
    """Sixteen hexadecimal digits, the same for the same settings in any instance, for configured channels only."""
    prints = fingerprints(from_environment(of("slack") | {"REGION": "one"}))
    assert prints == fingerprints(from_environment(of("slack") | {"REGION": "two"}))
    assert list(prints) == ["slack"]
    assert re.fullmatch("[0-9a-f]{16}", prints["slack"])
