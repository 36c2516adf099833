"""Every page of the console as it looks: accessible, light and dark, on a phone and on a desk, with something to show.

``LOOK_AT=FOLDER`` fills the system with an outage and two hundred leads, and saves a picture of each page.
"""

import concurrent.futures
import math
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from shared.adapters.firestore_samples import FirestoreSamples
from shared.adapters.tokens import SignedTokens
from shared.domain import ids
from shared.domain.rights import MARKETING, Claims
from shared.domain.samples import Sample
from tests.browser.conftest import DESKTOP, PHONE, SIGNING_KEY
from tests.support.local_system import LocalSystem, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]  # pictures of every page take their time

LOOK_AT = os.environ.get("LOOK_AT", "")
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in ("desk", "phone")]
if not LOOK_AT:
    LOOKS = [("light", "desk"), ("dark", "phone")]
LEADS = 200 if LOOK_AT else 12
WIDTHS = {"desk": DESKTOP, "phone": PHONE}
NAMES = ("Ana Novak", "Jan Kowalski", "Zofia Wiśniewska", "Łukasz Zieliński", "Mia Fischer", "Sam Neill", "Ida Berg")
ASKED = (
    "How much is a kitchen renovation for 12 square metres? My number is +48 601 {number:06d}, {email}",
    "Hi, call me, {email}. We want to redo a flat of 68 square metres.",
    "Do you work on Saturdays? {email}",
    "I would like an offer for a bathroom, budget about 30,000. {email}",
)
MAILS = {"consent": {"processing": True, "marketing": True}}


