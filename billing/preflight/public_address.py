"""Whether readers reach this installation at its public address, and what its proxies make of a request."""

import secrets
import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from billing.http import reached
from billing.platform import list_key
from billing.preflight.check_result import CheckResult, no, ok, warn
from billing.preflight.context import Preflight

FORGED = "192.0.2.77"
"""An address that nobody has (RFC 5737), as a stranger would put it into X-Forwarded-For."""
PATIENCE_SECONDS = 10.0
ENDING, ENDS_SOON = timedelta(days=3), timedelta(days=14)
"""A certificate that isn't renewed by then won't be renewed by itself."""


def public_address(given: Preflight) -> Iterator[CheckResult]:
    """A request to ourselves, the way of a reader, and the certificate that answers it."""
    url = given.settings.public_url
    tokens, nonce = list_key.tokens_of(given.settings), secrets.token_hex(16)
    headers = {reached.HEADER: reached.question(tokens, nonce), "X-Forwarded-For": FORGED}
    try:
        answer = httpx.get(
            url + reached.ADDRESS,
            headers=headers,
            verify=given.tls,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )
        seen = reached.Reached.model_validate_json(answer.content)
    except httpx.HTTPError as error:
        yield no(
            f"{url} isn't reached ({error}): start `billing serve` and the proxy, and check BILLING_PUBLIC_URL"
        )
        return
    except ValidationError:
        yield no(
            f"{url} is answered by something else ({answer.status_code} at {reached.ADDRESS}): the proxy must pass all paths on to"
            " `billing serve`, which must have this BILLING_SECRET_KEY"
        )
        return
    if not reached.is_proved(tokens, nonce, seen):
        yield no(f"{url} is answered by an installation with another BILLING_SECRET_KEY")
        return
    yield ok(f"{url} leads to this installation")
    yield proxies(seen.forwarded, given.settings.proxy_count, seen.caller)
    if given.settings.secure:
        yield _certificate(given)


def proxies(forwarded: Sequence[str], count: int, caller: str) -> CheckResult:
    """Whether BILLING_PROXY_COUNT is the number of proxies that added to X-Forwarded-For.

    Some keep what a caller wrote there, and others replace it."""
    added = len(forwarded) - (FORGED in forwarded)
    if added == count:
        return ok(
            f"{added} proxies add the caller's address, as BILLING_PROXY_COUNT says; this caller is {caller}"
        )
    danger = (
        "anybody can choose the address that limits count under"
        if added < count
        else "all readers share the address of a proxy"
    )
    return no(
        f"{added} proxies add the caller's address and BILLING_PROXY_COUNT is {count}: {danger}. Set it to {added or 'none'}"
    )


def _certificate(given: Preflight) -> CheckResult:
    parts = urlsplit(given.settings.public_url)
    address = (parts.hostname or "", parts.port or 443)
    try:
        with (
            socket.create_connection(address, PATIENCE_SECONDS) as plain,
            given.tls.wrap_socket(plain, server_hostname=parts.hostname) as connection,
        ):
            shown = connection.getpeercert() or {}
    except OSError as error:  # ssl.SSLError is one
        return no(f"the certificate can't be read ({error})")
    ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    return certificate(ends_at, given.clock.now())


def certificate(ends_at: datetime, at: datetime) -> CheckResult:
    """How long the certificate is still valid."""
    words = f"the certificate is valid for {(ends_at - at).days} more days"
    if ends_at - at < ENDING:
        return no(f"{words}: renew it now, and find out why that didn't happen by itself")
    if ends_at - at < ENDS_SOON:
        return warn(f"{words}: check that it is renewed by itself")
    return ok(words)
