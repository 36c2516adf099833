"""The chat on somebody's page, used as visitors use it."""

import json
import uuid

import pytest
from google.cloud.firestore import FieldFilter
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, WORDING
from tests.support.local_system import eventually

pytestmark = pytest.mark.browser

HOURS = {
    "en": ("When are you open?", "Monday"),
    "pl": ("O której otwieracie?", "poniedział"),
    "de": ("Wann haben Sie geöffnet?", "Montag"),
}
ASKED = {
    "en": "How can a person reach you?",
    "pl": "Jak możemy się z Tobą skontaktować?",
    "de": "Wie können wir Sie erreichen?",
}
UNKNOWN = {
    "en": "How much is a flight to Paris?",
    "pl": "Ile kosztuje lot do Paryża?",
    "de": "Was kostet ein Flug nach Paris?",
}
NASTY = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


def address():
    """An address nobody else has."""
    return f"ana-{uuid.uuid4().hex[:10]}@example.com"


def test_nothing_is_kept_and_nothing_is_asked_for_before_the_chat_is_opened(chat):
    """No cookie, no storage, no request but the script's; afterwards there is a history, and still no cookie."""
    there = chat()
    asked = []
    there.page.on("request", lambda request: asked.append(request.url))
    there.page.reload()
    there.page.wait_for_load_state("networkidle")
    assert [url.rsplit("/", 1)[1] for url in asked if "/chat" in url] == ["widget.js"]
    assert json.loads(there.stored()) == [{}, {}, ""]
    there.open().ask("When are you open?")
    assert "When are you open?" in there.stored()
    assert there.page.context.cookies() == []


def test_the_history_is_there_after_a_reload_until_a_new_conversation_is_begun(chat):
    """What was said stands again, the server knows the conversation; forgotten means forgotten."""
    there = chat()
    answer = there.open().ask("When are you open?")
    there.page.reload()
    there.open()
    assert "When are you open?" in there.mine.inner_text()
    assert there.theirs.last.inner_text() == answer
    session = json.loads(next(iter(json.loads(there.stored())[0].values())))["session"]
    there.ask("And what does it cost?")
    kept = json.loads(next(iter(json.loads(there.stored())[0].values())))
    assert (kept["session"], len(kept["entries"])) == (session, 2)
    there.page.get_by_role("button", name="New conversation").click()
    expect(there.mine).to_have_count(0)
    assert "When are you open?" not in there.stored()


@pytest.mark.parametrize("lang", ["en", "pl", "de"])
def test_it_speaks_the_pages_language_and_asks_with_the_owners_wording(chat, bellhop, lang):
    """Buttons, answers, the card that asks, and what is agreed to; the lead and the wording are recorded."""
    there = chat(lang=lang)
    there.open()
    assert HOURS[lang][1] in there.ask(HOURS[lang][0])
    expect(there.page.get_by_role("heading", name=ASKED[lang])).to_be_hidden()
    there.ask(UNKNOWN[lang])
    expect(there.page.get_by_role("heading", name=ASKED[lang])).to_be_visible()
    email = address()
    there.dialog.locator("#name").fill("Ana Nowak")
    there.dialog.locator("#email").fill(email)
    there.page.get_by_role("checkbox", name=WORDING[lang]).check()
    there.dialog.locator(".solid").click()
    expect(there.mine.last).to_contain_text(email)
    expect(there.theirs).to_have_count(4)
    eventually(lambda: [found for found in bellhop.received(email) if "Ana Nowak" in json.dumps(found)])
    store = bellhop.firestore()
    try:
        (kept,) = [
            each.to_dict()
            for each in store.collection("conversations").where(filter=FieldFilter("email", "==", email)).stream()
        ]
    finally:
        store.close()
    assert (kept["consent"]["processing"], kept["consent"]["wording"]) == (True, WORDING[lang])


def test_details_are_asked_for_once_and_not_taken_without_consent(chat):
    """A wrong address and a missing consent are said at the field; who does not want to is not asked again."""
    there = chat()
    there.open().ask(UNKNOWN["en"])
    send = there.page.get_by_role("button", name="Send details")
    problem = there.dialog.get_by_role("alert")
    send.click()
    expect(problem).to_contain_text("ana@example.com")
    expect(there.page.get_by_label("E-mail")).to_be_focused()
    there.page.get_by_label("E-mail").fill("ana@example.com")
    send.click()
    expect(problem).to_contain_text("agree")
    expect(there.page.get_by_role("checkbox")).to_be_focused()
    there.page.get_by_role("button", name="Not now").click()
    there.ask("How much is a flight to Rome?")
    expect(send).to_be_hidden()
    there.page.get_by_role("button", name="Leave your details").click()
    expect(send).to_be_visible()


