"""The settings: what each takes, what it is by default, and how mistakes are told."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config import CHANNELS, NEEDED, Limits, Settings, from_environment
from shared.errors import ConfigError
from shared.mail_settings import SmtpServer
from shared.webhook_settings import WebhookUrl

WEBHOOK = "https://hooks.slack.com/services/T000/B000/verysecret"
HOOK = "https://hooks.example.com/in"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
COLUMNS = '{"alert_id": "text_mk1", "email": "email_mk2"}'
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJD" * 200 + "\n-----END RSA PRIVATE KEY-----\n"
SIGNING = {"DKIM_KEY": PEM, "DKIM_SELECTOR": "mail", "DKIM_DOMAIN": "example.com"}
CONFIGURED = {
    "SLACK_WEBHOOK_URL": WEBHOOK,
    "MONDAY_API_KEY": "token",
    "MONDAY_BOARD_ID": "42",
    "MONDAY_COLUMNS": COLUMNS,
    "SMTP_URL": "smtps://u:verysecret@mail.example.com",
    "MAIL_FROM": "bellhop@example.com",
    "ESCALATION_EMAIL_TO": "ann@example.com",
    "WEBHOOK_URL": HOOK,
    "WEBHOOK_SECRET": SECRET,
    "APPRISE_URLS": "json://example.com/verysecret",
    "LLM_BASE_URL": "https://models.example/v1",
    "LLM_MODEL": "small",
    "LLM_API_KEY": "verysecret",
    **SIGNING,
}
KEYS = ("k" * 16, "j" * 256)

NAMES = [item.metadata["name"] for item in fields(Settings)]

DEFAULTS = {
    "project": None,
    "region": "europe-west1",
    "chat_rate_limit": Limits(((30, 60),)),
    "chat_daily_budget": None,
    "api_rate_limit_hour": Limits(((200, 3600),)),
    "api_rate_limit_minute": Limits(((50, 60),)),
    "rate_limit_storage_uri": None,
    "trusted_proxy_hops": 1,
    "allowed_origins": (),
    "lead_channels": None,
    "escalation_channels": None,
    "escalation_channel": None,
    "slack_webhook_url": None,
    "monday_api_key": None,
    "monday_board_id": None,
    "monday_columns": None,
    "monday_group_id": None,
    "monday_api_url": "https://api.monday.com/v2",
    "smtp_url": None,
    "smtp_ca_file": None,
    "mail_from": None,
    "escalation_email_to": None,
    "webhook_url": None,
    "webhook_secret": None,
    "webhook_allowed_private": frozenset(),
    "apprise_urls": None,
    "admin_api_keys": None,
    "knowledge_path": None,
    "hot_lead_score": 80,
    "deliver_alert_url": None,
    "sweep_url": None,
    "cleanup_url": None,
    "migration_url": None,
    "drain_paces": None,
    "tasks_invoker_email": None,
    "scheduler_invoker_email": None,
    "oidc_audience": None,
    "oidc_certs_url": "https://www.googleapis.com/oauth2/v1/certs",
    "cloud_tasks_emulator_host": None,
    "cloud_scheduler_emulator_host": None,
    "breaker_fail_max": 5,
    "breaker_reset_seconds": 60.0,
    "digest_threshold": 100,
    "max_parked_age": timedelta(hours=24),
    "quick_attempts": 3,
    "dead_letter_retry_minutes": 5.0,
    "dead_letter_max_attempts": 5,
    "delivered_days": 30,
    "migration_rate": 500.0,
    "migration_lease_seconds": 30.0,
    "before_images_days": 30,
    "lease_seconds": 30.0,
    "destination_deadline_seconds": 10.0,
    "backoff_max_seconds": 30.0,
    "sweep_grace_seconds": 10.0,
    "llm_base_url": None,
    "llm_model": None,
    "llm_api_key": None,
    "llm_deadline_seconds": 8.0,
    "token_signing_keys": None,
    "address_hash_key": None,
    "public_base_url": None,
    "followup_delays": (timedelta(hours=24), timedelta(hours=72), timedelta(hours=168)),
    "dkim_key": None,
    "dkim_selector": None,
    "dkim_domain": None,
    "retention_days": 365,
    "erasure_relook_seconds": 2100.0,
    "followups_url": None,
    "canary_keys": None,
    "chat_url": None,
    "canary_slack_webhook_url": None,
    "canary_monday_board_id": None,
    "canary_monday_group_id": None,
    "canary_email_to": None,
    "canary_webhook_url": None,
    "canary_deadline": timedelta(minutes=5),
    "canary_missing_after": timedelta(minutes=30),
}

GOOD = [
    ("GOOGLE_CLOUD_PROJECT", "bellhop-prod", "bellhop-prod"),
    ("REGION", "us-central1", "us-central1"),
    ("CHAT_RATE_LIMIT", "5/second; 200 per 2 hours", Limits(((5, 1), (200, 7200)))),
    ("CHAT_RATE_LIMIT", "30/minute;200/hour;1000/day", Limits(((30, 60), (200, 3600), (1000, 86400)))),
    ("CHAT_DAILY_BUDGET", "5000", 5000),
    ("RATE_LIMIT_STORAGE_URI", "redis://10.0.0.3:6379", "redis://10.0.0.3:6379"),
    ("RATE_LIMIT_STORAGE_URI", "redis://cache.example/3", "redis://cache.example/3"),
    ("RATE_LIMIT_STORAGE_URI", "redis://:p%40ss@[::1]:6379/0", "redis://:p%40ss@[::1]:6379/0"),
    ("RATE_LIMIT_STORAGE_URI", "rediss://u:p@h:6378?ssl_ca_certs=/ca.pem", "rediss://u:p@h:6378?ssl_ca_certs=/ca.pem"),
    ("TRUSTED_PROXY_HOPS", "0", 0),
    ("TRUSTED_PROXY_HOPS", "9", 9),
    ("ALLOWED_ORIGINS", "*", ("*",)),
    ("ALLOWED_ORIGINS", "https://a.example, http://b.example:8080", ("https://a.example", "http://b.example:8080")),
    ("CHAT_RATE_LIMIT", "1 per 366 days", Limits(((1, 366 * 86400),))),
    ("LEAD_CHANNELS", "slack", ("slack",)),
    ("LEAD_CHANNELS", "webhook, email,monday,slack", ("webhook", "email", "monday", "slack")),
    ("ESCALATION_CHANNELS", "apprise,email", ("apprise", "email")),
    ("ESCALATION_CHANNEL", "email", "email"),
    ("MONDAY_API_KEY", "eyJhbGciOi.x-_", "eyJhbGciOi.x-_"),
    ("MONDAY_BOARD_ID", "1234567890", "1234567890"),
    ("MONDAY_COLUMNS", COLUMNS, {"alert_id": "text_mk1", "email": "email_mk2"}),
    ("MONDAY_GROUP_ID", "new_group", "new_group"),
    ("MONDAY_API_URL", "http://127.0.0.1:9/v2", "http://127.0.0.1:9/v2"),
    ("SMTP_URL", "smtps://u:p@h.example", SmtpServer("smtps", "h.example", 465, "u", "p")),
    ("SMTP_CA_FILE", "/etc/ca.pem", "/etc/ca.pem"),
    ("MAIL_FROM", "Bellhop <a@b.example>", "Bellhop <a@b.example>"),
    ("ESCALATION_EMAIL_TO", "a@b.example, c@d.example", ("a@b.example", "c@d.example")),
    ("WEBHOOK_URL", HOOK, WebhookUrl(HOOK, "hooks.example.com", 443)),
    ("WEBHOOK_SECRET", SECRET, SECRET),
    ("WEBHOOK_ALLOWED_PRIVATE", "10.0.0.7:8080", frozenset({("10.0.0.7", 8080)})),
    ("APPRISE_URLS", "tgram://a,b json://c", ("tgram://a,b", "json://c")),
    ("ADMIN_API_KEYS", ", ".join(KEYS), KEYS),
    ("SWEEP_URL", "https://sweep.example", "https://sweep.example"),
    ("CLEANUP_URL", "https://clean.example", "https://clean.example"),
    ("MIGRATION_URL", "https://migrate.example", "https://migrate.example"),
    ("DRAIN_PACES", "slack=1, monday=0.5", {"slack": 1.0, "monday": 0.5}),
    ("DEAD_LETTER_MAX_ATTEMPTS", "0", 0),
    ("DELIVERED_DAYS", "3650", 3650),
    ("API_RATE_LIMIT_HOUR", "100 per hour", Limits(((100, 3600),))),
    ("API_RATE_LIMIT_MINUTE", "5 per second", Limits(((5, 1),))),
    ("DKIM_KEY", PEM.replace("\n", "\\n"), PEM),
    ("DKIM_SELECTOR", "Mail", "mail"),
    ("DKIM_DOMAIN", "Mail.Example.com", "mail.example.com"),
    ("TOKEN_SIGNING_KEYS", ", ".join(KEYS), KEYS),
    ("ADDRESS_HASH_KEY", "k" * 16, "k" * 16),
    ("PUBLIC_BASE_URL", "https://example.com/functions/", "https://example.com/functions"),
    ("FOLLOWUP_DELAYS", "90s, 5m,1h,2d", tuple(timedelta(seconds=number) for number in (90, 300, 3600, 172800))),
    ("RETENTION_DAYS", "30", 30),
    ("ERASURE_RELOOK_SECONDS", "0", 0.0),
    ("FOLLOWUPS_URL", "https://followups.example", "https://followups.example"),
    ("CANARY_KEYS", ", ".join(KEYS), KEYS),
    ("CHAT_URL", "https://chat.example", "https://chat.example"),
    ("CANARY_SLACK_WEBHOOK_URL", WEBHOOK, WEBHOOK),
    ("CANARY_MONDAY_BOARD_ID", "43", "43"),
    ("CANARY_MONDAY_GROUP_ID", "canaries", "canaries"),
    ("CANARY_EMAIL_TO", "a@b.example, c@d.example", ("a@b.example", "c@d.example")),
    ("CANARY_WEBHOOK_URL", HOOK, WebhookUrl(HOOK, "hooks.example.com", 443)),
    ("CANARY_DEADLINE", "90s", timedelta(seconds=90)),
    ("CANARY_MISSING_AFTER", "1h", timedelta(hours=1)),
    ("MIGRATION_RATE", "750", 750.0),
    ("MIGRATION_LEASE_SECONDS", "5", 5.0),
    ("BEFORE_IMAGES_DAYS", "365", 365),
    ("SLACK_WEBHOOK_URL", WEBHOOK, WEBHOOK),
    ("SLACK_WEBHOOK_URL", f"  {WEBHOOK} ", WEBHOOK),
    ("SLACK_WEBHOOK_URL", "http://127.0.0.1:8123/hook", "http://127.0.0.1:8123/hook"),
    ("SLACK_WEBHOOK_URL", "http://[::1]:8123/hook", "http://[::1]:8123/hook"),
    ("KNOWLEDGE_PATH", "/srv/knowledge.yaml", "/srv/knowledge.yaml"),
    ("HOT_LEAD_SCORE", "0", 0),
    ("DELIVER_ALERT_URL", "https://deliver.example", "https://deliver.example"),
    ("TASKS_INVOKER_EMAIL", "a@b.iam.gserviceaccount.com", "a@b.iam.gserviceaccount.com"),
    ("SCHEDULER_INVOKER_EMAIL", "a@b.iam.gserviceaccount.com", "a@b.iam.gserviceaccount.com"),
    ("OIDC_AUDIENCE", "https://deliver.example", "https://deliver.example"),
    ("OIDC_CERTS_URL", "http://localhost:9/certs", "http://localhost:9/certs"),
    ("CLOUD_TASKS_EMULATOR_HOST", "127.0.0.1:8123", "127.0.0.1:8123"),
    ("CLOUD_SCHEDULER_EMULATOR_HOST", "127.0.0.1:8123", "127.0.0.1:8123"),
    ("CLOUD_TASKS_EMULATOR_HOST", "[::1]:65535", "[::1]:65535"),
    ("CLOUD_SCHEDULER_EMULATOR_HOST", "[::1]:65535", "[::1]:65535"),
    ("BREAKER_FAIL_MAX", "1", 1),
    ("BREAKER_RESET_SECONDS", "0.5", 0.5),
    ("DIGEST_THRESHOLD", "2", 2),
    ("MAX_PARKED_AGE", "90m", timedelta(minutes=90)),
    ("MAX_PARKED_AGE", "30 d", timedelta(days=30)),
    ("MAX_PARKED_AGE", "3600s", timedelta(hours=1)),
    ("QUICK_ATTEMPTS", "10", 10),
    ("DEAD_LETTER_RETRY_MINUTES", "0.05", 0.05),
    ("LEASE_SECONDS", "1500", 1500.0),
    ("DESTINATION_DEADLINE_SECONDS", "2.5", 2.5),
    ("BACKOFF_MAX_SECONDS", "0", 0.0),
    ("SWEEP_GRACE_SECONDS", "600", 600.0),
    ("LLM_BASE_URL", "https://models.example/v1beta/openai/", "https://models.example/v1beta/openai"),
    ("LLM_BASE_URL", "http://localhost:11434/v1", "http://localhost:11434/v1"),
    ("LLM_MODEL", "models/small-2.5:q4", "models/small-2.5:q4"),
    ("LLM_API_KEY", "sk-verysecret", "sk-verysecret"),
    ("LLM_DEADLINE_SECONDS", "0.5", 0.5),
]

BAD = [
    ("CHAT_RATE_LIMIT", "often", "limits such as '30 per minute'"),
    ("CHAT_RATE_LIMIT", "0 per minute", "limits such as"),
    ("CHAT_RATE_LIMIT", "1 per 367 days", "limits such as"),
    ("CHAT_RATE_LIMIT", "9999999999 per minute", "limits such as"),
    ("CHAT_RATE_LIMIT", "1/minute; 2 per 60 seconds", "each window once"),
    ("CHAT_DAILY_BUDGET", "0", "a whole number from 1 to 999999999"),
    ("CHAT_DAILY_BUDGET", "1000 per day", "a whole number from 1 to 999999999"),
    ("TRUSTED_PROXY_HOPS", "10", "a whole number from 0 to 9"),
    ("TRUSTED_PROXY_HOPS", "-1", "a whole number from 0 to 9"),
    ("TRUSTED_PROXY_HOPS", "1.0", "a whole number from 0 to 9"),
    ("TRUSTED_PROXY_HOPS", "\u0661", "a whole number from 0 to 9"),
    ("ALLOWED_ORIGINS", "https://a.example/path", "origins separated by commas"),
    ("ALLOWED_ORIGINS", "a.example", "origins separated by commas"),
    ("LEAD_CHANNELS", "slack,sms", "channels separated by commas, each once, of: slack"),
    ("LEAD_CHANNELS", "slack,slack", "each once"),
    ("LEAD_CHANNELS", ",", "channels separated by commas"),
    ("LEAD_CHANNELS", "apprise", "of: slack, monday, email, webhook"),
    ("ESCALATION_CHANNELS", "sms", "of: email, slack, webhook, monday, apprise"),
    ("ESCALATION_CHANNELS", "email,email", "each once"),
    ("ESCALATION_CHANNEL", "email,slack", "one channel of: email, slack"),
    ("MONDAY_BOARD_ID", "board", "the board's number"),
    ("MONDAY_BOARD_ID", "\u0661", "the board's number"),
    ("MONDAY_COLUMNS", '{"email": "x"}', "alert_id is missing"),
    ("MONDAY_GROUP_ID", "a b", "the group's id"),
    ("MONDAY_API_URL", "http://api.monday.com/v2", "an https URL"),
    ("MAIL_FROM", "nobody", "an address such as"),
    ("ESCALATION_EMAIL_TO", "a@b.example, nobody", "e-mail addresses separated by commas"),
    ("WEBHOOK_ALLOWED_PRIVATE", "10.0.0.7", "exact host:port pairs"),
    ("SWEEP_URL", "http://sweep.example", "an https URL"),
    ("CLEANUP_URL", "clean", "an https URL"),
    ("MIGRATION_URL", "migrate", "an https URL"),
    ("DRAIN_PACES", "slack", "channel=messages a second"),
    ("DRAIN_PACES", "slack=0", "above 0"),
    ("DRAIN_PACES", "slack=1, slack=2", "each channel once"),
    ("DRAIN_PACES", "sms=1", "channels: email, slack"),
    ("DRAIN_PACES", ",", "channel=messages a second"),
    ("DEAD_LETTER_MAX_ATTEMPTS", "101", "a whole number from 0 to 100"),
    ("DELIVERED_DAYS", "0", "a whole number from 1 to 3650"),
    ("CHAT_URL", "http://chat.example", "an https URL"),
    ("CANARY_MONDAY_BOARD_ID", "board", "the board's number"),
    ("CANARY_MONDAY_GROUP_ID", "a b", "the group's id"),
    ("CANARY_EMAIL_TO", "nobody", "e-mail addresses separated by commas"),
    ("CANARY_DEADLINE", "5", "a number and s, m, h or d"),
    ("CANARY_DEADLINE", "2h", "from 0:00:01 to 1:00:00"),
    ("CANARY_MISSING_AFTER", "2d", "from 0:00:01 to 1 day"),
    ("MIGRATION_RATE", "0", "a number from 1 to 100000"),
    ("MIGRATION_LEASE_SECONDS", "1", "a number from 2 to 1500"),
    ("BEFORE_IMAGES_DAYS", "0", "a whole number from 1 to 365"),
    ("DELIVER_ALERT_URL", "http://deliver.example", "an https URL"),
    ("DELIVER_ALERT_URL", "ftp://127.0.0.1/", "an https URL"),
    ("DELIVER_ALERT_URL", "https://", "an https URL"),
    ("DELIVER_ALERT_URL", "https://user:word@deliver.example", "an https URL"),
    ("DELIVER_ALERT_URL", "https://deliver.example/#here", "an https URL"),
    ("DELIVER_ALERT_URL", "https://deliver.example/a b", "an https URL"),
    ("DELIVER_ALERT_URL", "https://deliver.example:99999", "an https URL"),
    ("DELIVER_ALERT_URL", "https://[::1", "an https URL"),
    ("DELIVER_ALERT_URL", "http://127.0.0.1.evil.example/", "an https URL"),
    ("OIDC_CERTS_URL", "http://certs.example", "an https URL"),
    ("TASKS_INVOKER_EMAIL", "nobody", "a service account's e-mail address"),
    ("SCHEDULER_INVOKER_EMAIL", "no body@example.com", "a service account's e-mail address"),
    ("CLOUD_TASKS_EMULATOR_HOST", "10.0.0.1:8123", "host:port on this machine's loopback"),
    ("CLOUD_SCHEDULER_EMULATOR_HOST", "10.0.0.1:8123", "host:port on this machine's loopback"),
    ("CLOUD_TASKS_EMULATOR_HOST", "127.0.0.1", "host:port on this machine's loopback"),
    ("CLOUD_SCHEDULER_EMULATOR_HOST", "127.0.0.1", "host:port on this machine's loopback"),
    ("CLOUD_TASKS_EMULATOR_HOST", "127.0.0.1:65536", "host:port on this machine's loopback"),
    ("CLOUD_SCHEDULER_EMULATOR_HOST", "127.0.0.1:65536", "host:port on this machine's loopback"),
    ("BREAKER_FAIL_MAX", "0", "a whole number from 1 to 100"),
    ("BREAKER_RESET_SECONDS", "0", "a number from 0.5 to 3600"),
    ("DIGEST_THRESHOLD", "1", "a whole number from 2 to 10000"),
    *(
        ("MAX_PARKED_AGE", value, "a number and s, m, h or d, such as 90m or 24h, from 0:01:00 to 30 days, 0:00:00")
        for value in ("24", "h", "1.5h", "59s", "31d", "-1h", "999999999999d")
    ),
    ("QUICK_ATTEMPTS", "0", "a whole number from 1 to 10"),
    ("DEAD_LETTER_RETRY_MINUTES", "0", "a number from 0.01 to 1440"),
    ("DEAD_LETTER_RETRY_MINUTES", "1e3", "a number from 0.01 to 1440"),
    ("LEASE_SECONDS", "nan", "a number from 2 to 1500"),
    ("DESTINATION_DEADLINE_SECONDS", "inf", "a number from 1 to 600"),
    ("BACKOFF_MAX_SECONDS", "601", "a number from 0 to 600"),
    ("SWEEP_GRACE_SECONDS", "10s", "a number from 0 to 600"),
    ("LLM_BASE_URL", "http://models.example/v1", "an https URL"),
    ("LLM_BASE_URL", "https://models.example/v1?key=1", "an https URL without a query"),
    ("LLM_DEADLINE_SECONDS", "16", "a number from 0.5 to 15"),
]


def field_of(name: str) -> str:
    """The attribute of a variable."""
    return next(item.name for item in fields(Settings) if item.metadata["name"] == name)


def refused(environ: dict[str, str]) -> str:
    """What is said of a wrong environment."""
    with pytest.raises(ConfigError) as error:
        from_environment(environ)
    return str(error.value)


def test_the_defaults_are_as_documented() -> None:
    """An empty environment is valid; each function then says what it needs."""
    settings = from_environment({})
    assert {item.name: getattr(settings, item.name) for item in fields(settings)} == DEFAULTS


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_counts_as_not_set(name: str) -> None:
    """Deployment tools leave empty strings behind."""
    settings = from_environment({name: "  "})
    assert getattr(settings, field_of(name)) == DEFAULTS[field_of(name)]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_good_value_is_taken(name: str, text: str, value: Any) -> None:
    """Parsed once, with its final type."""
    settings = from_environment(CONFIGURED | {"LEASE_SECONDS": "1500", name: text})
    assert getattr(settings, field_of(name)) == value


def test_every_setting_has_an_example_and_a_doc() -> None:
    """None is added without a test and a line for the reader, and none is there for nothing."""
    assert {name for name, _, _ in GOOD} == set(NAMES)
    assert {name for needed in NEEDED.values() for name in needed} <= set(NAMES)
    assert set(NEEDED) == set(CHANNELS)
    assert all(item.metadata["doc"].endswith(".") for item in fields(Settings))


@pytest.mark.parametrize(("name", "text", "takes"), BAD)
def test_a_bad_value_is_named_with_what_it_was_and_what_it_takes(name: str, text: str, takes: str) -> None:
    """One line says all that is needed to correct it."""
    message = refused({name: text})
    assert message.startswith(f"{name}: was {text!r}; takes ")
    assert takes in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["30 per 99999999999999 years", "30/minute; 30/minute"])
def test_a_limit_that_cannot_be_counted_is_refused(text: str) -> None:
    """The first would end every chat with 500; the second counts each request twice in one window."""
    assert "CHAT_RATE_LIMIT" in refused({"CHAT_RATE_LIMIT": text})


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody deploys five times for five mistakes."""
    message = refused(
        {
            "QUICK_ATTEMPTS": "0",
            "LEASE_SECONDS": "x",
            "LLM_BASE_URL": "https://x",
            "ALLOWED_ORIGINS": "x",
            "SMTP_URL": "smtps://u:p@h.example",
            "MAIL_FROM": "x",
            "WEBHOOK_URL": "http://x",
            "WEBHOOK_SECRET": SECRET,
        }
    )
    assert sorted(line.split(":")[0] for line in message.splitlines()) == [
        "ALLOWED_ORIGINS",
        "ESCALATION_EMAIL_TO",
        "LEASE_SECONDS",
        "LLM_MODEL",
        "MAIL_FROM",
        "QUICK_ATTEMPTS",
        "WEBHOOK_URL",
    ]


