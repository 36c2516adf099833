"""Which addresses are on the public internet: what a URL from outside may lead to. Standard library only.

Sources: the IANA registries of special-purpose addresses (RFC 6890), IPv4 and IPv6; RFC 6052 and RFC 8215 (NAT64), RFC
3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP), whose IPv6 addresses lead to an IPv4 address inside them. The tables
stand here because ``ipaddress.is_global`` means something else in each version of Python.
"""

from __future__ import annotations

import ipaddress
import re
import socket

_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; Alibaba's metadata (100.100.100.200)
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's metadata, in the middle of the public range
        "169.254.0.0/16",  # link-local; most clouds' metadata (169.254.169.254)
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata (192.0.0.192)
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")  # global unicast; all else is local, mapped, NAT64, multicast or reserved
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)
_NUMBERS = re.compile(r"(0[xX][0-9A-Fa-f]*|[0-9]+)(\.(0[xX][0-9A-Fa-f]*|[0-9]+)){0,3}")


def is_public(address: str) -> bool:
    """Whether an IP address, as the resolver gives it, is on the public internet; False for anything else."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_4)
    if parsed.scope_id is not None or parsed not in _PUBLIC_6 or any(parsed in network for network in _NOT_PUBLIC_6):
        return False
    return (int(parsed) >> 32) & 0xFFFFFFFF not in _ISATAP


def literal(host: str) -> str | None:
    """The address a URL's host is, None where it is a name.

    The old forms that resolvers take for addresses (``2130706433``, ``0x7f.1``, ``127.1``, ``0177.0.0.1``) are read as
    they read them.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None
