"""Addresses to which nothing is sent, by scope: one newsletter, all of them, or everything (B6).

Bounces and complaints stop newsletters only. Receipts and notices are owed, so they are sent all the same; only staff can stop
those too, by the scope `all`."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.mail.models import Suppression, SuppressionReason
from billing.platform import ids
from billing.platform.errors import Invalid
from billing.platform.tokens import Tokens

ALL = "all"
NEWSLETTERS = "newsletters"
_SQL = (
    "EXISTS (SELECT 1 FROM suppression WHERE lifted_at IS NULL AND scope = ANY(:scopes)"
    " AND address_digest = encode(sha256(convert_to(:salt || <key>, 'UTF8')), 'hex'))"
)


class UnknownSuppressionScope(Invalid):
    """A suppression's scope is `all`, `newsletters`, or one list such as `newsletter:morning`."""

    code = "unknown_scope"


def one_list(newsletter_id: str) -> str:
    """The scope of one newsletter."""
    return f"newsletter:{newsletter_id}"


def salt(tokens: Tokens) -> str:
    """The salt of the addresses' hashes. PostgreSQL gets it, so that claims look up in one statement."""
    return tokens.list_digest("suppression-salt", "")


def key_of(address: str) -> str:
    """Addresses with the same key reach the same mailbox."""
    return address.strip().lower()


def digest(tokens: Tokens, address: str) -> str:
    """The hash that stands for an address in the list."""
    return hashlib.sha256(f"{salt(tokens)}{key_of(address)}".encode()).hexdigest()


def sql(address_key: str) -> str:
    """A condition in SQL, that `address_key` (an expression) is suppressed in one of `:scopes`; it needs `:salt` too."""
    return _SQL.replace("<key>", address_key)


def suppress(
    session: Session,
    tokens: Tokens,
    address: str,
    *,
    scope: str,
    reason: SuppressionReason,
    source: str,
    at: datetime,
) -> bool:
    """Stop mail of that scope to the address; whether that is new. Raises UnknownScope."""
    if scope not in (ALL, NEWSLETTERS) and not scope.startswith("newsletter:"):
        raise UnknownSuppressionScope
    row = insert(Suppression).values(
        id=ids.new("sup", at),
        address_digest=digest(tokens, address),
        scope=scope,
        reason=reason,
        source=source[:200],
        at=at,
    )
    written = session.execute(
        row.on_conflict_do_nothing(
            index_elements=["address_digest", "scope"], index_where=sa.text("lifted_at IS NULL")
        ).returning(col(Suppression.id))
    )
    return written.first() is not None


def standing(session: Session, tokens: Tokens, address: str) -> list[Suppression]:
    """The suppressions of an address that are in force."""
    return list(
        session.exec(
            select(Suppression)
            .where(
                Suppression.address_digest == digest(tokens, address), col(Suppression.lifted_at).is_(None)
            )
            .order_by(col(Suppression.id))
        )
    )


def is_suppressed(session: Session, tokens: Tokens, address: str, scopes: Sequence[str]) -> bool:
    """Whether the address is suppressed in one of the scopes."""
    return any(row.scope in scopes for row in standing(session, tokens, address))


def stopped(session: Session, tokens: Tokens, addresses: Sequence[str]) -> frozenset[str]:
    """The addresses to which nothing at all may be sent, because staff chose the scope `all`."""
    digests = {digest(tokens, address): address for address in addresses}
    rows = session.exec(
        select(Suppression.address_digest).where(
            col(Suppression.address_digest).in_(digests),
            Suppression.scope == ALL,
            col(Suppression.lifted_at).is_(None),
        )
    )
    return frozenset(key_of(digests[found]) for found in rows)


def lift(
    session: Session, tokens: Tokens, address: str, *, scopes: Sequence[str], at: datetime, by: str
) -> int:
    """End the suppressions of these scopes; how many. The rows stay, with when and by whom."""
    ended = [row for row in standing(session, tokens, address) if row.scope in scopes]
    for row in ended:
        row.lifted_at, row.lifted_by = at, by[:200]
        session.add(row)
    return len(ended)


def lifted(session: Session, reason: SuppressionReason) -> set[tuple[str, str]]:
    """The lifted suppressions of this reason, as digest and scope."""
    rows = session.exec(
        select(Suppression.address_digest, Suppression.scope).where(
            Suppression.reason == reason, col(Suppression.lifted_at).is_not(None)
        )
    )
    return set(rows)
