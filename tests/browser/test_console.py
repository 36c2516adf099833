"""The operator's console in a browser: each story from the sign-in to what came of it."""

import json
import re
import uuid

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.support.local_system import eventually

pytestmark = pytest.mark.browser

NASTY = "<img src=x onerror=alert(1)><script>alert(1)</script>"
WHO = "Ana Operator"


@pytest.fixture(scope="module")
def signed_in(bellhop, browser):
    """A browser's cookies after one sign-in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{bellhop.url}/admin_console/")
    sign_in(page, bellhop.info["admin_api_key"])
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def operator(visitor, signed_in, bellhop):
    """Opens a page of the console as somebody who is signed in: ``operator("dead_letters", **context)``."""

    def there(path="", **how):
        return visitor(f"{bellhop.url}/admin_console/{path}", storage_state=signed_in, **how)

    return there


@pytest.fixture(autouse=True)
def put_back(bellhop):
    """Whatever a test left forced or paused is as it was."""
    yield
    key = {"X-ADMIN-API-KEY": bellhop.info["admin_api_key"]}
    for each in bellhop.console("breakers")["breakers"]:
        if each["mode"] != "auto":
            url = f"{bellhop.url}/admin_console/breakers/{each['channel']}"
            assert requests.post(url, json={"mode": "auto"}, headers=key, timeout=30).ok
    for job in bellhop.console("jobs")["jobs"]:
        if job["state"] != "enabled":
            url = f"{bellhop.url}/admin_console/jobs/{job['name']}/resume"
            assert requests.post(url, json={}, headers=key, timeout=30).ok


def sign_in(page, key, name=WHO):
    """Fill in the form and send it."""
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Admin key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def failed(bellhop, number, mode="invalid_payload", **fields):
    """So many leads whose alert failed at Slack, which is mended again: their addresses and their alerts' ids."""
    bellhop.broken(mode)
    emails = [bellhop.lead(**fields) for _ in range(number)]
    ids = [eventually(lambda email=email: failed_alert(bellhop, email)) for email in emails]
    bellhop.healed()
    return emails, ids


def failed_alert(bellhop, email):
    """The id of an address's alert that failed."""
    alerts = bellhop.console(f"alerts?email={email}")["alerts"]
    return next((each["id"] for each in alerts if (each["channel"], each["state"]) == ("slack", "failed")), None)


def last_action(bellhop):
    """The newest entry of the audit: what, why and who."""
    newest = bellhop.console("operator_audit?limit=1")["actions"][0]
    return newest["action"], newest["reason"], newest["by"]


def sure(page, button):
    """Answer the question before something that is hard to take back."""
    page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()


def test_signing_in_and_out(visitor, bellhop):
    """A wrong key is told; the right one leads to the page that was asked for; after signing out nothing is shown."""
    page = visitor(f"{bellhop.url}/admin_console/dead_letters?status=failed")
    sign_in(page, "not-the-key-at-all")
    expect(page.get_by_role("alert")).to_have_text("That is not a valid key.")
    expect(page.get_by_label("Your name")).to_have_value(WHO)
    sign_in(page, bellhop.info["admin_api_key"])
    expect(page.get_by_role("heading", name="Dead letters", exact=True)).to_be_visible()
    assert page.url.endswith("/admin_console/dead_letters?status=failed")
    [cookie] = page.context.cookies()
    assert cookie["name"].startswith("__Host-")
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (True, True, "Strict", "/")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert page.context.cookies() == []
    assert page.goto(f"{bellhop.url}/admin_console/jobs").status == 401
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_everything_works_without_a_script(visitor, bellhop):
    """Signing in, a filter, sending one again, and its progress, by forms and links alone."""
    [email], [alert_id] = failed(bellhop, 1)
    page = visitor(f"{bellhop.url}/admin_console", java_script_enabled=False)
    sign_in(page, bellhop.info["admin_api_key"])
    page.get_by_role("link", name="Dead letters").click()
    page.get_by_label("Status").select_option("failed")
    page.get_by_role("button", name="Show").click()
    page.get_by_label(f"Select {alert_id[:8]}").check()
    page.get_by_label("Why").last.fill("mended")
    page.get_by_role("button", name="Redrive selected").click()
    eventually(lambda: page.reload() and page.get_by_role("heading", name="1 queued again").count() == 1)
    eventually(lambda: bellhop.received(email))
    assert last_action(bellhop) == ("redrive", "mended", WHO)