WRONG_SECRETS = [
    ("SLACK_WEBHOOK_URL", "http://hooks.slack.com/verysecret", "an https URL"),
    ("SLACK_WEBHOOK_URL", "verysecret", "an https URL"),
    ("SLACK_WEBHOOK_URL", "https://u:verysecret@x", "an https URL"),
    ("MONDAY_API_KEY", "very secret", "visible ASCII characters"),
    ("LLM_API_KEY", "very secret", "visible ASCII characters"),
    ("SMTP_URL", "smtp://u:verysecret@mail.example.com", "a URL such as smtp+starttls://"),
    ("WEBHOOK_URL", "https://10.0.0.7/verysecret", "an https URL on the public internet"),
    ("WEBHOOK_SECRET", "verysecret", "whsec_ followed by"),
    *(
        ("RATE_LIMIT_STORAGE_URI", uri, "redis://host:port, or rediss:// for TLS")
        for uri in (
            "verysecret",
            "memory://verysecret",
            "redis://:verysecret@",
            "redis://u:verysecret@h:0",
            "redis://u:verysecret@h:65536",
            "redis://u:very/secret@h",
            "redis://u:verysecret@h/db",
            "redis://u:verysecret@h?socket_timeout=60",
            "redis://u:verysecret@h?ssl_ca_certs=/ca.pem",
            "redis+sentinel://u:verysecret@h",
        )
    ),
    ("APPRISE_URLS", "verysecret", "Apprise URLs separated by spaces"),
    ("ADMIN_API_KEYS", "verysecretverysecret,verysecret", "keys separated by commas, each of 16 to 256"),
    ("ADMIN_API_KEYS", "very secret very secret", "keys separated by commas"),
    ("ADMIN_API_KEYS", "verysecret" * 26, "keys separated by commas"),
]


