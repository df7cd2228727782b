"""Recognise requests that claim to be Google's search crawler, and check the claim (PW-3). The claim alone opens nothing.

Only Googlebot itself may get whole articles. Special crawlers (advertisements, shopping, tests) and fetchers started by a person,
which ignore robots.txt, get what an anonymous visitor gets."""

import json
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_CLAIM: Final = re.compile(r"\bGooglebot(?:-Image|-News|-Video)?(?![\w-])")
_OTHERS: Final = re.compile(
    r"AdsBot|Mediapartners|APIs-Google|DuplexWeb|Storebot|Google-Safety|Google-InspectionTool|GoogleOther|Google-Extended"
    r"|Google-CloudVertexBot|FeedFetcher|Google-Read-Aloud|GoogleProducer|Google-Site-Verif|GoogleMessages|Google-Agent"
    r"|Google-NotebookLM|Google-Pinpoint|Google-CWS|GoogleAssociation|Chrome-Lighthouse",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"(?:crawl-[0-9a-f-]+|geo-crawl-[0-9a-f-]+\.geo)\.googlebot\.com")
WIDEST: Final = {4: 8, 6: 16}
"""The shortest prefix in bits that a list may contain; a wider network is a mistake or an attack."""


class BadList(ValueError):
    """It isn't a list of networks in the form of Google's common-crawlers.json."""


def claims(device: str) -> bool:
    """Whether a user agent claims to be Googlebot and no other crawler of Google's."""
    return _CLAIM.search(device) is not None and _OTHERS.search(device) is None


def address_of(text: str) -> IpAddress | None:
    """A public internet address; None for a private one or anything else."""
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found if found.is_global and not found.is_multicast else None


def is_name(name: str) -> bool:
    """Whether a host name has the form of Google's common crawlers. Anybody can set such a PTR record, so check the name's addresses
    too."""
    return _NAME.fullmatch(name.rstrip(".").lower()) is not None


def networks(text: str) -> tuple[IpNetwork, ...]:
    """The networks of a list: `{"prefixes": [{"ipv4Prefix": "…"}, {"ipv6Prefix": "…"}]}`. Raises BadList."""
    try:
        rows = json.loads(text)["prefixes"]
        found = tuple(ip_network(row.get("ipv4Prefix") or row["ipv6Prefix"]) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadList(f"no list of prefixes ({type(error).__name__})") from error
    if not found:
        raise BadList("it names no network")
    if wide := [str(network) for network in found if network.prefixlen < WIDEST[network.version]]:
        raise BadList(f"{wide[0]} is too wide")
    return found


def is_among(address: IpAddress, listed: Sequence[IpNetwork]) -> bool:
    """Whether one of the networks contains the address."""
    return any(address in network for network in listed)