def test_where_is_my_lead(operator, bellhop):
    """By address, number and id: every alert with every attempt, its item at Monday.com, and what was said."""
    phone = f"+48 22 {uuid.uuid4().int % 10**7:07d}"
    [email], [alert_id] = failed(bellhop, 1, name="Jan Kowalski", phone=phone)
    eventually(lambda: bellhop.console(f"leads?email={email}")["conversations"][0]["monday_item_url"])
    page = operator("leads")
    for asked in (email, phone, alert_id):
        page.get_by_role("textbox", name="E-mail, phone or id").fill(asked)
        page.get_by_role("button", name="Find").click()
        lead = page.get_by_role("region", name="Jan Kowalski")
        expect(lead.get_by_role("link", name="New lead, Slack")).to_be_visible()
        expect(lead.locator("li", has_text="New lead, Slack").first).to_contain_text("invalid_payload")
    expect(lead.get_by_role("link", name="Open it at Monday.com")).to_have_attribute("href", re.compile("^https://"))
    lead.get_by_role("link", name="Conversation", exact=True).click()
    expect(page.get_by_text(f"Hi, call me, {email}")).to_be_visible()
    page.get_by_role("link", name="New lead, Slack").click()
    expect(page.get_by_role("heading", name="New lead for Slack")).to_be_visible()
    page.goto(page.url.split("?")[0].replace("alerts", "leads?q=nobody@example.com"))
    expect(page.get_by_text("Nobody found")).to_be_visible()


def test_f41_what_visitors_typed_is_shown_as_text(operator, bellhop, accessible):
    """Markup for a name and a message, in the list, in the conversation, and in its title."""
    email = f"eve-{uuid.uuid4().hex[:10]}@example.com"
    assert bellhop.write(f"{NASTY} call me, {email}", name=NASTY).ok
    page = operator(f"leads?q={email}")
    page.on("dialog", lambda _: pytest.fail("a visitor's markup ran"))
    expect(page.get_by_role("heading", name=NASTY)).to_be_visible()
    page.get_by_role("link", name="Conversation", exact=True).click()
    expect(page.locator(".said").first).to_have_text(f"{NASTY} call me, {email}")
    assert page.title().startswith(NASTY)
    assert page.locator("main img, main script").count() == 0
    accessible(page)


def test_a_selection_is_sent_again(operator, bellhop):
    """One box for all; the progress ends by itself; each arrives once, and the audit says who and why."""
    emails, _ = failed(bellhop, 3)
    page = operator("dead_letters?status=failed&channel=slack")
    button = page.get_by_role("button", name="Redrive selected")
    expect(button).to_be_disabled()
    page.get_by_label("Select all on this page").check()
    expect(button).to_be_enabled()
    chosen = page.locator("input[name=ids]:checked").count()
    expect(button).to_have_text(f"Redrive selected ({chosen})")
    page.get_by_label("Why").last.fill("Slack is mended")
    button.click()
    expect(page.get_by_role("heading", name=f"{chosen} queued again")).to_be_visible()
    for email in emails:
        eventually(lambda email=email: bellhop.received(email))
        assert len(bellhop.received(email)) == 1
    page.get_by_role("link", name="Operator audit").click()
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text(WHO)
    expect(row).to_contain_text("Slack is mended")
    row.get_by_role("link", name="Sent again").click()
    expect(page.get_by_text("Slack is mended")).to_be_visible()