@pytest.mark.parametrize(("name", "text", "takes"), WRONG_SECRETS)
def test_f45_a_wrong_secret_is_not_repeated(name: str, text: str, takes: str) -> None:
    """Its variable and what it takes are enough."""
    message = refused(CONFIGURED | {name: text})
    assert message.startswith(f"{name}: was (secret); takes {takes}")
    assert "very" not in message
    assert "\n" not in message


def test_f45_no_secret_shows_in_a_repr() -> None:
    """A traceback or a log of the settings gives nothing away."""
    secret = {"ADMIN_API_KEYS": "verysecret" * 2, "WEBHOOK_URL": "https://hooks.example.com/verysecret"}
    settings = from_environment(CONFIGURED | secret | {"REGION": "somewhere"})
    shown = f"{settings!r} {settings}"
    assert "verysecret" not in shown
    assert SECRET not in shown
    assert "token" not in shown
    assert "somewhere" in shown


@pytest.mark.parametrize("minute", ["50 per hour", "50 per minute; 5 per hour"])
def test_two_limits_of_other_endpoints_differ_in_their_windows(minute: str) -> None:
    """One window counts once; of two limits of the same length one would mean nothing."""
    message = refused({"API_RATE_LIMIT_HOUR": "200 per hour", "API_RATE_LIMIT_MINUTE": minute})
    assert message == "API_RATE_LIMIT_MINUTE: has a window as long as one of API_RATE_LIMIT_HOUR; takes another one"


