"""Which client a request came from, as limits count it. A forged X-Forwarded-For changes nothing (fault 32)."""

from __future__ import annotations

import ipaddress

UNKNOWN = "unknown"


def client_address(remote_addr: str | None, forwarded_for: list[str], hops: int) -> str:
    """The client's address, normalised: IPv4 as it is, IPv6 as its /64 network, which is one household or server.

    Each trusted proxy appends the address it was called from, so with ``hops`` proxies the ``hops``-th entry from the
    right was written by one of them; everything left of it is the caller's claim. Where that entry does not exist
    or is no address, the peer's own address counts, never another entry.

    Args:
        remote_addr: the peer's address (WSGI's REMOTE_ADDR).
        forwarded_for: all X-Forwarded-For lines, in order.
        hops: how many trusted proxies are in front; 0 trusts none.

    Returns:
        Text such as ``203.0.113.7``, ``2001:db8:0:1::/64``, or ``unknown`` where not even the peer has an address: all
        such callers are one client.
    """
    peer = _normalise(remote_addr or "") or UNKNOWN
    # Empty entries are kept: skipping one would let the next, which may be forged, take its place.
    entries = ",".join(forwarded_for).split(",")
    if hops <= 0 or len(entries) < hops:
        return peer
    return _normalise(entries[-hops]) or peer


def _normalise(text: str) -> str:
    """``text`` as limits count it, empty where it is no address.

    Takes a port (``192.0.2.1:80``, ``[2001:db8::1]:80``), brackets and a zone; an IPv4-mapped IPv6 address is IPv4.
    """
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))
