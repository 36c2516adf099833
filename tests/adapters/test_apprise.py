"""Apprise as a last channel, with a made-up package in the place of the real one."""

import sys
import threading
import time
import types

import pytest

from shared.adapters.apprise import Apprise
from shared.domain.outcome import Blocked, Delivered, Retry, Unknown
from shared.errors import ConfigError
from tests.support.smtp_servers import a_message

ENOUGH = 20.0
URLS = ("tgram://hunter2/chat", "mailto://u:hunter2@h")


class Services:
    """What stands for ``apprise.Apprise``: knows two kinds of URL, and says what it is told to."""

    says = staticmethod(lambda: True)
    sent: list  # what was sent

    def __init__(self):
        self.urls = []
        type(self).sent = []

    def add(self, url):
        """Whether it knows the service."""
        self.urls.append(url)
        return url.startswith(("tgram://", "mailto://"))

    def notify(self, **message):
        """Whether all of them took it."""
        self.sent.append(message)
        return type(self).says()


@pytest.fixture
def services(monkeypatch):
    """The package, installed."""
    known = type("Known", (Services,), {})
    monkeypatch.setitem(sys.modules, "apprise", types.SimpleNamespace(Apprise=known))
    return known


def send(message=None, seconds=ENOUGH):
    """What one attempt came to."""
    return Apprise(URLS).send(message or a_message(), deadline=time.monotonic() + seconds)


def test_every_service_is_given_title_and_text(services):
    """As plain text, with the alert's id."""
    message = a_message(kind="escalation", payload={"title": "A lead waits", "text": "Do this"}, maybe_shown=True)
    assert send(message) == Delivered()
    (sent,) = services.sent
    assert sent["title"] == "[Possible duplicate] A lead waits"
    assert sent["body_format"] == "text"
    assert "Do this" in sent["body"]
    assert "alert 0123456789abcdef" in sent["body"]


@pytest.mark.parametrize("kind", ["lead", "escalation", "notice"])
@pytest.mark.parametrize("plain", [False, True])
def test_f38_no_service_is_given_a_mention_or_a_tag(services, kind, plain):
    """Each has a markup of its own; an address stays as it is."""
    evil = "<!channel> <@U012AB3CD> <https://evil|ok> <b> @everyone @here (@channel) write to ana@example.com"
    payload = {"title": evil, "name": evil, "text": evil, "message": evil}
    assert send(a_message(kind=kind, payload=payload, plain=plain)) == Delivered()
    (sent,) = services.sent
    shown = sent["title"] + sent["body"]
    assert not {"<"} & set(shown)
    assert not any(word in shown for word in ("@everyone", "@here", "@channel", "@U0"))
    assert "write to ana@example.com" in sent["body"]


def test_a_plain_message_has_a_title_of_ascii(services):
    """As the mail it is made from."""
    assert send(a_message(kind="notice", payload={"title": "Zoë", "text": "x"}, plain=True)) == Delivered()
    assert services.sent[0]["title"] == "Zoe"


def raising():
    """A plugin that breaks."""
    raise RuntimeError("hunter2")


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (lambda: True, Delivered()),
        (lambda: False, Retry("apprise_failed", maybe_shown=True)),
        (lambda: None, Blocked("no_service")),
        (raising, Retry("apprise_error", maybe_shown=True)),
    ],
)
def test_f45_what_apprise_says_is_classified_and_its_errors_are_not_shown(services, says, outcome):
    """A failure may have been shown by some of them."""
    services.says = staticmethod(says)
    assert send() == outcome
    assert "hunter2" not in repr(outcome)


def test_f11_a_service_that_does_not_return_is_left_at_the_deadline(services):
    """It may have taken it."""
    release = threading.Event()
    services.says = staticmethod(lambda: release.wait(ENOUGH))
    started = time.monotonic()
    assert send(seconds=0.3) == Unknown("timeout")
    assert time.monotonic() - started < ENOUGH / 2
    release.set()


def test_with_no_time_left_nothing_is_begun(services):
    """It would end as Unknown at best."""
    assert send(seconds=0.0) == Retry("no_time_left")
    assert services.sent == []


def test_without_the_package_the_setting_is_named(monkeypatch):
    """At start-up."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"^APPRISE_URLS: needs the package apprise, which is not installed"):
        Apprise(URLS)


def test_f45_a_url_apprise_does_not_know_is_named_by_its_number(services):
    """It may hold a secret."""
    with pytest.raises(ConfigError, match=r"^APPRISE_URLS: URL number 2 was \(secret\)") as refused:
        Apprise((URLS[0], "nothing://hunter2"))
    assert "hunter2" not in str(refused.value)
    assert services.sent == []
