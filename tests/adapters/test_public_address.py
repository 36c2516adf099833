"""Which addresses a URL from outside may lead to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.public_address import is_public, literal

PRIVATE = [
    # IPv4: this network, loopback, private, shared, link-local
    *(
        str(ipaddress.IPv4Address(0)),
        "0.1.2.3",
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
    ),
    *("172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "169.254.1.1"),
    # metadata: most clouds, Oracle, Alibaba, Azure
    *("169.254.169.254", "192.0.0.192", "100.100.100.200", "168.63.129.16"),
    # protocol assignments, documentation, 6to4 relays, benchmarks
    *("192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "198.18.0.1", "198.19.255.255"),
    # multicast, reserved, broadcast
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    # IPv6: unspecified, loopback, unique local (AWS metadata among them), link-local, site-local, multicast
    *("::", "::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1"),
    # IPv4 in IPv6: mapped, compatible, translated, NAT64 (both prefixes), 6to4, Teredo, ISATAP
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "2002:7f00:1::1"),
    *("2002:a9fe:a9fe::", "2002:808:808::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    *("2a00:1450::5efe:a00:1", "2a00:1450::200:5efe:a00:1"),
    # discard, documentation, benchmarks, ORCHID, segment routing, unassigned
    *("100::1", "2001:db8::1", "3fff::1", "2001:2::1", "2001:10::1", "2001:20::1", "5f00::1", "4000::1", "1::1"),
    # with a zone, and what is no address
    *("fe80::1%eth0", "2a00:1450::1%1", "", "localhost", "example.com", "127.1", "2130706433", "0x7f.1", "1.2.3.4.5"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"),
    *("192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "168.63.129.17"),
    *("2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888", "2001:200::1", "2003::1"),
    *("2400:cb00::1", "3ffe:ffff::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_f44_an_address_that_is_not_on_the_public_internet_is_refused(address):
    """Every range by its first, last or best-known address, and every way to write one into another."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_public_internet_is_not(address):
    """Those just beside the ranges too."""
    assert is_public(address)


@given(st.ip_addresses())
def test_f44_nothing_that_python_knows_to_be_special_is_public(address):
    """The tables are at least as strict."""
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    assert not (special and is_public(str(address)))


@given(st.ip_addresses(v=4))
def test_f44_no_ipv4_address_inside_an_ipv6_address_is_public(address):
    """Whoever translates it back would connect to it."""
    number = int(address)
    for prefix in ("::ffff:0:0", "64:ff9b::", "::", "::ffff:0:0:0"):
        assert not is_public(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number)))
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80))))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("169.254.43518", "169.254.169.254"),
        ("0", str(ipaddress.IPv4Address(0))),
        ("8.8.8.8", "8.8.8.8"),
    ],
)
def test_f44_every_way_to_write_an_address_is_read_as_the_resolver_reads_it(host, address):
    """Decimal, octal, hexadecimal, and with parts left out."""
    assert literal(host) == address


@pytest.mark.parametrize("host", ["", "localhost", "example.com", "1e100.net", "1.2.3.4.5", "a", "0xfg", "4294967296"])
def test_a_name_is_no_address(host):
    """It is checked when it is resolved."""
    assert literal(host) is None
