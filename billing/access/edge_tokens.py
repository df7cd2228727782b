"""Reader tokens for edges and apps: the reader and their features, signed for five minutes (EdDSA).

Keys are derived from the installation's secret and a period of thirty days; no table holds them. The published set has the
previous, the present and the next key, so an edge may cache it for an hour."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing.access.entitlements import Entitlements
from billing.platform.errors import Unauthenticated
from billing.platform.ids import EPOCH
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.rules.access import READ, Entitlement

LIFE: Final = timedelta(minutes=5)
PERIOD: Final = timedelta(days=30)
SLACK: Final = timedelta(days=1)
"""How long a payer reads on by a token after the paid time: a late job of ours must lock no payer out."""
AUDIENCE: Final = "reading"
ALGORITHM: Final = "EdDSA"
MOST_LETTERS: Final = 4096


class TokenExpired(Unauthenticated):
    """This reader token has expired. Ask for another one at /v1/access-token, with the session."""

    code = "token_expired"


class TokenInvalid(Unauthenticated):
    """This reader token isn't one of ours, or its signing key is long gone. Ask for another one at /v1/access-token."""

    code = "token_invalid"


class SessionEnded(Unauthenticated):
    """The session of this reader token has ended. Sign in again."""

    code = "session_ended"


@dataclass(frozen=True, slots=True)
class Bearer:
    """The reader that a token names. We look entitlements up again: those in the token may be five minutes old."""

    reader_id: str
    session_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    private: Ed25519PrivateKey
    public: dict[str, str]


def issue(site: Site, entitlements: Entitlements, session_id: str | None, at: datetime) -> str:
    """A token for a registered reader with their features, for `LIFE`. Where we check it, it ends with its session too."""
    until = paid_until(entitlements.held, at)
    live = [held for held in entitlements.held if held.live(at)]
    claims: dict[str, Any] = {
        "iss": site.public_url,
        "aud": AUDIENCE,
        "sub": entitlements.reader_id,
        "iat": int(at.timestamp()),
        "exp": int((at + LIFE).timestamp()),
        "features": sorted({READ}.union(*(held.features for held in live))) if live else [],
        "paid_until": int(until.timestamp()) if until else None,
    }
    if session_id is not None:
        claims["sid"] = session_id
    key = _key(site.tokens.key("edge", str(_period(at))))
    header = {"kid": key.kid, "known_by": _known_by(site.tokens, entitlements.reader_id, session_id)}
    return jwt.encode(claims, key.private, ALGORITHM, header)


def paid_until(held: tuple[Entitlement, ...], at: datetime) -> datetime | None:
    """Until when an edge may let them read: a day longer than paid, if a charge renews it. None: not entitled."""
    ends = (
        max(entitlement.until or at, at) + SLACK if entitlement.renews else entitlement.until or at + SLACK
        for entitlement in held
        if entitlement.live(at)
    )
    return max(ends, default=None)


def read(site: Site, token: str, at: datetime) -> Bearer:
    """The reader that the token names. Raises TokenExpired, TokenInvalid."""
    if len(token) > MOST_LETTERS:
        raise TokenInvalid
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = next(key for key in _keys(site.tokens, at) if key.kid == kid)
        claims = jwt.decode(
            token,
            key.private.public_key(),
            [ALGORITHM],
            audience=AUDIENCE,
            issuer=site.public_url,
            options={
                "require": ["exp", "sub"],
                "verify_exp": False,  # checked below by our clock, which may be held
                "verify_iat": False,
            },
        )
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (jwt.InvalidTokenError, StopIteration, ValueError, OverflowError):
        raise TokenInvalid from None
    if expires_at <= at:
        raise TokenExpired
    return Bearer(str(claims["sub"]), claims.get("sid"), expires_at)


def looks_like_token(secret: str) -> bool:
    """Whether a Bearer credential has the shape of a token rather than of an API key."""
    return secret.count(".") == 2


def key_set(site: Site, at: datetime) -> dict[str, Any]:
    """The public keys by which tokens are checked, as a JWK set (RFC 7517)."""
    return {"keys": [key.public for key in _keys(site.tokens, at)]}


def _known_by(tokens: Tokens, reader_id: str | None, session_id: str | None) -> str:
    """128 unguessable bits of this session. They keep a token's header stable while its session and key last: an edge that checks
    no signature caches by the header."""
    return tokens.digest("token-name", session_id or reader_id or "")[:32]


def _period(at: datetime) -> int:
    return (at - EPOCH) // PERIOD


def _keys(tokens: Tokens, at: datetime) -> tuple[_Key, ...]:
    now = _period(at)
    periods = (str(period) for period in (now - 1, now, now + 1))
    return tuple(_key(seed) for period in periods for seed in tokens.keys_of("edge", period, at))


@lru_cache(maxsize=64)
def _key(seed: bytes) -> _Key:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    x = _letters(private.public_key().public_bytes_raw())
    public = {"crv": "Ed25519", "kty": "OKP", "x": x}
    kid = _letters(hashlib.sha256(json.dumps(public, separators=(",", ":")).encode()).digest())  # RFC 7638
    return _Key(kid, private, public | {"alg": ALGORITHM, "use": "sig", "kid": kid})


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
