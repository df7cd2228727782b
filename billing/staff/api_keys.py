"""API keys: made once, shown once, kept as a hash, with scopes."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from billing import ids
from billing.errors import Invalid
from billing.rules.ceilings import Ceilings
from billing.rules.scopes import SCOPES
from billing.staff.key_models import DEFAULTS, ApiKey
from billing.tokens import Tokens

PREFIX = "mk_"


class UnknownScope(Invalid):
    """The scopes are access, articles, readers, money; parts of readers are readers:read, readers:start, readers:cancel, readers:support."""

    code = "unknown_scope"


def create(
    session: Session,
    tokens: Tokens,
    name: str,
    scopes: Iterable[str],
    at: datetime,
    ceilings: Ceilings = DEFAULTS,
) -> str:
    """A new key; the secret is returned here and nowhere else. Raises UnknownScope."""
    held = sorted(set(scopes))
    if not held or not set(held) <= SCOPES.keys():
        raise UnknownScope
    secret = PREFIX + secrets.token_urlsafe(32)
    key_hash = tokens.secret_hash(secret)
    session.add(
        ApiKey(
            id=ids.new("key", at),
            name=name,
            key_hash=key_hash,
            scopes=held,
            created_at=at,
            cents_a_day=ceilings.cents,
            days_a_day=ceilings.days,
            starts_a_day=ceilings.starts,
        )
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
