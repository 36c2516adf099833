"""The playground at ``/`` of the running system."""

import uuid

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.support.local_system import LocalSystem, eventually

pytestmark = pytest.mark.browser

NASTY = "<img src=x onerror=alert(1)><script>alert(1)</script>"
TITLES = {"slack": "Slack", "monday": "Monday.com", "smtp": "E-mail", "webhook": "Webhook"}


@pytest.fixture
def page(visitor, bellhop):
    """The playground, as it is when everything is well."""
    opened = visitor(bellhop.url)
    expect(opened.get_by_text("Live", exact=True)).to_be_visible()
    return opened


def tab(page, name):
    """Choose a destination; its panel."""
    page.get_by_role("tab", name=TITLES[name]).click()
    return page.get_by_role("tabpanel", name=TITLES[name])


def visit(page):
    """The visitor's chat in the company's site, opened."""
    site = page.frame_locator("#site")
    site.get_by_role("button", name="Chat with us").click()
    return site.get_by_role("textbox", name="Your message")


@pytest.mark.timeout(120, func_only=True)  # the promise: from nothing to a delivered lead within two minutes
def test_the_tour_takes_a_newcomer_from_nothing_to_a_delivered_lead(visitor):
    """A fresh system with the usual rhythms, as ``make run`` starts it; only the tour's own button is pressed."""
    fresh = LocalSystem().wait()
    try:
        page = visitor(fresh.url)
        act = page.locator("#tour-act")
        expect(act).to_have_text("Start the tour")
        act.click()
        expect(page.get_by_role("heading", name="First, break Slack.")).to_be_visible()
        act.click()
        expect(page.get_by_role("heading", name="Now be a visitor.")).to_be_visible()
        assert fresh.local("GET", "slack/fault")["fault"]["mode"] == "down"
        act.click()
        expect(page.frame_locator("#site").get_by_text("Thank you! I have saved")).to_be_visible()
        expect(page.get_by_role("heading", name="Parked: kept safe until Slack is back.")).to_be_visible(timeout=60_000)
        expect(page.locator(".alert[data-state=parked]")).to_have_count(1)
        assert fresh.local("GET", "slack/received") == []
        act.click()
        expect(page.get_by_role("heading", name="It arrived. Nothing was lost.")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("tabpanel", name="Slack").get_by_text("ana@example.com").first).to_be_visible()
        expect(page.locator("#books-lost")).to_have_text("0")
        assert len(fresh.received("ana@example.com")) == 1
    finally:
        assert fresh.stop() == 0, "\n".join(fresh.said)


def test_f41_every_inbox_shows_what_visitors_typed_as_text(page, bellhop):
    """Markup for a name and a message: in Slack, at Monday.com, at the webhook, and in the mail that says it failed."""
    bellhop.broken("400", "webhook")
    email = f"eve-{uuid.uuid4().hex[:10]}@example.com"
    bellhop.write(f"{NASTY} call me, {email}", name=NASTY)
    expect(tab(page, "slack").get_by_text(email).first).to_be_visible()
    expect(tab(page, "slack").get_by_text(NASTY).first).to_be_visible()
    expect(tab(page, "monday").get_by_text(NASTY).first).to_be_visible()
    mail = tab(page, "smtp")
    expect(mail.locator(".letter").last).to_contain_text(email)
    mail.locator(".letter > details > summary").last.click()
    expect(mail.locator(".letter-text").last).to_contain_text(NASTY)
    bellhop.healed("webhook")
    bellhop.write(f"{NASTY} call me, again-{email}", name=NASTY)
    expect(tab(page, "webhook").get_by_text(NASTY[:20]).first).to_be_visible()
    assert page.locator("#panels img, #panels script, #alerts img").count() == 0


@pytest.mark.parametrize("name", ["slack", "monday", "smtp", "webhook"])
def test_each_destination_has_a_switch_with_all_its_faults(page, bellhop, name):
    """Broken and mended here, in every way and as often as its stand-in can; what others do is shown as well."""
    panel = tab(page, name)
    modes = bellhop.local("GET", f"{name}/fault")["modes"]
    choice = panel.get_by_label(f"How {TITLES[name]} fails")
    expect(choice.locator("option")).to_have_count(len(modes))
    choice.select_option("reset")
    panel.get_by_label(f"How often {TITLES[name]} fails").select_option("0.5")
    panel.get_by_role("switch").click()
    expect(panel.get_by_text("is broken")).to_be_visible()
    assert bellhop.local("GET", f"{name}/fault")["fault"] == {"mode": "reset", "rate": 0.5, "seed": None}
    choice.select_option(modes[0])
    eventually(lambda: bellhop.local("GET", f"{name}/fault")["fault"]["mode"] == modes[0])
    panel.get_by_role("switch").click()
    expect(panel.get_by_text("is well")).to_be_visible()
    assert bellhop.local("GET", f"{name}/fault")["fault"] is None
    bellhop.broken("slow", name)
    expect(panel.get_by_role("switch")).to_have_attribute("aria-checked", "true")