def test_a_cause_and_a_time_range_are_sent_again(operator, bellhop):
    """The runbook of the cause stands beside; the question is asked first; a range that holds nothing sends nothing."""
    [email], _ = failed(bellhop, 1, "msg_too_long")
    page = operator("dead_letters")
    page.get_by_label("Cause").fill("msg_too_long")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("region", name="What to do")).to_contain_text("The destination refused this very message")
    page.locator("#all-reason").fill("a new version")
    page.get_by_role("button", name="Redrive all…").click()
    sure(page, "Cancel")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert bellhop.received(email) == []
    page.get_by_role("button", name="Redrive all…").click()
    sure(page, "Redrive all")
    expect(page.get_by_role("heading", name="1 queued again")).to_be_visible()
    eventually(lambda: bellhop.received(email))
    page = operator("dead_letters")
    page.get_by_label("From, UTC").fill("2025-01-01T00:00")
    page.get_by_label("Before, UTC").fill("2025-01-02T00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    page.locator("#all-reason").fill("an outage of then")
    page.get_by_role("button", name="Redrive all…").click()
    sure(page, "Redrive all")
    expect(page.get_by_role("heading", name="0 queued again")).to_be_visible()


def test_an_alert_is_waived_with_a_reason(operator, bellhop):
    """From its own page, where its attempts and its cause's runbook are; it stays waived."""
    _, [alert_id] = failed(bellhop, 1)
    page = operator(f"alerts?id={alert_id}")
    expect(page.get_by_role("region", name="What was tried")).to_contain_text("Refused")
    page.get_by_label("End it, because").fill("I have called them")
    page.get_by_role("button", name="Waive…").click()
    sure(page, "Waive")
    expect(page.get_by_text("Waived. It is kept with your reason")).to_be_visible()
    expect(page.locator(".head .pill")).to_have_text("Waived")
    assert last_action(bellhop) == ("waive", "I have called them", WHO)


def test_a_bundle_and_an_export_are_downloaded(operator, bellhop):
    """The bundle says nothing of the visitor, the export everything; both are in the audit."""
    [email], [alert_id] = failed(bellhop, 1, name="Zofia Bundle")
    page = operator(f"alerts?id={alert_id}")
    with page.expect_download() as bundle:
        taken(page, "Download bundle", "to replay it")
    text = bundle.value.path().read_text("utf-8")
    assert json.loads(text)
    assert email not in text
    assert "Zofia" not in text
    assert bundle.value.suggested_filename.endswith(".json")
    page.get_by_role("region", name="About it").get_by_role("link").nth(1).click()
    assert last_action(bellhop) == ("bundle", "to replay it", WHO)
    page.get_by_role("button", name="Export everything").click()
    assert page.locator("#export-reason:invalid").count() == 1  # nothing leaves without a reason
    with page.expect_download() as export:
        taken(page, "Export everything", "they asked for it")
    assert email in export.value.path().read_text("utf-8")
    assert last_action(bellhop) == ("export", "they asked for it", WHO)


def taken(page, button, why):
    """Give the reason, and take the file."""
    form = page.locator("form.take", has=page.get_by_role("button", name=button))
    form.get_by_label("Why").fill(why)
    form.get_by_role("button", name=button).click()


def test_a_breaker_is_forced_open_and_back(operator, bellhop):
    """Nothing is sent meanwhile; back to automatic, what waited arrives."""
    page = operator("breakers")
    slack = page.get_by_role("region", name="Slack")
    slack.get_by_label("Why", exact=True).fill("maintenance")
    slack.get_by_role("button", name="Force open…").click()
    sure(page, "Force open")
    expect(page.get_by_text("Forced open: nothing is sent there")).to_be_visible()
    expect(slack).to_contain_text("Forced open")
    assert last_action(bellhop) == ("breaker", "maintenance", WHO)
    email = eventually(lambda: held_up(bellhop))
    assert bellhop.received(email) == []
    slack.get_by_label("Why", exact=True).fill("it is over")
    slack.get_by_role("button", name="Back to automatic").click()
    expect(slack.locator(".pill")).to_have_text("Closed")
    eventually(lambda: bellhop.received(email))


def held_up(bellhop):
    """The address of a new lead that waits; None if a process that knew the breaker as closed sent it."""
    email = bellhop.lead()
    state = eventually(lambda: slack_state(bellhop, email) in {"parked", "delivered"} and slack_state(bellhop, email))
    return email if state == "parked" else None


def slack_state(bellhop, email):
    """How an address's alert for Slack stands."""
    alerts = bellhop.console(f"alerts?email={email}")["alerts"]
    return next((each["state"] for each in alerts if each["channel"] == "slack"), None)


def test_a_job_is_paused_resumed_and_run(operator, bellhop):
    """As the scheduler says afterwards."""
    page = operator("jobs")
    job = page.get_by_role("region", name="Follow-ups")
    job.get_by_label("Why").fill("too many mails")
    job.get_by_role("button", name="Pause…").click()
    sure(page, "Pause")
    expect(job.locator(".pill").first).to_have_text("Paused")
    assert last_action(bellhop) == ("job_pause", "too many mails", WHO)
    job.get_by_label("Why").fill("all is well")
    job.get_by_role("button", name="Resume").click()
    expect(job.locator(".pill").first).to_have_text("On")
    job.get_by_label("Why").fill("now")
    job.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("Asked to run now.")).to_be_visible()
    assert last_action(bellhop) == ("job_run", "now", WHO)


