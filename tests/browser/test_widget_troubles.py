"""A message is kept and sent again, with the same key, whatever comes between."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import LIMIT
from tests.support.local_system import eventually

pytestmark = pytest.mark.browser


def lead():
    """A message that becomes a lead nobody else's is."""
    return f"Hi, call me, ana-{uuid.uuid4().hex[:10]}@example.com"


def sends(page):
    """Every message the page sends from now on: its key and its body."""
    seen = []
    page.on("request", lambda it: it.method == "POST" and seen.append((it.headers["idempotency-key"], it.post_data)))
    return seen


def test_offline_and_back(chat, bellhop):
    """Written without a connection, kept, told, and sent by itself when it is back; it arrives once."""
    there = chat()
    sent = sends(there.page)
    text = lead()
    there.open()
    there.page.context.set_offline(True)
    there.write(text)
    expect(there.mine).to_contain_text("You are offline. Your message is kept")
    assert text in there.stored()
    there.page.context.set_offline(False)
    expect(there.theirs).to_have_count(2)
    expect(there.mine).not_to_contain_text("offline")
    assert len(set(sent)) == 1
    eventually(lambda: bellhop.received(text.split()[-1]))
    assert len(bellhop.received(text.split()[-1])) == 1


def test_a_lost_answer_is_asked_for_again_with_the_same_key(chat, bellhop):
    """The server answered and the visitor never saw it: the replay is shown, the team is told once."""
    there = chat()
    sent = sends(there.page)
    text = lead()
    lost = []

    def lose(route):
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().json()["response"])
            route.abort("connectionreset")
        else:
            route.continue_()

    there.open()
    there.page.route("**/chat", lose)
    there.write(text)
    expect(there.mine).to_contain_text("It did not get through")
    there.page.get_by_role("button", name="Send now").click()
    expect(there.theirs).to_have_count(2)
    assert lost[0] in there.theirs.last.inner_text()
    assert (len(sent), len(set(sent))) == (2, 1)
    eventually(lambda: bellhop.received(text.split()[-1]))
    assert len(bellhop.received(text.split()[-1])) == 1


def test_what_waits_goes_out_after_a_reload_even_if_the_chat_is_not_opened(chat, bellhop):
    """The next page of the site sends it, with the key it was first tried with."""
    there = chat()
    sent = sends(there.page)
    text = lead()
    there.open()
    there.page.route("**/chat", lambda route: route.abort("connectionrefused"))
    there.write(text)
    expect(there.mine).to_contain_text("It did not get through")
    there.page.unroute("**/chat")
    there.page.reload()
    eventually(lambda: bellhop.received(text.split()[-1]))
    assert len(set(sent)) == 1
    expect(there.launcher).to_have_attribute("data-news", "true")
    there.open()
    expect(there.theirs).to_have_count(2)


def test_one_that_is_still_being_answered_is_asked_for_again(chat):
    """409: as long as the server says, then the same key; what comes after it waits its turn."""
    there = chat()
    sent = sends(there.page)
    busy = []

    def answer(route):
        if route.request.method == "POST" and not busy:
            busy.append(True)
            headers = {
                "Retry-After": "2",
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Expose-Headers": "Retry-After",
            }
            route.fulfill(status=409, headers=headers, content_type="application/problem+json", body="{}")
        else:
            route.continue_()

    there.open()
    there.page.route("**/chat", answer)
    there.write("When are you open?")
    there.write("And what does it cost?")
    expect(there.mine.first).to_contain_text("Still being answered. The answer is asked for again in")
    expect(there.theirs).to_have_count(3)
    keys = [key for key, _ in sent]
    assert keys == [keys[0], keys[0], keys[2]]
    assert keys[2] != keys[0]
    assert "session_id" not in json.loads(sent[0][1])
    assert "session_id" in json.loads(sent[2][1])


def test_over_the_limit_it_says_when_and_then_sends(chat, bellhop):
    """A real 429: the time is told, the message is kept, and answered once the window is over."""
    there = chat().open()
    flood = {"message": "When are you open?"}
    answer = None
    with ThreadPoolExecutor(8) as many:
        while answer is None or answer.status != 429:  # a slow machine may not reach the limit at once
            list(many.map(lambda _: requests.post(f"{bellhop.url}/chat", json=flood, timeout=30), range(LIMIT + 4)))
            with there.page.expect_response(lambda it: it.request.method == "POST") as answered:
                there.write("When are you open?")
            answer = answered.value
    expect(there.mine.last).to_contain_text("Many messages in a short time. This one is kept and will be sent in")
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    expect(there.mine.last).not_to_contain_text("Many messages")
    expect(there.theirs.last).to_contain_text("Monday")
    assert there.mine.count() == there.theirs.count() - 1


def test_what_the_server_refuses_is_said_and_can_be_changed(chat):
    """400 is for good: the reason, the text back in the box, and the next message goes out."""
    there = chat()
    there.open().write("a bell \u0007")
    expect(there.mine).to_contain_text("This message could not be taken: message: must be")
    there.page.get_by_role("button", name="Change it").click()
    expect(there.mine).to_have_count(0)
    assert there.box.input_value() == "a bell \u0007"
    assert "Monday" in there.ask("When are you open?")


def test_a_key_that_was_used_for_something_else_is_said_and_not_tried_again(chat):
    """422 cannot be cured by waiting: one try, the server's reason, and the way back to the box."""
    there = chat()
    sent = sends(there.page)
    refusal = json.dumps({"status": 422, "title": "Idempotency key reused", "detail": "Send a new key."})

    def refuse(route):
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(status=422, headers=headers, content_type="application/problem+json", body=refusal)

    there.open()
    there.page.route("**/chat", refuse)
    there.write("When are you open?")
    expect(there.mine).to_contain_text("This message could not be taken: Send a new key.")
    there.page.unroute("**/chat")
    there.page.get_by_role("button", name="Change it").click()
    there.box.press("Enter")
    expect(there.theirs).to_have_count(2)
    keys = [key for key, _ in sent]
    assert len(keys) == len(set(keys)) == 2


def test_two_tabs_show_one_conversation(chat):
    """What is written in one is seen in the other, and goes on from there."""
    there = chat()
    there.open()
    other = type(there)(there.page.context.new_page())
    other.page.goto(there.page.url)
    other.open()
    there.ask("When are you open?")
    expect(other.theirs).to_have_count(2)
    other.ask("And what does it cost?")
    expect(there.mine).to_have_count(2)


def test_without_storage_it_works_for_as_long_as_the_page_is_there(chat):
    """A browser that forbids storage: nothing is kept, everything else is as usual."""
    there = chat(service_workers="block")
    there.page.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
    )
    there.page.reload()
    assert "Monday" in there.open().ask("When are you open?")
    there.page.keyboard.press("Escape")
    there.open()
    expect(there.mine).to_have_count(1)
