"""The chat on a page, as a visitor uses it: found by what is read out, never by how it is made."""

from playwright.sync_api import Page, expect

LAUNCH = {"en": "Chat with us", "pl": "Napisz do nas", "de": "Schreiben Sie uns"}
MESSAGE = {"en": "Your message", "pl": "Twoja wiadomość", "de": "Ihre Nachricht"}


class ChatPage:
    """One page with the chat in it."""

    def __init__(self, page: Page, lang="en"):
        self.page = page
        self.launcher = page.get_by_role("button", name=LAUNCH[lang], exact=True)
        self.dialog = page.get_by_role("dialog")
        self.box = page.get_by_role("textbox", name=MESSAGE[lang])
        self.log = page.get_by_role("log")
        self.mine = self.log.locator(".you")
        self.theirs = self.log.locator(".they:not(:has(.dots))")

    def open(self):
        """Open it with its button."""
        self.launcher.click()
        expect(self.box).to_be_visible()
        return self

    def write(self, text):
        """Write a message and send it with Enter."""
        self.box.fill(text)
        self.box.press("Enter")

    def ask(self, text):
        """Write a message and wait for its answer; the answer."""
        before = self.theirs.count()
        self.write(text)
        expect(self.theirs).to_have_count(before + 1)
        return self.theirs.last.inner_text()

    def stored(self):
        """What the page keeps in this browser."""
        return self.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