def test_the_overview_says_by_itself_that_a_lead_is_in_danger(operator, bellhop):
    """Without a reload, in words, and nothing is left of it once all is mended; the page asks again by itself."""
    page = operator("")
    expect(page.get_by_role("status")).to_have_text("Live")
    bellhop.broken("no_active_hooks")
    email = bellhop.lead()
    danger = page.locator(".danger")
    expect(danger).to_have_attribute("data-level", "danger")
    expect(danger).to_contain_text("A lead is in danger")
    expect(page.get_by_role("region", name="Channels")).to_contain_text("Blocked")
    danger.get_by_role("link", name="What to do").first.click()
    expect(page.get_by_role("heading", name="A destination is blocked")).to_be_visible()
    bellhop.healed()
    eventually(lambda: bellhop.received(email), seconds=60)


def back_in_view(page):
    """The page comes back into view: it asks at once, and needs not be waited for."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_an_overview_that_gets_no_answer_is_never_green(operator, bellhop):
    """Not without a network, not on a 503, not once the session is over; not even while its text is marked."""
    page = operator("")
    danger, pulse = page.locator(".danger"), page.locator(".pulse")
    expect(pulse).to_have_text("Live")
    level = danger.get_attribute("data-level")
    danger.get_by_role("heading").select_text()
    here = re.compile("/admin_console/$")
    for no_answer in (lambda route: route.abort(), lambda route: route.fulfill(status=503, body="")):
        page.route(here, no_answer)
        back_in_view(page)
        expect(danger).to_have_attribute("data-level", "unknown")
        expect(danger.get_by_role("heading")).to_have_text(re.compile(r"^Not known: no answer since \d\d:\d\d UTC\.$"))
        expect(danger.get_by_text("Not known", exact=True)).to_be_visible()
        expect(pulse).to_have_attribute("data-state", "stale")
        page.unroute(here)
        back_in_view(page)
        expect(danger).to_have_attribute("data-level", level)
        expect(pulse).to_have_text("Live")
    page.context.clear_cookies()
    back_in_view(page)
    expect(danger).to_have_attribute("data-level", "unknown")
    expect(danger.get_by_role("heading")).to_contain_text("Not known: signed out. The last answer came at")
    expect(pulse).to_have_text("Your session is over. Reload to sign in.")


def test_an_open_list_of_dead_letters_fills_and_empties(operator, bellhop):
    """By itself, from nothing and back to nothing; a reason that somebody has begun to write stays."""
    page = operator("dead_letters?status=failed&cause=too_many_attachments")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    _, [alert_id] = failed(bellhop, 1, "too_many_attachments")
    back_in_view(page)
    expect(page.get_by_label(f"Select {alert_id[:8]}")).to_be_visible()
    expect(page.get_by_text("Nothing fits")).to_be_hidden()
    page.locator("#some-reason").fill("they are")
    key = {"X-ADMIN-API-KEY": bellhop.info["admin_api_key"]}
    waived = f"{bellhop.url}/admin_console/dead_letters/{alert_id}/waive"
    assert requests.post(waived, json={"reason": "called", "by": "Jan"}, headers=key, timeout=30).ok
    back_in_view(page)
    expect(page.get_by_label(f"Select {alert_id[:8]}")).to_be_hidden()
    expect(page.locator("#some-reason")).to_have_value("they are")
    page.locator("#some-reason").fill("")
    page.locator("#some-reason").blur()
    back_in_view(page)
    expect(page.get_by_text("Nothing fits")).to_be_visible()


def test_a_form_of_another_site_does_nothing(operator, signed_in, bellhop, site):
    """Neither does the browser send the session along, nor is what it sends taken."""
    _, [alert_id] = failed(bellhop, 1)
    url = f"{bellhop.url}/admin_console/dead_letters/{alert_id}/waive"
    page = operator("jobs")
    form = f'<form method="post" action="{url}"><input name="reason" value="x"><button>Win</button></form>'
    page.goto(site.page(f"<main><h1>A prize</h1>{form}</main>"))
    with page.expect_response(lambda answer: answer.url == url) as answered:
        page.get_by_role("button", name="Win").click()
    assert answered.value.status in {401, 403}
    [cookie] = signed_in["cookies"]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": site.origin}, {}):
        sent = {"Accept": "text/html", "Cookie": f"{cookie['name']}={cookie['value']}", **headers}
        assert requests.post(url, data={"reason": "x", "csrf": "guess"}, headers=sent, timeout=30).status_code == 403
    assert bellhop.console(f"alerts?id={alert_id}")["alerts"][0]["state"] == "failed"


def test_on_a_phone_the_sections_can_be_reached(operator):
    """The one that is open is in view; the page is no wider than the screen."""
    page = operator("operator_audit", viewport=PHONE, has_touch=True)
    expect(page.get_by_role("link", name="Operator audit")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
