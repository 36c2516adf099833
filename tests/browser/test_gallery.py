"""The page on which an owner sets the chat up and copies the line."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.support.chat_page import ChatPage

pytestmark = pytest.mark.browser


def line_of(page):
    """The line to copy, as it stands."""
    return page.get_by_label("The line to copy").inner_text()


def test_the_line_that_is_copied_makes_what_was_seen(visitor, site, bellhop):
    """Colour, words, corner, language: chosen here, copied, pasted into a page, and there it is, with signs of HTML."""
    page = visitor(f"{bellhop.url}/chat/gallery", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Forest").click()
    page.get_by_label("Title").fill('Ask "us" & <b>him</b>')
    page.get_by_label("Button").fill("Questions?")
    page.get_by_label("Language").select_option("pl")
    page.get_by_role("radio", name="Left").check(force=True)
    page.get_by_role("radio", name="Dark", exact=True).check(force=True)
    page.get_by_label("Privacy page").fill("https://www.example.com/privacy")
    page.get_by_role("button", name="Copy the line").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line == line_of(page)
    preview = page.get_by_role("button", name="Questions?")
    expect(preview).to_be_visible()
    pasted = visitor(site.page(f"<main><h1>Mine</h1></main>{line}"))
    button = pasted.get_by_role("button", name="Questions?")
    assert button.bounding_box()["x"] == 20
    looks = "each => [getComputedStyle(each).backgroundColor, getComputedStyle(each).color]"
    assert button.evaluate(looks) == preview.evaluate(looks) == ["rgb(31, 95, 74)", "rgb(255, 255, 255)"]
    button.click()
    expect(pasted.get_by_role("heading", name='Ask "us" & <b>him</b>')).to_be_visible()
    there = ChatPage(pasted, "pl")
    assert "poniedział" in there.ask("O której otwieracie?")


def test_the_usual_needs_no_attributes(visitor, bellhop):
    """One line, the script and nothing else."""
    page = visitor(f"{bellhop.url}/chat/gallery")
    assert line_of(page) == f'<script src="{bellhop.url}/chat/widget.js" defer></script>'


def test_contrast_is_checked_as_the_colour_is_typed(visitor, bellhop):
    """What can be read, where the button is seen; what is no colour is said, and does no harm."""
    page = visitor(f"{bellhop.url}/chat/gallery")
    told = page.locator("#contrast li")
    color = page.get_by_label("Your own")
    color.fill("#f2c14e")
    expect(told).to_have_count(3)
    expect(told.nth(0)).to_contain_text("Dark text on it: 11.2 to 1")
    expect(told.nth(1)).to_contain_text("hard to see")
    assert [each.get_attribute("data-good") for each in told.all()] == ["true", "false", "true"]
    color.fill("#123")
    expect(told.nth(1)).to_contain_text("The button stands out")
    assert 'data-color="#112233"' in line_of(page)
    color.fill("blue")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("three or six digits")
    assert "data-color" not in line_of(page)
    page.get_by_label("Privacy page").fill("javascript:alert(1)")
    expect(page.get_by_text("Please give a whole address")).to_be_visible()
    assert "javascript" not in line_of(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_nothing(visitor, bellhop, accessible, scheme):
    """On a desk with the chat open, on a phone with it closed, with a complaint."""
    page = visitor(f"{bellhop.url}/chat/gallery", color_scheme=scheme)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Your own").fill("#f2c14e")
    page.get_by_label("Privacy page").fill("nowhere")
    accessible(page)
    phone = visitor(f"{bellhop.url}/chat/gallery", color_scheme=scheme, viewport=PHONE)
    expect(phone.get_by_role("dialog")).to_be_hidden()
    accessible(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
