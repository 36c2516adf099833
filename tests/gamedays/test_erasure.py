"""Somebody had their data erased, and Monday.com does not let their item be deleted."""

import email
from datetime import timedelta
from email import policy

import requests

from tests.support.local_system import eventually

SOON = {"FOLLOWUP_DELAYS": "1s, 2s, 3s"}


def link_in(system, address):
    """The link of the first follow-up that a visitor got; None where there is none yet."""
    mails = [mail for mail in system.local("GET", "smtp/received") if address in mail["to"]]
    if not mails:
        return None
    source = mails[0]["raw"].encode("utf-8", "surrogateescape")
    header = email.message_from_bytes(source, policy=policy.default)["List-Unsubscribe"]
    return header.strip().removeprefix("<").removesuffix(">")


def asked_for_two_days_ago(system, erasure_id):
    """As if that had been then."""
    client = system.firestore()
    try:
        erasure = client.document("erasures", erasure_id)
        erasure.update({"requested_at": erasure.get().get("requested_at") - timedelta(days=2)})
    finally:
        client.close()


def test_the_day(day):
    """It is told of, and certified once Monday.com lets us in again; other leads are not concerned."""
    system = day.system
    for name in ("chat", "send_followups"):
        system.local("PUT", f"functions/{name}/settings", json=SOON)
    day.leads(2)
    visitor = system.lead(consent={"processing": True, "marketing": True})
    link = eventually(lambda: link_in(system, visitor))
    eventually(lambda: system.received(visitor, "monday"))
    day.begins("Monday.com refuses an erasure for two days")
    system.broken("Unauthorized", "monday")
    assert requests.post(link.replace("/unsubscribe?", "/unsubscribe/revoke?"), timeout=30).status_code == 202
    [ours, *_] = [each["id"] for each in system.console("erasures")["erasures"]]
    eventually(lambda: system.console(f"erasures/{ours}")["monday"]["problems"])
    asked_for_two_days_ago(system, ours)
    day.fires("erasure-overdue")
    day.given(ERASURE_ID=ours, VISITOR=visitor)
    assert "Unauthorized" in day.follows("How to see it")
    assert system.received(visitor, "monday")
    system.healed("monday")
    day.follows("Recovery")
    day.recovers(lambda: system.console(f"erasures/{ours}")["state"] == "done")
    assert "erasure_requested" in day.follows("How to know it worked")
    assert system.received(visitor, "monday") == []
    day.leads(2)
    day.loses_nothing()
