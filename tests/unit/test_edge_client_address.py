"""Which client a request came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.edge.client_address import client_address

PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("lines", "hops", "client"),
    [
        (["203.0.113.7"], 1, "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], 1, "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], 2, "198.51.100.1"),
        (["198.51.100.1", "203.0.113.7, 192.0.2.1"], 2, "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7, 192.0.2.1"], 3, "198.51.100.1"),
        (["203.0.113.7"], 0, PEER),
        (["203.0.113.7"], 2, PEER),
        ([], 1, PEER),
        ([""], 1, PEER),
        (["203.0.113.7, "], 1, PEER),
        (["203.0.113.7, , 192.0.2.1"], 2, PEER),
        (["203.0.113.7, unknown"], 1, PEER),
        (["203.0.113.7"], -1, PEER),
    ],
)
def test_the_nth_address_from_the_right(lines, hops, client):
    """What the proxies wrote counts, all header lines together; what is missing or no address is the peer."""
    assert client_address(PEER, lines, hops) == client


@pytest.mark.parametrize(
    ("written", "client"),
    [
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[203.0.113.7]", "203.0.113.7"),
        ("2001:DB8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::9]", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::9]:443", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[fe80::1%25eth0]:80", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:cb00:7107]:80", "203.0.113.7"),
        ("::1", "::/64"),
    ],
)
def test_one_client_has_one_name(written, client):
    """Ports, brackets, zones and spellings do not make another client; IPv6 counts by its /64."""
    assert client_address(PEER, [written], 1) == client
    assert client_address(written, [], 0) == client


@pytest.mark.parametrize(
    "garbage", ["", "unknown", "203.0.113.300", "010.0.0.1", "1.2.3", "[", "]:80", "a:b", "_x", "²"]
)
def test_garbage_is_the_peer(garbage):
    """What is no address is not taken for one."""
    assert client_address(PEER, [garbage], 1) == PEER


@pytest.mark.parametrize("peer", [None, "", "unix:/tmp/x"])
def test_a_peer_without_an_address_is_one_client(peer):
    """All of them share one limit rather than having none."""
    assert client_address(peer, [], 1) == "unknown"
    assert client_address(peer, ["203.0.113.7"], 1) == "203.0.113.7"


@given(forged=st.lists(st.text()), last=st.text())
def test_f32_a_forged_header_changes_nothing(forged, last):
    """Whatever the caller writes, the address that the gateway appended is the client."""
    assert client_address(PEER, [*forged, f"{last}, 203.0.113.7"], 1) == "203.0.113.7"
    assert client_address(PEER, [*forged, last, "203.0.113.7"], 1) == "203.0.113.7"
    assert client_address("203.0.113.7", [*forged, last], 0) == "203.0.113.7"


@given(addresses=st.lists(st.ip_addresses().map(str), min_size=1, max_size=20))
def test_f32_a_rotating_forged_address_is_the_same_client(addresses):
    """A new claim with each request is still one client."""
    clients = {client_address(PEER, [f"{claim}, 203.0.113.7"], 1) for claim in addresses}
    assert clients == {"203.0.113.7"}


@given(st.text())
def test_arbitrary_text_gives_a_client(text):
    """Nothing raises."""
    assert client_address(text, [text], 1)
