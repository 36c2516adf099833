"""Visitors' rights through every part: follow-ups, the link in them, opting out, erasure and its certificate."""

from __future__ import annotations

import base64
import concurrent.futures
import email
import json
import subprocess
import time
from email import policy

import dkim
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud.firestore_v1.base_query import FieldFilter

from tests.support.local_system import LocalSystem, eventually

CONSENT = {"consent": {"processing": True, "marketing": True}}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DKIM = {
    "DKIM_KEY": KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode(),
    "DKIM_SELECTOR": "mail",
    "DKIM_DOMAIN": "example.com",
}
FORMS = {
    "urlencoded": {"data": {"List-Unsubscribe": "One-Click"}},
    "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
}


@pytest.fixture(scope="module")
def quiet_system():
    """A system whose follow-ups are due after seconds."""
    system = LocalSystem(
        BELLHOP_FAST="1",
        BELLHOP_PACES="slack=20,monday=20,email=20",
        FOLLOWUP_DELAYS="1s,2s,3s",
        API_RATE_LIMIT_MINUTE="20 per minute",
        **DKIM,
    ).wait()
    yield system
    assert system.stop() == 0, "\n".join(system.said)


@pytest.fixture
def system(quiet_system):
    """The same, with every destination well and the queue of e-mails open before and after."""
    quiet_system.all_healed()
    yield quiet_system
    quiet_system.all_healed()
    quiet_system.local("POST", "queues/email/resume")


@pytest.fixture
def firestore(system):
    """A client of the system's Firestore."""
    client = system.firestore()
    yield client
    client.close()


def mails_to(system: LocalSystem, address: str) -> list[dict]:
    """What reached a visitor's mailbox."""
    return [mail for mail in system.local("GET", "smtp/received") if address in mail["to"]]


def raw(mail: dict) -> bytes:
    """A mail as it was received."""
    return mail["raw"].encode("utf-8", "surrogateescape") if isinstance(mail["raw"], str) else mail["raw"]


def link_of(mail: dict) -> str:
    """The link that a mailbox provider posts to."""
    header = email.message_from_bytes(raw(mail), policy=policy.default)["List-Unsubscribe"]
    return header.strip().removeprefix("<").removesuffix(">")


def followed_up(system: LocalSystem, number: int = 1) -> tuple[str, list[dict]]:
    """A visitor who agreed and went quiet, and the follow-ups they got, at least so many."""
    address = system.lead(**CONSENT)
    eventually(lambda: len(mails_to(system, address)) >= number, seconds=60)
    return address, mails_to(system, address)


def everything(client) -> str:
    """Every document there is, in all collections and below, as one text."""
    found = []

    def look(collections):
        for collection in collections:
            for reference in collection.list_documents(page_size=300):
                stands = reference.get()
                found.append(f"{reference.path} {json.dumps(stands.to_dict(), default=str)}")
                look(reference.collections())

    look(client.collections())
    return "\n".join(found)


def numbers(mails: list[dict]) -> set[str]:
    """The subjects, one a number."""
    return {mail["subject"] for mail in mails}


