"""One moment that ends all an attempt does on the network."""

import contextlib
import socket
import threading
import time

import pytest

from shared.adapters import deadline as module
from shared.adapters.deadline import AddressRefused, Deadline

SOON, ENOUGH = 0.3, 20.0
V4, STREAM = socket.AF_INET, socket.SOCK_STREAM


def within(seconds):
    """A deadline so many seconds from now."""
    return Deadline(time.monotonic() + seconds)


@contextlib.contextmanager
def listening():
    """A loopback listener that nobody serves: connections are made by the kernel."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def resolves_to(monkeypatch, *addresses):
    """Make every name resolve to these; the list of names asked for."""
    asked = []

    def look_up(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET6 if ":" in each else V4, STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_read_without_an_answer_ends_at_the_deadline():
    """The reader is woken, and told that it is over."""
    deadline = within(SOON)
    with listening() as port, deadline.kept(), deadline.connect("127.0.0.1", port) as connection:
        connection.settimeout(ENOUGH)
        assert connection.recv(1) == b""
        assert deadline.over


def test_a_connection_made_when_it_was_over_is_shut_down_at_once():
    """The timer may strike while the connection is being made."""
    deadline = within(ENOUGH)
    with listening() as port, deadline.kept():
        deadline.end()
        with deadline.connect("127.0.0.1", port) as connection:
            assert connection.recv(1) == b""


def test_an_attempt_leaves_no_connection_open():
    """Whoever still holds its socket can read nothing more; it was not over for lack of time."""
    deadline = within(ENOUGH)
    with listening() as port:
        with deadline.kept():
            connection = deadline.connect("127.0.0.1", port)
            connection.sendall(b"x")
        with connection:
            assert connection.recv(1) == b""
        assert not deadline.over


def test_the_next_address_is_tried_when_one_refuses(monkeypatch):
    """A name often has one that cannot be reached from here."""
    with listening() as port:
        resolves_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        deadline = within(ENOUGH)
        with deadline.kept(), deadline.connect("mail.example.com", port) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch):
    """It gets its share of what remains, not all of it."""
    resolves_to(monkeypatch, "192.0.2.1", "127.0.0.1")
    given = []

    def connected(_family, address, _options, seconds):
        given.append((address[0], seconds))
        raise TimeoutError

    monkeypatch.setattr(module, "_connected", connected)
    with pytest.raises(TimeoutError):
        within(ENOUGH).connect("mail.example.com", 25)
    assert [address for address, _ in given] == ["192.0.2.1", "127.0.0.1"]
    assert given[0][1] <= ENOUGH / 2


def test_when_all_refuse_the_last_refusal_is_told(monkeypatch):
    """Not that the time was up."""
    with listening() as port:
        pass
    resolves_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    with pytest.raises(ConnectionRefusedError):
        within(ENOUGH).connect("mail.example.com", port)


def test_f11_a_silent_resolver_ends_at_the_deadline(monkeypatch):
    """It has no timeout of its own."""
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: release.wait(ENOUGH) and [])
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        within(SOON).connect("mail.example.com", 25)
    release.set()
    assert time.monotonic() - started < ENOUGH / 2


def test_a_name_that_is_none_is_not_found(monkeypatch):
    """Too long a label is the resolver's UnicodeError."""
    with pytest.raises(socket.gaierror):
        within(ENOUGH).connect("x" * 70 + ".example.com", 25)


def test_f44_the_check_sees_every_address_before_one_is_connected_to(monkeypatch):
    """One that is refused refuses the name, wherever it stands."""
    connected = []
    monkeypatch.setattr(module, "_connected", lambda *arguments: connected.append(arguments))
    asked = resolves_to(monkeypatch, "203.0.114.1", "10.0.0.1")
    seen = []

    def check(address, port):
        seen.append((address, port))
        if address.startswith("10."):
            raise AddressRefused("private_address")

    with pytest.raises(AddressRefused):
        within(ENOUGH).connect("hooks.example.com", 443, check=check)
    assert seen == [("203.0.114.1", 443), ("10.0.0.1", 443)]
    assert asked == ["hooks.example.com"]
    assert connected == []


def test_f44_what_was_checked_is_what_is_connected_to(monkeypatch):
    """The name is resolved once: a second answer could be another one."""
    with listening() as port:
        asked = resolves_to(monkeypatch, "127.0.0.1")
        deadline = within(ENOUGH)
        with deadline.kept(), deadline.connect("hooks.example.com", port, check=lambda *_: None) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)
    assert asked == ["hooks.example.com"]
