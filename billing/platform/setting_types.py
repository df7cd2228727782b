"""The forms that settings have, each with what is wrong when a value hasn't that form."""

import re
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from billing.rules import robots

OWN_LICENSE = "own"
OFFER = "/"
"""The page that is always here."""


def _listed(value: Any) -> Any:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _listed_keys(value: Any) -> Any:
    listed = _listed(value)
    return tuple(each.replace("%2C", ",") for each in listed) if isinstance(value, str) else listed


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a zone name like Africa/Johannesburg") from None
    return value


def _known_crawlers(value: tuple[str, ...]) -> tuple[str, ...]:
    if not set(value) <= set(robots.NAMES):
        raise ValueError(f"names something other than {', '.join(robots.NAMES)}")
    return value


def _own_or_elsewhere(value: str) -> str:
    parts = urlsplit(value)
    plain = value.isascii() and value.isprintable() and " " not in value
    if (
        value
        and value != OWN_LICENSE
        and not (plain and parts.scheme in ("http", "https") and parts.hostname)
    ):
        raise ValueError("is neither `own` nor an address like https://example.co.za/license.xml")
    return value


def _here_or_elsewhere(value: str) -> str:
    if not value or re.fullmatch(r"/(?![/\\\\])[!-~]*", value):
        return value
    return _web_address(value)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or port_of(parts) is None:
        raise ValueError("is not an address like https://accounts.example.co.za")
    return value.rstrip("/")


class _NoProxy(int):
    """Zero, said on purpose: nothing in front adds X-Forwarded-For, so the peer's address is the reader's."""


NO_PROXY = _NoProxy(0)


def _counted(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return NO_PROXY if value == "none" else handler(value)


def port_of(parts: SplitResult) -> int | None:
    """The port, 0 where none is named; None where it isn't a port."""
    try:
        return parts.port or 0
    except ValueError:
        return None


Listed = BeforeValidator(_listed)
"""Comma separated."""
Key = Annotated[SecretStr, Field(min_length=32)]
Keys = Annotated[tuple[Key, ...], BeforeValidator(_listed_keys)]
"""Comma separated; a comma within one is written %2C."""
Origins = Annotated[tuple[Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:\d{1,5})?$")], ...], Listed]
ProxyCount = Annotated[int, Field(ge=0, le=5), WrapValidator(_counted)]
"""0 to 5; `none` is 0, said on purpose."""
ZoneName = Annotated[str, AfterValidator(_known_zone)]
Crawlers = Annotated[tuple[str, ...], Listed, AfterValidator(_known_crawlers)]
License = Annotated[str, AfterValidator(_own_or_elsewhere)]
PaperAddress = Annotated[str, AfterValidator(_here_or_elsewhere)]
"""A web address, or a path on this host; empty: neither."""
WebAddress = Annotated[str, AfterValidator(_web_address)]
