"""Addresses to which nothing is sent, by scope: one newsletter, all newsletters, or everything (B6).

Bounces and complaints stop newsletters only, because receipts and notices are owed. Only staff can stop those too, by the scope
`all`: also where they record that a reader has died."""

import hashlib
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.mail.suppression_models import Suppression, SuppressionReason
from billing.platform import ids
from billing.platform.context import TransactionContext
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
    """The salt of the addresses' hashes. PostgreSQL gets it too, so that a claim checks addresses in its own statement."""
    return tokens.list_digest("suppression-salt", "")


def key_of(address: str) -> str:
    """The mailbox of an address: addresses with the same key reach the same one."""
    return address.strip().lower()


def digest(tokens: Tokens, address: str) -> str:
    """The hash that stands for an address in the list."""
    return hashlib.sha256(f"{salt(tokens)}{key_of(address)}".encode()).hexdigest()


def sql(address_key: str) -> str:
    """An SQL condition: `address_key` (an expression) is suppressed in one of `:scopes`. It needs `:salt` too."""
    return _SQL.replace("<key>", address_key)


def suppress(
    ctx: TransactionContext, address: str, *, scope: str, reason: SuppressionReason, source: str
) -> bool:
    """Stop mail of that scope to the address. Returns whether that is new. Raises UnknownSuppressionScope."""
    if scope not in (ALL, NEWSLETTERS) and not scope.startswith("newsletter:"):
        raise UnknownSuppressionScope
    row = insert(Suppression).values(
        id=ids.new("sup", ctx.at),
        address_digest=digest(ctx.site.tokens, address),
        scope=scope,
        reason=reason,
        source=source[:200],
        at=ctx.at,
    )
    written = ctx.session.execute(
        row.on_conflict_do_nothing(
            index_elements=["address_digest", "scope"], index_where=sa.text("lifted_at IS NULL")
        ).returning(col(Suppression.id))
    )
    return written.first() is not None


def standing(session: Session, tokens: Tokens, address: str) -> list[Suppression]:
    """The suppressions of an address that are in force."""
    of_address = Suppression.address_digest == digest(tokens, address)
    rows = select(Suppression).where(of_address, col(Suppression.lifted_at).is_(None))
    return list(session.exec(rows.order_by(col(Suppression.id))))


def is_suppressed(ctx: TransactionContext, address: str, scopes: Collection[str]) -> bool:
    """Whether the address is suppressed in one of the scopes."""
    return any(row.scope in scopes for row in standing(ctx.session, ctx.site.tokens, address))


def lift(ctx: TransactionContext, address: str, *, scopes: Collection[str], by: str) -> int:
    """End the suppressions of these scopes. Returns how many. The rows stay, with when and by whom."""
    ended = [row for row in standing(ctx.session, ctx.site.tokens, address) if row.scope in scopes]
    for row in ended:
        row.lifted_at, row.lifted_by = ctx.at, by[:200]
    return len(ended)


def lift_of(ctx: TransactionContext, address: str, reason: SuppressionReason, *, by: str) -> None:
    """End the suppressions of an address that stand for this reason. Those for others stay in force."""
    for row in standing(ctx.session, ctx.site.tokens, address):
        if row.reason is reason:
            row.lifted_at, row.lifted_by = ctx.at, by[:200]


def lifted(session: Session, reason: SuppressionReason) -> set[tuple[str, str]]:
    """The lifted suppressions of this reason, as digest and scope."""
    rows = session.exec(
        select(Suppression.address_digest, Suppression.scope).where(
            Suppression.reason == reason, col(Suppression.lifted_at).is_not(None)
        )
    )
    return set(rows)