class Story:
    """What happened, and where it is seen."""

    def __init__(self, bellhop: LocalSystem) -> None:
        self.bellhop = bellhop
        self.url = f"{bellhop.url}/admin_console"
        self.key = {"X-ADMIN-API-KEY": bellhop.info["admin_api_key"]}

    def post(self, path, **body):
        """Do something as an operator."""
        answer = requests.post(f"{self.url}/{path}", json=body, headers=self.key, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def lead(self, number):
        """A visitor with a name, a question and an address; the address."""
        name = NAMES[number % len(NAMES)]
        email = f"{name.split()[0].lower()}.{number}@example.com".encode("ascii", "ignore").decode()
        text = ASKED[number % len(ASKED)].format(email=email, number=number)
        assert self.bellhop.write(text, name=name, **MAILS).ok
        return email

    def leads(self, numbers):
        """Several of them."""
        with concurrent.futures.ThreadPoolExecutor(4) as hands:
            return list(hands.map(self.lead, numbers))

    def erased(self, email):
        """Somebody has everything of theirs erased, by the link of an e-mail; the certificate's id."""
        hashed = ids.address_hash(email, self.bellhop.info["address_hash_key"])
        conversation = self.bellhop.console(f"leads?email={email}")["conversations"][0]["id"]
        token = SignedTokens((SIGNING_KEY,)).make(Claims(MARKETING, hashed, conversation, "en"), datetime.now(UTC))
        answer = requests.post(f"{self.bellhop.url}/unsubscribe/revoke?t={token}", timeout=30)
        assert answer.status_code == 202, answer.text
        return self.bellhop.console("erasures")["erasures"][0]["id"]

    def outage(self, number):
        """Slack's webhook is revoked, and so many leads wait for it; it is mended after each test."""
        self.bellhop.broken("no_active_hooks")
        self.leads(range(LEADS - number, LEADS))
        eventually(lambda: self.bellhop.console("overview")["danger"]["level"] == "danger")

    def failed(self):
        """Dead letters that failed."""
        return self.bellhop.console("dead_letters?status=failed&limit=200")["dead_letters"]


@pytest.fixture(scope="module")
def story(bellhop, browser):
    """Leads that arrived; messages that Slack refused; a forced breaker with what waits; and what operators did."""
    told = Story(bellhop)
    bellhop.all_healed()
    arrived = told.leads(range(LEADS * 3 // 4))
    for _ in range(8 if LOOK_AT else 2):
        assert bellhop.local("POST", "jobs/canary/run")["status"] == 200
    bellhop.broken("invalid_payload")
    told.leads(range(LEADS, LEADS + 3))
    eventually(lambda: len(told.failed()) >= 3)
    dead = [each["id"] for each in told.failed()]
    told.post(f"dead_letters/{dead[0]}/waive", reason="I have called them", by="Jan")
    bellhop.broken("500")
    told.redrive = told.post("dead_letters/redrive", ids=dead[1:2], reason="a new version is out", by="Ana")["redrive"]
    told.post("breakers/webhook", mode="open", reason="their maintenance until 18:00", by="Ana")
    told.post("jobs/send_followups/pause", reason="the mail server moves", by="Jan")
    told.failed_id = dead[2]
    eventually(lambda: bellhop.console("overview")["channels"]["monday"]["waiting"] == 0)
    told.email = arrived[1]
    told.conversation = bellhop.console(f"leads?email={told.email}")["conversations"][0]["id"]
    told.erasure = told.erased(arrived[0])
    told.outage(LEADS // 4)
    remember(bellhop)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{told.url}/")
    page.get_by_label("Your name").fill("Ana Operator")
    page.get_by_label("Admin key").fill(told.key["X-ADMIN-API-KEY"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    told.signed_in = context.storage_state()
    context.close()
    yield told
    bellhop.all_healed()
    told.post("breakers/webhook", mode="auto")
    told.post("jobs/send_followups/resume")


class Reached:
    """Firestore of a running system, as the adapters take it."""

    def __init__(self, client):
        self.client = client

    def document(self, *path):
        """See ``shared.adapters.firestore.Database``."""
        return self.client.document(*path)

    def commit(self, batch):
        """See ``shared.adapters.firestore.Database``."""
        return batch.commit()


def remember(bellhop):
    """A day of counts that ends as things stand: quiet at night, and an outage of Slack since an hour ago."""
    client = bellhop.firestore()
    chance = random.Random(7)  # noqa: S311 - pictures that can be made again
    for taken in client.collection("samples").stream():
        taken.reference.delete()
    samples = FirestoreSamples(Reached(client))
    now = datetime.now(UTC)
    stands = bellhop.console("overview")["channels"]
    times = [now - timedelta(minutes=15 * step) for step in range(24 * 4, 0, -1)]
    busy = [1.02 + math.sin((at.hour + at.minute / 60 - 9) / 24 * 2 * math.pi) for at in times]
    came = {name: [chance.random() * each for each in busy] for name in stands}
    for number, at in enumerate(times):
        late = max(0, number - len(times) + 5)
        channels = {}
        for name, counts in stands.items():
            accepted = round(counts["accepted"] * sum(came[name][: number + 1]) / sum(came[name]))
            parked = min(accepted, round(counts["waiting"] * late / 5))
            failed = counts["failed"] if late else min(1, counts["failed"]) if number > 60 else 0
            delivered = max(0, accepted - parked - failed)
            named = {"accepted": accepted, "delivered": delivered, "waiting": parked, "parked": parked}
            channels[name] = {**named, "failed": failed}
        samples.keep(Sample(at, channels, 900 * late if late else None), None)
    client.close()


def pages(story):
    """Every page, by the name of its picture."""
    return {
        "overview": "",
        "find": "leads",
        "found": f"leads?q={story.email}",
        "conversation": f"conversations/{story.conversation}",
        "alert": f"alerts?id={story.failed_id}",
        "dead-letters": "dead_letters",
        "dead-letters-cause": "dead_letters?cause=invalid_payload",
        "redrive": f"redrives/{story.redrive}",
        "breakers": "breakers",
        "jobs": "jobs",
        "consent": "consent_audit",
        "certificate": f"erasures/{story.erasure}",
        "audit": "operator_audit",
        "runbooks": "runbooks",
        "runbook": "runbooks/alert-failed",
        "not-found": "nothing",
    }


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_accessible_and_fits(story, visitor, accessible, scheme, width):
    """Axe finds nothing, nothing is wider than the screen, and everything drawn is there."""
    story.outage(4)
    how = {"color_scheme": scheme, "viewport": WIDTHS[width]}
    page = visitor(f"{story.url}/", **how)
    looked_at(page, "sign-in", accessible, scheme, width)
    page = visitor(f"{story.url}/", storage_state=story.signed_in, **how)
    for name, path in pages(story).items():
        page.goto(f"{story.url}/{path}")
        if name == "overview":
            expect(page.locator(".plot canvas").first).to_be_visible()
        looked_at(page, name, accessible, scheme, width)
    page.goto(f"{story.url}/breakers")
    slack = page.get_by_role("region", name="Slack")
    slack.get_by_label("Why", exact=True).fill("maintenance")
    slack.get_by_role("button", name="Force open…").click()
    looked_at(page, "question", accessible, scheme, width)


def looked_at(page, name, accessible, scheme, width):
    """Checked, and perhaps photographed."""
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"
    if LOOK_AT:
        for folder, whole in (("whole", name != "question"), ("screen", False)):
            page.screenshot(path=Path(LOOK_AT) / folder / f"{name}-{width}-{scheme}.png", full_page=whole)