def test_an_alerts_life_is_told_as_it_goes(page, bellhop):
    """Saved with the reply, tried, parked, sent by hand, arrived: each with its time; none is lost."""
    bellhop.broken("500")
    box = visit(page)
    box.fill(f"Hi, call me, ana-{uuid.uuid4().hex[:10]}@example.com")
    box.press("Enter")
    row = page.locator(".alert").filter(has_text="Lead to Slack").first
    expect(row).to_have_attribute("data-state", "parked")
    expect(row.get_by_text("saved together with the reply")).to_be_visible()
    expect(row.get_by_text("it answered 500").first).to_be_visible()
    bellhop.healed()
    if row.get_attribute("data-state") != "delivered":
        row.get_by_role("button", name="Send the alert for Slack now").click(timeout=5000)
    expect(row).to_have_attribute("data-state", "delivered")
    expect(row.get_by_text("arrived")).to_be_visible()
    expect(page.locator("#books-lost")).to_have_text("0")


def test_the_machine_room_kills_runs_and_holds_up(page, bellhop):
    """A function comes back as another process, a job runs, a paused queue keeps its alerts until it is resumed."""
    before = bellhop.info["functions"]["cleanup"]["pids"]
    page.get_by_role("button", name="Kill cleanup").click()
    expect(page.locator("#machine-said")).to_have_text("cleanup was killed.")
    after = eventually(lambda: bellhop.info["functions"]["cleanup"]["pids"])
    assert not set(before) & set(after)
    page.get_by_role("button", name="Run retry_dead_letters now").click()
    expect(page.locator("#machine-said")).to_have_text("retry_dead_letters ran.")
    page.get_by_role("button", name="Pause the queue monday").click()
    expect(page.locator("#machine-said")).to_have_text("The queue monday is paused.")
    email = bellhop.lead()
    eventually(lambda: bellhop.received(email))
    assert bellhop.received(email, "monday") == []
    page.get_by_role("button", name="Purge the queue monday").click()
    expect(page.locator("#machine-said")).to_have_text("The queue monday is purged.")
    page.get_by_role("button", name="Resume the queue monday").click()
    eventually(lambda: bellhop.received(email, "monday"))


@pytest.mark.parametrize(("scheme", "viewport"), [("light", {"width": 1440, "height": 900}), ("dark", PHONE)])
def test_axe_core_finds_nothing(visitor, bellhop, accessible, scheme, viewport):
    """With a lead in it, in every tab, broken and well, with the tour under way; and it fits a phone."""
    bellhop.lead()
    opened = visitor(bellhop.url, color_scheme=scheme, viewport=viewport)
    expect(opened.locator(".alert").first).to_be_visible()
    for name in TITLES if scheme == "light" else ["monday"]:
        tab(opened, name)
        accessible(opened)
    opened.locator("#tour-act").click()
    opened.locator("#tour-act").click()
    expect(opened.get_by_role("heading", name="Now be a visitor.")).to_be_visible()
    visit(opened)
    accessible(opened)
    assert opened.evaluate("document.documentElement.scrollWidth") == viewport["width"]


@pytest.mark.parametrize(
    ("path", "ancestors"), [("/", "'none'"), ("/playground/app.js", "'none'"), ("/playground/site", "'self'")]
)
def test_its_policy_lets_nothing_in_from_elsewhere(bellhop, path, ancestors):
    """No inline code, trusted types only, nobody frames it; only the company's site is framed, by us."""
    headers = requests.get(f"{bellhop.url}{path}", timeout=30).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert (policy["frame-ancestors"], policy["require-trusted-types-for"]) == (ancestors, "'script'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


def test_tabs_go_by_arrow_keys(page):
    """As the pattern of tabs says (WAI-ARIA)."""
    page.get_by_role("tab", name="Slack").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Monday.com")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Monday.com")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Webhook")).to_have_attribute("aria-selected", "true")
