"""API keys: made once, shown once, kept as a hash, with scopes."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from billing import ids
from billing.errors import Forbidden, Invalid, Unauthenticated
from billing.tokens import Tokens
from billing.web.models import ApiKey

SCOPES = ("access", "articles", "readers", "money")
PREFIX = "mk_"


class UnknownScope(Invalid):
    """The scopes are access, articles, readers, money."""

    code = "unknown_scope"


class ScopeMissing(Forbidden):
    """This key may not do that."""

    code = "scope_missing"


def create(session: Session, tokens: Tokens, name: str, scopes: Sequence[str], at: datetime) -> str:
    """A new key; the secret is returned here and nowhere else. Raises UnknownScope."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise UnknownScope
    secret = PREFIX + secrets.token_urlsafe(32)
    key_hash = tokens.digest("api-key", secret)
    session.add(
        ApiKey(id=ids.new("key", at), name=name, key_hash=key_hash, scopes=sorted(set(scopes)), created_at=at)
    )
    session.flush()
    return secret


def revoke(session: Session, name: str, at: datetime) -> int:
    """Keys of this name stop working; how many did."""
    rows = session.exec(select(ApiKey).where(ApiKey.name == name, col(ApiKey.revoked_at).is_(None))).all()
    for row in rows:
        row.revoked_at = at
        session.add(row)
    return len(rows)


def find(session: Session, tokens: Tokens, secret: str) -> ApiKey:
    """The key with this secret, not revoked. Raises Unauthenticated."""
    found = session.exec(
        select(ApiKey).where(
            ApiKey.key_hash == tokens.digest("api-key", secret), col(ApiKey.revoked_at).is_(None)
        )
    ).first()
    if found is None:
        raise Unauthenticated
    return found
