"""The pages about e-mails and the e-mails themselves in a browser: accessible, without a script, as the policy says.

``LOOK_AT=FOLDER`` saves a screenshot of each, at a phone's and a desktop's width.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from infra.local.prerequisites import find_chromium
from shared.adapters.followup_mail import FollowupMail
from shared.adapters.tokens import SignedTokens
from shared.domain.followups import Quiet, followup
from shared.edge.page_texts import PAGE_TEXTS
from shared.edge.pages import Pages
from shared.ports import Message
from tests.support.fakes import NOW, seconds

pytestmark = pytest.mark.browser

BASE = "http://pages.test/unsubscribe"
PAGES = Pages(BASE, "Atelier Lumen")
TOKEN = "a" * 30 + "." + "b" * 6 + "." + "c" * 64
SHOWN = [(name, TOKEN) for name in ("ask", "done", "undone", "erasing")]
SHOWN += [(name, None) for name in ("form", "address", "token-expired", "token-refused", "rate-limited")]
WIDTHS = {"phone": (390, 844), "desktop": (1440, 900)}
LOOKS = [("light", "desktop"), ("dark", "phone")]
if os.environ.get("LOOK_AT"):
    LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in WIDTHS]


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, as the prerequisites found it."""
    with sync_playwright() as playwright:
        found = find_chromium(os.environ, install=False, say=lambda _line: None)
        opened = playwright.chromium.launch(executable_path=str(found), args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


def shown(browser, html: bytes, headers: dict[str, str], name: str, looks=LOOKS):
    """A page with that content and those headers, perhaps photographed: what axe found, and what was blocked."""
    found, said = [], []
    for scheme, width in looks:
        context = browser.new_context(
            color_scheme=scheme, viewport=dict(zip(("width", "height"), WIDTHS[width], strict=True))
        )
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.route("**/*", lambda route: route.fulfill(status=200, headers=headers, body=html))
        page.goto(BASE)
        found += Axe().run(page).response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the screen"
        if os.environ.get("LOOK_AT"):
            page.screenshot(path=Path(os.environ["LOOK_AT"]) / f"{name}-{width}-{scheme}.png")
        context.close()
    return [(each["id"], each["nodes"][0]["html"]) for each in found], said


@pytest.mark.parametrize("language", sorted(PAGE_TEXTS))
def test_axe_finds_nothing_on_any_page(browser, language):
    """Light at a desk, dark on a phone; the policy blocks nothing that the page needs.

    All are made of the same parts: the first has both looks, the others one each in turn.
    """
    for number, (name, token) in enumerate(SHOWN if language == "en" else SHOWN[:1]):
        response = PAGES.page(name, language, token)
        looks = LOOKS if number == 0 or os.environ.get("LOOK_AT") else LOOKS[number % 2 :][:1]
        found, said = shown(browser, response.get_data(), dict(response.headers), f"{name}-{language}", looks)
        assert (name, found, said) == (name, [], [])


def test_the_buttons_work_without_a_script_and_by_keyboard(browser):
    """Enter on the focused button posts to the link's address."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    posted = []

    def answered(route):
        posted.append((route.request.method, route.request.url))
        response = PAGES.page("ask", "en", TOKEN)
        route.fulfill(status=200, headers=dict(response.headers), body=response.get_data())

    page.route("**/*", answered)
    page.goto(f"{BASE}?t={TOKEN}")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert posted[-1] == ("POST", f"{BASE}?t={TOKEN}")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert posted[-1] == ("POST", f"{BASE}/revoke?t={TOKEN}")
    context.close()


@pytest.mark.parametrize(("language", "number"), [("en", 1), ("pl", 2), ("de", 3)])
def test_axe_finds_nothing_in_any_mail(browser, language, number):
    """Each e-mail's HTML part, with a name that would be markup."""
    letter = mail(language, number)
    html = letter.get_body(("html",)).get_content()
    for part in (html, letter.get_body(("plain",)).get_content(), letter["Subject"]):
        assert "alert" not in part
        assert f"{BASE}?t=" in part or part == letter["Subject"]
    headers = {"Content-Type": "text/html; charset=utf-8"}
    found, _ = shown(browser, html.encode(), headers, f"mail-{number}-{language}")
    assert found == []


def mail(language: str, number: int):
    """A follow-up as it is received."""
    name = "Ana <script>alert(1)</script>" if language == "en" else "Zażółć Müller"
    quiet = Quiet("b2" * 16, "ana@example.com", name, language, True, NOW, "a1" * 16, frozenset(), False)
    alert = followup(quiet, number, "Atelier Lumen", now=NOW, nonce="n", grace=seconds(1))
    message = Message(alert.id, alert.kind, alert.payload, False, NOW)
    sender = Address("Atelier Lumen", addr_spec="hello@example.com")
    made = FollowupMail(sender, BASE, SignedTokens(("a key of tests only",)))
    raw = made.mail(message, to="ana@example.com", now=datetime(2026, 1, 6, tzinfo=UTC))
    return message_from_bytes(raw, policy=policy.default)