@pytest.mark.parametrize("name", ["DKIM_KEY", "DKIM_SELECTOR", "DKIM_DOMAIN"])
def test_a_signature_takes_key_selector_and_domain(name: str) -> None:
    """None of them means anything without the others."""
    message = refused({other: value for other, value in SIGNING.items() if other != name})
    assert message.startswith(f"{name}: is not set, but DKIM_")
    assert message.endswith(" is; a signature needs all of DKIM_*")


@pytest.mark.parametrize(
    ("given", "lacking"), [({"LLM_BASE_URL": "https://x"}, "LLM_MODEL"), ({"LLM_MODEL": "x"}, "LLM_BASE_URL")]
)
def test_a_language_model_takes_a_url_and_a_name(given: dict[str, str], lacking: str) -> None:
    """One without the other would be ignored."""
    [named] = given
    assert refused(given) == f"{lacking}: is not set, but {named} is; a language model needs both"


@pytest.mark.parametrize(("deadline", "lease", "fits"), [("29", "30", True), ("29.1", "30", False), ("10", "5", False)])
def test_an_attempt_must_fit_in_its_lease(deadline: str, lease: str, *, fits: bool) -> None:
    """Else the holder would lose its lease while it waits."""
    environ = {"DESTINATION_DEADLINE_SECONDS": deadline, "LEASE_SECONDS": lease}
    if fits:
        assert from_environment(environ).destination_deadline_seconds == float(deadline)
    else:
        said = f"DESTINATION_DEADLINE_SECONDS: was {deadline}; takes at most LEASE_SECONDS ({lease}) less 1"
        assert refused(environ) == said


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_partly_configured_channel_is_refused(channel: str) -> None:
    """Whoever sets its first setting is told each other one that is missing."""
    first, *others = NEEDED[channel]
    for missing in others:
        environ = {name: CONFIGURED[name] for name in NEEDED[channel] if name != missing}
        assert refused(environ) == f"{missing}: is not set, but {first} is; the channel {channel} needs both"
    assert from_environment({name: CONFIGURED[name] for name in NEEDED[channel]}).channels == (channel,)