def admin(system: LocalSystem, path: str) -> dict:
    """What the console answers."""
    key = {"X-ADMIN-API-KEY": system.info["admin_api_key"]}
    answer = requests.get(f"{system.url}/admin_console{path}", headers=key, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def test_a_followup_passes_dkims_verification_and_its_link_unsubscribes(system):
    """Both List-Unsubscribe headers are covered; the mailbox provider posts without cookies and is not redirected."""
    _, mails = followed_up(system)
    public = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    source = raw(mails[0])
    verifier = dkim.DKIM(source)
    assert verifier.verify(dnsfunc=lambda name, timeout=5: record)
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(verifier.include_headers)
    assert email.message_from_bytes(source)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = link_of(mails[0])
    for form in FORMS.values():
        answer = requests.post(link, **form, allow_redirects=False, timeout=30)
        assert (answer.status_code, answer.json()) == (200, {"unsubscribed": True})
        assert "Set-Cookie" not in answer.headers
    status = requests.get(link.replace("/unsubscribe?", "/unsubscribe/status?"), timeout=30).json()
    assert status["unsubscribed"] is True
    assert status["erasure"] is None
    assert not dkim.verify(source.replace(b"One-Click", b"Two-Click"), dnsfunc=lambda *_, **__: record)


def test_followups_are_sent_once_however_often_the_job_runs(system):
    """Five at once, several times; each number once, and none is forgotten."""
    addresses = [system.lead(**CONSENT) for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        for _ in range(4):
            list(pool.map(lambda _: system.local("POST", "jobs/send_followups/run"), range(5)))
            time.sleep(1)
    for address in addresses:
        eventually(lambda address=address: len(mails_to(system, address)) >= 3, seconds=60)
    system.local("POST", "jobs/send_followups/run")
    for address in addresses:
        mails = mails_to(system, address)
        assert (len(mails), len(numbers(mails))) == (3, 3)


def test_no_followup_without_consent_and_none_after_an_answer(system):
    """Somebody who agreed to nothing gets nothing; nobody is written to twice about the same silence."""
    silent = system.lead()
    refused = system.lead(consent={"processing": True, "marketing": False})
    followed_up(system, 3)
    assert mails_to(system, silent) == mails_to(system, refused) == []


def test_f42_looking_at_the_link_changes_nothing(system, firestore):
    """A hundred GETs and HEADs; then two POSTs are one change, with one line in the audit."""
    _, mails = followed_up(system)
    link = link_of(mails[0])
    before = everything_about(firestore)
    for number in range(100):
        answer = requests.request("HEAD" if number % 2 else "GET", link, timeout=30)
        assert answer.status_code == 200
    assert everything_about(firestore) == before
    assert [requests.post(link, timeout=30).status_code for _ in range(2)] == [200, 200]
    after = everything_about(firestore)
    assert len(after["suppressions"]) == len(before["suppressions"]) + 1
    assert len(after["consent_audit"]) == len(before["consent_audit"]) + 1


def everything_about(client) -> dict[str, dict]:
    """What opting out changes."""
    names = ("suppressions", "consent_audit", "erasures")
    return {name: {each.id: each.to_dict() for each in client.collection(name).stream()} for name in names}


def test_f43_a_known_and_an_unknown_address_get_the_same_answer(system):
    """Status, body, and every header but what is left of the limit."""
    known = system.lead()
    client = system.client()
    answers = [
        client.post(f"{system.url}/unsubscribe", json={"email": address}, timeout=30)
        for address in (known, "nobody-ever@example.com", known, "nobody-ever@example.com")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, '{"unsubscribed":true}\n')}
    shown = [
        {name: value for name, value in answer.headers.items() if name not in ("Date", "RateLimit")}
        for answer in answers
    ]
    assert all(headers == shown[0] for headers in shown)


def test_opting_out_by_address_is_limited(system):
    """Requests with a link are not."""
    client = system.client()
    statuses = [
        client.post(f"{system.url}/unsubscribe", json={"email": "a@example.com"}, timeout=30).status_code
        for _ in range(21)
    ]
    assert statuses == [200] * 20 + [429]


def test_whoever_unsubscribes_while_a_followup_waits_does_not_get_it(system, firestore):
    """It is recorded as suppressed, and every alert is accounted for."""
    system.local("POST", "queues/email/pause")
    address = system.lead(**CONSENT)
    conversation = eventually(lambda: conversation_of(firestore, address))
    waiting = eventually(lambda: followups_of(firestore, conversation))
    assert {each["state"] for each in waiting} == {"queued"}
    requests.post(f"{system.url}/unsubscribe", json={"email": address}, timeout=30)
    system.local("POST", "queues/email/resume")
    eventually(lambda: {each["state"] for each in followups_of(firestore, conversation)} == {"suppressed"}, seconds=60)
    assert {each["cause"] for each in followups_of(firestore, conversation)} == {"opted_out"}
    assert mails_to(system, address) == []
    eventually(lambda: admin(system, "/conservation")["balanced"])


def conversation_of(client, address: str) -> str | None:
    """The conversation of an address."""
    return next(
        (
            each.id
            for each in client.collection("conversations").where(filter=FieldFilter("email", "==", address)).stream()
        ),
        None,
    )


def followups_of(client, conversation: str) -> list[dict]:
    """A conversation's alerts of the kind follow-up."""
    alerts = client.collection("alerts").where(filter=FieldFilter("conversation_id", "==", conversation)).stream()
    return [each.to_dict() for each in alerts if each.get("kind") == "followup"]


def test_an_address_that_bounces_is_suppressed(system, firestore):
    """550: no further follow-up, nobody is called, and the audit says why."""
    system.broken("550", "smtp")
    address = system.lead(**CONSENT)
    conversation = eventually(lambda: conversation_of(firestore, address))
    eventually(lambda: "suppressed" in {each["state"] for each in followups_of(firestore, conversation)}, seconds=60)
    eventually(lambda: {each["state"] for each in followups_of(firestore, conversation)} == {"suppressed"}, seconds=60)
    audit = admin(system, f"/consent_audit?email={address}")["entries"]
    assert [each["action"] for each in audit] == ["bounced", "consent"]


def test_an_erasure_goes_everywhere_although_monday_is_down(system, firestore):
    """It goes on after the repair; the certificate says what was erased where, and what could not be and why."""
    address, mails = followed_up(system)
    eventually(lambda: system.received(address, "monday"))
    eventually(lambda: system.received(address, "slack"))
    assert address in everything(firestore)
    before = {each["id"] for each in erasures(system)}
    system.broken("down", "monday")
    revoked = requests.post(link_of(mails[0]).replace("/unsubscribe?", "/unsubscribe/revoke?"), timeout=30)
    assert revoked.status_code == 202
    [ours] = [each["id"] for each in erasures(system) if each["id"] not in before]
    eventually(lambda: admin(system, f"/erasures/{ours}")["monday"]["problems"], seconds=60)
    assert admin(system, f"/erasures/{ours}")["state"] == "running"
    system.healed("monday")
    eventually(lambda: admin(system, f"/erasures/{ours}")["state"] == "done", seconds=90)
    certificate = admin(system, f"/erasures/{ours}")
    assert system.received(address, "monday") == []
    assert address not in everything(firestore)
    assert certificate["monday"]["deleted"] == 1
    assert certificate["monday"]["problems"] != []
    assert certificate["monday"]["looked_again"] is True
    assert {each["where"] for each in certificate["not_erased"]} == {"slack", "email"}
    assert {"conversations", "messages", "alerts", "followups", "monday"} <= {
        each["where"] for each in certificate["erased"]
    }
    assert address not in json.dumps(certificate)
    status = requests.get(link_of(mails[0]).replace("/unsubscribe?", "/unsubscribe/status?"), timeout=30).json()
    assert (status["unsubscribed"], status["erasure"]) == (True, "done")
    eventually(lambda: admin(system, "/conservation")["balanced"])
    told = subprocess.run(
        [".venv/bin/python", "-m", "infra.ops", "erasures", ours, "--url", system.url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "slack" in told.stdout


def erasures(system: LocalSystem) -> list[dict]:
    """The certificates there are."""
    return admin(system, "/erasures")["erasures"]


def test_a_later_lead_with_an_erased_address_is_not_subscribed(system, firestore):
    """Whatever they tick; and an old session goes on as a new conversation."""
    client = system.client()
    address = "again-and-again@example.com"
    first = system.write(f"Hi, call me, {address}", client, **CONSENT).json()
    mails = eventually(lambda: mails_to(system, address), seconds=60)
    requests.post(link_of(mails[0]).replace("/unsubscribe?", "/unsubscribe/revoke?"), timeout=30)
    eventually(lambda: not conversation_of(firestore, address), seconds=60)
    before = len(mails_to(system, address))
    again = system.write(f"It is {address}", client, session_id=first["session_id"], **CONSENT).json()
    assert again["conversation_id"] != first["conversation_id"]
    assert again["session_id"] != first["session_id"]
    time.sleep(4)
    for _ in range(2):
        system.local("POST", "jobs/send_followups/run")
    assert followups_of(firestore, again["conversation_id"]) == []
    assert len(mails_to(system, address)) == before


def test_an_opt_out_can_be_undone_with_the_link(system):
    """And with nothing else."""
    _, mails = followed_up(system)
    link = link_of(mails[0])
    requests.post(link, timeout=30)
    undo = link.replace("/unsubscribe?", "/unsubscribe/undo?")
    assert requests.get(undo, timeout=30).status_code == 405
    assert requests.post(undo, timeout=30).json() == {"unsubscribed": False}
    assert requests.get(link.replace("/unsubscribe?", "/unsubscribe/status?"), timeout=30).json() == {
        "unsubscribed": False,
        "since": None,
        "erasure": None,
    }
    assert requests.post(f"{system.url}/unsubscribe/undo", timeout=30).status_code == 400


def test_f45_nothing_of_a_visitor_is_in_any_log(system):
    """Neither the address nor a token, whatever was done with them, refused requests included."""
    address, mails = followed_up(system)
    link = link_of(mails[0])
    token = link.partition("?t=")[2]
    requests.post(f"{system.url}/unsubscribe", json={"email": address}, timeout=30)
    requests.post(f"{system.url}/unsubscribe", json={"email": f"{address}\r\nBcc: x"}, timeout=30)
    requests.post(link, timeout=30)
    requests.post(link + "x", timeout=30)
    requests.post(link.replace("/unsubscribe?", "/unsubscribe/revoke?"), timeout=30)
    time.sleep(1)
    for name in ("chat", "unsubscribe", "send_followups", "deliver_alert", "retry_dead_letters"):
        said = requests.get(f"{system.url}/_local/logs/{name}", timeout=30).text
        assert '"event"' in said
        assert address not in said
        assert token not in "\n".join(line for line in said.splitlines() if line.startswith("{"))
