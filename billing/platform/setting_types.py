"""Types of settings, each with its own error message."""

import re
from enum import StrEnum
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
from billing.rules.account_codes import read_codes

OWN_LICENSE = "own"
OFFER = "/"
"""Our own page with the offer."""


class LogFormat(StrEnum):
    """The form of the log."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least level that is logged. There is no `debug`: libraries would write what the log must not hold."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _listed_keys(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(key.replace("%2C", ",") for key in _listed(value))


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a zone name like Africa/Johannesburg") from None
    return value


def _language_codes(value: tuple[str, ...]) -> tuple[str, ...]:
    if (
        not value
        or len(set(value)) < len(value)
        or not all(re.fullmatch(r"[a-z]{2,3}", code) for code in value)
    ):
        raise ValueError("is not a list of languages like en,af,zu, each once")
    return value


def _known_crawlers(value: tuple[str, ...]) -> tuple[str, ...]:
    if not set(value) <= set(robots.NAMES):
        raise ValueError(f"names something other than {', '.join(robots.NAMES)}")
    return value


def _own_or_elsewhere(value: str) -> str:
    parts = urlsplit(value)
    is_plain = value.isascii() and value.isprintable() and " " not in value
    if value in ("", OWN_LICENSE) or (is_plain and parts.scheme in ("http", "https") and parts.hostname):
        return value
    raise ValueError("is neither `own` nor an address like https://example.co.za/license.xml")


def _account_codes(value: str) -> str:
    read_codes(value)
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


def _collector_address(value: str) -> str:
    """Empty, or an address with its path: OTLP's own settings add `/v1/traces` to some and not to others."""
    parts = urlsplit(value)
    if value and (parts.path in ("", "/") or parts.username is not None):
        raise ValueError("is not an address like http://127.0.0.1:4318/v1/traces, without a password")
    return value and _web_address(value)


class _NoProxy(int):
    """Zero, stated on purpose: no proxy adds X-Forwarded-For, so the peer's address is the reader's."""


NO_PROXY = _NoProxy(0)


def _counted(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return NO_PROXY if value == "none" else handler(value)


def _signing_secrets(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"whsec_\S+", secret) for secret in value):
        raise ValueError(
            "holds something else than signing secrets: each begins with whsec_, and is shown once, with its webhook endpoint"
        )
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", value):
        raise ValueError("is not a plain mail address like hello@paper.co.za")
    return value


def port_of(parts: SplitResult) -> int | None:
    """The port, or 0 without one; None where it is invalid."""
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
"""0 to 5; `none` is 0, stated on purpose."""
ZoneName = Annotated[str, AfterValidator(_known_zone)]
Languages = Annotated[tuple[str, ...], Listed, AfterValidator(_language_codes)]
AccountCodes = Annotated[str, AfterValidator(_account_codes)]
"""As `account_codes.read_codes` reads them."""
Crawlers = Annotated[tuple[str, ...], Listed, AfterValidator(_known_crawlers)]
License = Annotated[str, AfterValidator(_own_or_elsewhere)]
PaperAddress = Annotated[str, AfterValidator(_here_or_elsewhere)]
"""A web address, or a path on this host; empty: neither."""
SigningSecrets = Annotated[tuple[str, ...], Listed, AfterValidator(_signing_secrets)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
CollectorAddress = Annotated[str, AfterValidator(_collector_address)]
"""Empty: none."""