def test_what_stands_beside_a_channel_does_not_configure_it() -> None:
    """A sender's address alone, as the manifest may set it everywhere, is no mistake and no channel."""
    assert from_environment({"MAIL_FROM": "a@b.example", "MONDAY_BOARD_ID": "42"}).channels == ()


def test_a_private_webhook_is_taken_exactly_where_it_is_allowed() -> None:
    """The URL is read beside the setting that allows it, whichever is set first."""
    environ = {"WEBHOOK_URL": "http://10.0.0.7:8080/in", "WEBHOOK_SECRET": SECRET}
    settings = from_environment(environ | {"WEBHOOK_ALLOWED_PRIVATE": "10.0.0.7:8080"})
    assert settings.webhook_url == WebhookUrl("http://10.0.0.7:8080/in", "10.0.0.7", 8080, private=True)
    assert "WEBHOOK_URL: was (secret)" in refused(environ | {"WEBHOOK_ALLOWED_PRIVATE": "10.0.0.7:80"})


@pytest.mark.parametrize(
    ("configured", "leads", "escalation"),
    [
        (CHANNELS, ("slack", "monday"), ("email", "slack", "webhook", "monday", "apprise")),
        (("monday",), ("monday",), ("monday",)),
        (("apprise", "email"), None, ("email", "apprise")),
    ],
)
def test_channels_follow_from_what_is_configured(
    configured: tuple[str, ...], leads: tuple[str, ...] | None, escalation: tuple[str, ...]
) -> None:
    """Leads go to Slack and Monday.com, escalation to whatever there is, in a fixed order."""
    settings = from_environment({name: CONFIGURED[name] for channel in configured for name in NEEDED[channel]})
    assert settings.lead_channels == leads
    assert settings.escalation_channels == escalation


