"""One running system and somebody's website for all browser tests, and a browser for each module.

Playwright's loop counts as running in this thread for as long as it is there: no longer than a module, so that other
tests may run loops of their own.
"""

import os
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from infra.local.prerequisites import find_chromium
from shared.adapters.knowledge_file import SAMPLE
from tests.support.chat_page import ChatPage
from tests.support.host_site import HostSite
from tests.support.local_system import LocalSystem

WORDING = {
    "en": "I agree that my details are kept to answer this enquiry.",
    "pl": "Zgadzam się na zachowanie moich danych w celu odpowiedzi.",
    "de": "Ich bin einverstanden, dass meine Daten für die Antwort aufbewahrt werden.",
}
SIGNING_KEY = "the-key-of-links-in-e-mails-of-tests"
LIMIT = 20
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SECONDS = 15

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session")
def site():
    """Somebody's website, the only one that may use the chat."""
    opened = HostSite()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def bellhop(site, tmp_path_factory):
    """The running system, with an owner's wording of consent and a limit that a test can wait for."""
    knowledge = yaml.safe_load(SAMPLE.read_text(encoding="utf-8")) | {"consent_wording": WORDING}
    path = tmp_path_factory.mktemp("knowledge") / "knowledge.yaml"
    path.write_text(yaml.safe_dump(knowledge, allow_unicode=True), encoding="utf-8")
    system = LocalSystem(
        BELLHOP_FAST="1",
        BELLHOP_PACES="slack=20,monday=20,email=20",
        ALLOWED_ORIGINS=site.origin,
        KNOWLEDGE_PATH=str(path),
        TOKEN_SIGNING_KEYS=SIGNING_KEY,
        LEAD_CHANNELS="slack, monday, webhook",
        CHAT_RATE_LIMIT=f"{LIMIT} per 5 second",  # all browsers have one address: who meets it waits a moment
    ).wait()
    yield system
    assert system.stop() == 0, "\n".join(system.said)


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium."""
    path: Path = find_chromium(os.environ, install=False, say=lambda _line: None)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def visitor(browser):
    """Opens pages as visitors with a browser profile of their own: ``visitor(url, **context)``.

    What a page's policy refuses, and every error in a script, fails the test at its end.
    """
    contexts, wrong = [], []

    def heard(message):
        if "Content Security Policy" in message.text or "Trusted Type" in message.text:
            wrong.append(message.text)

    def visit(url, **how):
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **how})
        context.set_default_timeout(SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", heard)
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def chat(visitor, site, bellhop):
    """Opens a page with the chat: ``chat(lang="pl", attributes='data-color="#123456"', **context)``."""

    def there(*, lang="en", attributes="", head="", headers=None, **how):
        script = f'<script src="{bellhop.url}/chat/widget.js" {attributes}></script>'
        body = f"<main><h1>A company</h1><p>Text.</p></main>{script}"
        return ChatPage(visitor(site.page(body, lang=lang, head=head, **(headers or {})), **how), lang)

    return there


@pytest.fixture
def accessible():
    """Axe-core finds nothing on a page as it stands: ``accessible(page)``."""
    axe = Axe()

    def check(page):
        found = axe.run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()

    return check


@pytest.fixture(autouse=True)
def well(bellhop):
    """Every destination is well before and after each test."""
    bellhop.all_healed()
    yield
    bellhop.all_healed()
