"""Who says it is Google's search crawler, and what proves it (PW-3). Saying so opens nothing.

Only Googlebot itself may be shown whole articles. Crawlers for special cases (advertisements, shopping, tests) and
fetchers that a person sets off, which ignore robots.txt, are given what a stranger is given, from whatever address."""

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
"""The shortest prefix that a list may name, in bits: a wider one is a mistake, or worse."""


class BadList(ValueError):
    """It isn't a list of networks in the form of Google's common-crawlers.json."""


def claims(device: str) -> bool:
    """Whether a browser calls itself Googlebot, and nothing else of Google's."""
    return _CLAIM.search(device) is not None and _OTHERS.search(device) is None


def address_of(text: str) -> IpAddress | None:
    """A network address that can be anybody's on the internet; None for a private one, or for anything else."""
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found if found.is_global and not found.is_multicast else None


def is_name(name: str) -> bool:
    """Whether a host is called as Google calls those of its common crawlers. Anybody may call theirs so: ask the name, too."""
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
    if wide := [str(one) for one in found if one.prefixlen < WIDEST[one.version]]:
        raise BadList(f"{wide[0]} is too wide")
    return found


def is_among(address: IpAddress, listed: Sequence[IpNetwork]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address in network for network in listed)
