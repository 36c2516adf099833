"""Other people's pages, however they are made: the chat looks the same, and the page is as it was."""

import pytest
import requests
from playwright.sync_api import expect

from tests.support.chat_page import ChatPage

pytestmark = pytest.mark.browser

RESET = """<style>
*, *::before, *::after { all: unset !important; font-size: 44px !important; letter-spacing: 9px !important;
  display: none !important;
  text-transform: uppercase !important; box-sizing: content-box !important; color: lime !important; }
html { font-size: 62px !important; }
html, body, main { display: block !important; }
body { transform: rotate(3deg) scale(0.7); filter: blur(0); line-height: 4 !important; direction: rtl; }
bellhop-chat { display: none !important; position: static !important; opacity: 0 !important;
  z-index: -1 !important; pointer-events: none !important; }
button, textarea, div, section, p, svg { padding: 40px !important; margin: 40px !important; float: left !important; }
</style>"""
LOOKS = """() => [".launcher", ".panel", "h2", ".bubble", "textarea", ".send"].map((name) => {
  const each = document.querySelector("bellhop-chat").shadowRoot.querySelector(name);
  const style = getComputedStyle(each), box = each.getBoundingClientRect();
  return [name, Math.round(box.x), Math.round(box.y), Math.round(box.width), Math.round(box.height),
    style.fontSize, style.color,
    style.letterSpacing, style.textTransform, style.direction, style.backgroundColor, style.padding, style.margin];
})"""


def test_a_hostile_page_changes_nothing_of_it(chat):
    """Resets, huge fonts, transforms and rules against the very element: the same, to the pixel, and usable."""
    usual, hostile = chat(), chat(head=RESET)
    for there in (usual, hostile):
        there.open()
    assert hostile.page.evaluate(LOOKS) == usual.page.evaluate(LOOKS)
    assert "Monday" in hostile.ask("When are you open?")


def test_it_changes_nothing_of_the_page(chat, visitor, site):
    """No rule, no name, no node but its own element."""
    tell = """() => [Object.keys(window).length, document.styleSheets.length, document.adoptedStyleSheets.length,
      JSON.stringify([...document.querySelectorAll("body, main, h1, p")].map((each) =>
        [...getComputedStyle(each)].map((name) => getComputedStyle(each)[name])))]"""
    without = visitor(site.page("<main><h1>A company</h1><p>Text.</p></main>")).evaluate(tell)
    there = chat().open()
    assert there.page.evaluate(tell) == without
    assert there.page.evaluate("[...document.body.children].map((each) => each.localName)") == [
        "main",
        "script",
        "bellhop-chat",
    ]


def test_under_a_strict_policy_with_two_sources_it_looks_and_works_as_usual(chat, bellhop):
    """As the gallery says: script-src and connect-src, no unsafe-inline; trusted types; nothing is refused."""
    policy = (
        f"default-src 'none'; script-src {bellhop.url}; connect-src {bellhop.url}; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    usual, strict = chat(), chat(headers={"Content_Security_Policy": policy})
    for there in (usual, strict):
        there.open()
    assert strict.page.evaluate(LOOKS) == usual.page.evaluate(LOOKS)
    assert "Monday" in strict.ask("When are you open?")


def test_what_is_set_with_attributes_is_seen_and_what_is_mistyped_is_as_usual(chat):
    """Colour, side, theme, words; a wrong colour and a script for a link do no harm."""
    there = chat(
        attributes='data-color="#f2c14e" data-position="left" data-theme="dark" data-launch="Ask us" '
        'data-privacy="/privacy" data-lang="de"'
    )
    button = there.page.get_by_role("button", name="Ask us")
    assert button.bounding_box()["x"] == 20
    assert button.evaluate("each => [getComputedStyle(each).backgroundColor, getComputedStyle(each).color]") == [
        "rgb(242, 193, 78)",
        "rgb(16, 17, 20)",
    ]
    button.click()
    expect(there.page.get_by_role("textbox", name="Ihre Nachricht")).to_be_visible()
    assert there.dialog.evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(29, 31, 37)"
    there.page.get_by_role("button", name="Kontakt hinterlassen").click()
    link = there.page.get_by_role("link", name="Datenschutz")
    assert link.get_attribute("href").endswith("/privacy")
    wrong = chat(
        attributes='data-color="red;}" data-position="up" data-theme="7" data-lang="xx" '
        'data-privacy="javascript:alert(1)"'
    )
    wrong.open()
    assert wrong.launcher.evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(138, 47, 59)"
    wrong.page.get_by_role("button", name="Leave your details").click()
    expect(wrong.page.get_by_role("link")).to_have_count(0)


def test_a_script_that_is_there_twice_makes_one_chat(chat, bellhop):
    """Pasted into the template and into the page."""
    there = chat(head=f'<script src="{bellhop.url}/chat/widget.js" defer></script>')
    expect(there.page.locator("bellhop-chat")).to_have_count(1)
    assert "Monday" in there.open().ask("When are you open?")


def test_a_site_that_is_not_allowed_gets_no_answer(visitor, site, bellhop):
    """CORS by ALLOWED_ORIGINS: the browser keeps the answer from it, and the visitor is told."""
    url = site.page(f'<main><h1>Elsewhere</h1></main><script src="{bellhop.url}/chat/widget.js"></script>')
    there = ChatPage(visitor(url.replace("127.0.0.1", "localhost")))
    there.open().write("When are you open?")
    expect(there.mine).to_contain_text("It did not get through")
    assert there.theirs.count() == 1


def test_only_the_widgets_files_are_for_other_origins(site, bellhop):
    """ALLOWED_ORIGINS opens the script, its words and the chat; not the gallery, the playground or the console."""
    asked = {"Origin": site.origin}
    opened = {
        path: requests.get(f"{bellhop.url}{path}", headers=asked, timeout=30).headers.get("Access-Control-Allow-Origin")
        for path in (
            "/chat/widget.js",
            "/chat/widget.json",
            "/chat/gallery",
            "/chat/gallery.js",
            "/",
            "/playground/app.js",
            "/_local/info",
            "/admin_console/alerts",
        )
    }
    assert opened == dict.fromkeys(opened) | dict.fromkeys(("/chat/widget.js", "/chat/widget.json"), site.origin)
    elsewhere = requests.get(f"{bellhop.url}/chat/widget.json", headers={"Origin": "https://evil.example"}, timeout=30)
    assert "Access-Control-Allow-Origin" not in elsewhere.headers
    assert "Origin" in elsewhere.headers["Vary"]