def test_who_left_an_address_is_not_asked_for_one(chat):
    """Written in a message it is as good as in the card."""
    there = chat()
    there.open().ask(f"Hi, call me, {address()}")
    there.ask(UNKNOWN["en"])
    expect(there.page.get_by_role("button", name="Send details")).to_be_hidden()


def test_a_keyboard_is_enough(chat):
    """Tab to the button, Enter, write, Escape; focus goes where the eye is, and back."""
    there = chat()
    keys = there.page.keyboard
    keys.press("Tab")
    expect(there.launcher).to_be_focused()
    assert there.launcher.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    keys.press("Enter")
    expect(there.box).to_be_focused()
    assert there.launcher.get_attribute("aria-expanded") == "true"
    keys.type("When are you open?")
    keys.press("Shift+Enter")
    keys.type("And where?")
    keys.press("Enter")
    expect(there.theirs).to_have_count(2)
    assert "When are you open?\nAnd where?" in there.mine.inner_text()
    expect(there.box).to_be_focused()
    keys.press("Shift+Tab")
    expect(there.log).to_be_focused()
    keys.press("Escape")
    expect(there.dialog).to_be_hidden()
    expect(there.launcher).to_be_focused()


def test_on_a_phone_it_covers_the_page_and_keeps_the_focus(chat):
    """Modal there: Tab goes round inside; the page behind does not scroll sideways."""
    there = chat(viewport=PHONE, has_touch=True)
    there.launcher.tap()
    assert there.dialog.get_attribute("aria-modal") == "true"
    assert there.dialog.bounding_box() == {"x": 0, "y": 0, **PHONE}
    there.box.focus()
    for _ in range(8):
        there.page.keyboard.press("Tab")
        assert there.page.evaluate("document.querySelector('bellhop-chat').shadowRoot.activeElement !== null")
    assert there.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_too_long_is_refused_in_the_box_by_code_points(chat):
    """2000 emoji are 2000 characters; one more is said, counted and not sent."""
    there = chat()
    there.open().box.fill("😀" * 2001)
    counter = there.dialog.locator("#counter")
    expect(counter).to_contain_text("Too long by 1. At most 2000")
    there.box.press("Enter")
    assert (there.mine.count(), there.box.input_value()) == (0, "😀" * 2001)
    there.box.fill("😀" * 2000)
    expect(counter).to_contain_text("Characters left: 0")
    there.box.press("Enter")
    expect(there.theirs).to_have_count(2)
    there.box.fill("   ")
    there.box.press("Enter")
    assert there.mine.count() == 1


def test_f41_what_visitors_and_owners_type_stays_text(chat):
    """In a message, in a name, in the owner's own words; after a reload too."""
    there = chat(attributes='data-title="<b>Us</b>" data-greeting="<i>Hi</i>"')
    there.open().ask(NASTY)
    there.dialog.locator("#name").fill(NASTY[:100])
    there.dialog.locator("#email").fill(address())
    there.page.get_by_role("checkbox").check()
    there.page.get_by_role("button", name="Send details").click()
    expect(there.theirs).to_have_count(3)
    there.page.reload()
    there.open()
    assert NASTY in there.mine.first.inner_text()
    assert NASTY[:100] in there.mine.last.inner_text()
    assert there.dialog.get_by_role("heading").first.inner_text() == "<b>Us</b>"
    assert (
        there.page.evaluate(
            "document.querySelector('bellhop-chat').shadowRoot.querySelectorAll('script, img, b').length"
        )
        == 0
    )
    assert there.page.title() == "A company"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_nothing_in_any_state(chat, accessible, scheme):
    """Closed, open, answered, asking, complaining, refused, too long, offline."""
    there = chat(color_scheme=scheme, attributes='data-color="#f2c14e"' if scheme == "dark" else "")
    accessible(there.page)
    there.open()
    accessible(there.page)
    there.ask(UNKNOWN["en"])
    there.page.get_by_role("button", name="Send details").click()
    accessible(there.page)
    there.page.get_by_role("button", name="Not now").click()
    there.write("a bell \u0007")
    expect(there.mine.last).to_contain_text("could not be taken")
    there.box.fill("x" * 2001)
    accessible(there.page)
    there.page.context.set_offline(True)
    there.write("Are you there?")
    expect(there.mine.last).to_contain_text("You are offline")
    accessible(there.page)
