"""Which network a request comes from, for counting: one customer's addresses count together (SEC-8)."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

UNKNOWN = "unknown"
"""The name of everything that is no network address, such as `_hidden` (RFC 7239, section 6): all of it counts together."""
SITE, CUSTOMER = 48, 64
"""Lengths of IPv6 prefixes: a site has a /48 at most (RFC 6177), a network or a phone a /64 (RFC 4291)."""
SITE_SHARE = 10
"""A /48 has this many times the allowance of a /64: a mobile network may give each phone of a suburb a /64 of one /48."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052): the last 32 bits are the address."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The name that requests are counted under, and how many allowances it has."""

    name: str
    share: int = 1


@lru_cache(4096)
def normal(text: str) -> str:
    """One spelling of a network address as a proxy or a socket gives it: without port, brackets or zone id, IPv4 as IPv4; or
    `UNKNOWN`."""
    found = _address(text)
    return UNKNOWN if found is None else str(found)


@lru_cache(4096)
def buckets(address: str) -> tuple[Bucket, ...]:
    """What a request from this address counts under. All IPv6 addresses of a customer are one: a /64 holds 2⁶⁴ of them."""
    found = _address(address)
    if found is None:
        return (Bucket(UNKNOWN),)
    if isinstance(found, IPv4Address):
        return (Bucket(str(found)),)
    return Bucket(_prefix(found, CUSTOMER)), Bucket(_prefix(found, SITE), SITE_SHARE)


def _prefix(address: IPv6Address, length: int) -> str:
    return str(IPv6Network((address, length), strict=False))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(_without_port(text.strip().strip('"')).partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in _TRANSLATED:
            return IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def _without_port(text: str) -> str:
    """`[2001:db8::1]:443` and `192.0.2.1:443` without brackets and port (RFC 7239, section 6.1)."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, colon, port = text.rpartition(":")
    return host if colon and ":" not in host and port.isascii() and port.isdigit() else text