def test_the_old_name_of_the_escalation_channels_is_a_list_of_one() -> None:
    """Both at once would leave open which of them counts."""
    assert from_environment({"ESCALATION_CHANNEL": "slack"}).escalation_channels == ("slack",)
    said = refused({"ESCALATION_CHANNEL": "slack", "ESCALATION_CHANNELS": "slack"})
    assert said == "ESCALATION_CHANNEL: is set, and ESCALATION_CHANNELS too; takes one of the two"


def unsendable(environ: dict[str, str]) -> list[str]:
    """What a function that sends says of its channels."""
    with pytest.raises(ConfigError) as error:
        from_environment(environ).require_channels()
    return str(error.value).splitlines()


def test_f45_every_channel_named_must_be_configured() -> None:
    """The line says who names it and which settings are missing."""
    environ = {"LEAD_CHANNELS": "slack, monday", "ESCALATION_CHANNELS": "email,slack", "SLACK_WEBHOOK_URL": WEBHOOK}
    assert unsendable(environ) == [
        (
            "LEAD_CHANNELS: was 'slack, monday'; monday is not configured: "
            "set MONDAY_API_KEY, MONDAY_BOARD_ID, MONDAY_COLUMNS"
        ),
        (
            "ESCALATION_CHANNELS: was 'email, slack'; email is not configured: "
            "set SMTP_URL, MAIL_FROM, ESCALATION_EMAIL_TO"
        ),
    ]
    from_environment(CONFIGURED | environ).require_channels()


