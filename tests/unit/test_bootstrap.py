"""What the functions are built with, where a mistake in it would lose something."""

from __future__ import annotations

import pytest

from infra.manifest import load
from shared import bootstrap, config
from shared.errors import ConfigError
from shared.settings.needs import NEEDS

ENVIRON = {
    "GOOGLE_CLOUD_PROJECT": "demo",
    "ADDRESS_HASH_KEY": "an-address-key-of-tests",
    "TOKEN_SIGNING_KEYS": "a-signing-key-of-tests",
    "PUBLIC_BASE_URL": "http://127.0.0.1:9",
    "ESCALATION_CHANNELS": "email",
    "DELIVER_ALERT_URL": "http://127.0.0.1:9/deliver_alert",
    "SWEEP_URL": "http://127.0.0.1:9/retry_dead_letters",
    "DRAIN_PACES": "slack=2",
    "OIDC_AUDIENCE": "http://127.0.0.1:9/retry_dead_letters",
    "OIDC_CERTS_URL": "http://127.0.0.1:9/certs",
    "TASKS_INVOKER_EMAIL": "tasks@demo.iam.gserviceaccount.com",
    "SCHEDULER_INVOKER_EMAIL": "scheduler@demo.iam.gserviceaccount.com",
}


def test_the_sweep_looks_at_every_channel_there_is() -> None:
    """Also at those without a pace: an alert of a channel that was taken out of use must be found."""
    flow = bootstrap.retry_dead_letters(ENVIRON).flow
    paces = flow.backlog.paces
    assert set(paces) == set(flow.channels) == set(config.CHANNELS)
    assert paces["slack"] == 2
    assert min(paces.values()) > 0


@pytest.mark.parametrize("function", load().functions)
def test_what_a_function_needs_is_what_it_asks_for(function: str) -> None:
    """`infra.deploy lint` knows from the same list what a place must give; nothing else is missing afterwards."""
    with pytest.raises(ConfigError) as caught:
        getattr(bootstrap, function)({})
    missing = {line.partition(":")[0] for line in str(caught.value).splitlines()}
    assert missing - {"GOOGLE_CLOUD_PROJECT"} == set(NEEDS[function])