def test_f45_what_one_channel_cannot_deliver_needs_another() -> None:
    """A lead's channel that is the only way to escalate is refused, for each such channel."""
    only_slack = {"SLACK_WEBHOOK_URL": WEBHOOK}
    other = "too: an alert that cannot be delivered must reach a person another way"
    assert unsendable(only_slack) == [f"ESCALATION_CHANNELS: was 'slack'; takes a channel other than slack {other}"]
    environ = CONFIGURED | {"LEAD_CHANNELS": "slack, monday", "ESCALATION_CHANNELS": "monday"}
    assert unsendable(environ) == [f"ESCALATION_CHANNELS: was 'monday'; takes a channel other than monday {other}"]
    from_environment(environ | {"ESCALATION_CHANNELS": "monday,slack"}).require_channels()


def test_no_channel_at_all_is_refused() -> None:
    """A system that can tell nobody does not start."""
    assert [line.split(":")[0] for line in unsendable({})] == ["LEAD_CHANNELS", "ESCALATION_CHANNELS"]


def test_required_settings_that_are_missing_are_all_named() -> None:
    """With what they are for."""
    settings = from_environment({"GOOGLE_CLOUD_PROJECT": "p"})
    settings.require("GOOGLE_CLOUD_PROJECT", "REGION")
    with pytest.raises(ConfigError) as error:
        settings.require("GOOGLE_CLOUD_PROJECT", "DELIVER_ALERT_URL", "SLACK_WEBHOOK_URL")
    assert str(error.value).splitlines() == [
        "DELIVER_ALERT_URL: is not set. Where tasks go.",
        "SLACK_WEBHOOK_URL: is not set. Slack's incoming webhook.",
    ]


def test_settings_cannot_be_changed() -> None:
    """They are what the function started with."""
    with pytest.raises(FrozenInstanceError):
        from_environment({}).region = "elsewhere"  # type: ignore[misc]


@given(st.sampled_from(NAMES), st.text())
def test_no_text_is_anything_but_taken_or_refused(name: str, text: str) -> None:
    """Whatever a variable holds, the function starts or says why not, a setting a line."""
    try:
        from_environment({name: text})
    except ConfigError as error:
        lines = str(error).split("\n")
        assert all(line.split(":")[0] in NAMES for line in lines)
        assert all(line.startswith(f"{name}: was ") or "is not set, but" in line for line in lines)


def test_canaries_go_where_leads_go_and_there_is_a_target() -> None:
    """In the order of the leads' channels; at Monday.com a group or a board is one."""
    targets = {
        "CANARY_SLACK_WEBHOOK_URL": WEBHOOK,
        "CANARY_MONDAY_GROUP_ID": "canaries",
        "CANARY_EMAIL_TO": "a@b.example",
        "CANARY_WEBHOOK_URL": HOOK,
    }
    leads = {"LEAD_CHANNELS": "monday, slack, email"}
    assert from_environment(leads).canary_channels == ()
    assert from_environment(leads | targets).canary_channels == ("monday", "slack", "email")
    assert from_environment(leads | {"CANARY_MONDAY_BOARD_ID": "43"}).canary_channels == ("monday",)
    assert from_environment(targets).canary_channels == ()


def test_a_canarys_webhook_leads_nowhere_private() -> None:
    """As little as the leads'; what it was is not told."""
    private = {"CANARY_WEBHOOK_URL": "https://10.0.0.7:8080/verysecret"}
    said = refused(private)
    assert said.startswith("CANARY_WEBHOOK_URL: was (secret); takes ")
    assert "verysecret" not in said
    allowed = from_environment(private | {"WEBHOOK_ALLOWED_PRIVATE": "10.0.0.7:8080"})
    assert allowed.canary_webhook_url == WebhookUrl(private["CANARY_WEBHOOK_URL"], "10.0.0.7", 8080, private=True)
