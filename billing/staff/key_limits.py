"""What a program may give with its key, by whatever call. Each act is checked in its own transaction."""

from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, func, select

from billing.platform.context import TransactionContext
from billing.platform.errors import Forbidden
from billing.rules import ceilings, scopes
from billing.rules.ceilings import Spent
from billing.rules.money import Money
from billing.staff.key_models import ApiKey, KeyReader, KeySpending


class KeyForbids(Forbidden):
    """This key may not do that."""


class ScopeMissing(KeyForbids):
    """This key may not do that."""

    code = "scope_missing"


class KeyOverLimit(KeyForbids):
    """This key has given as much as it may in a day."""

    code = "over_limit"


def may_return(session: Session, key_id: str) -> bool:
    """Whether this key may give money back."""
    return scopes.grants(session.get_one(ApiKey, key_id).scopes, scopes.MONEY)


def spend(ctx: TransactionContext, key_id: str | None, spent: Spent) -> None:
    """Count what a program's act gives. A refusal rolls the act back. Raises ScopeMissing, KeyOverLimit.

    Lock the reader first, always in this order: acts with one key wait for each other here."""
    if key_id is None or spent == Spent():
        return
    key = lock_key(ctx.session, key_id)
    if spent.cents and not scopes.grants(key.scopes, scopes.MONEY):
        raise ScopeMissing(
            f"This would give back {Money(spent.cents).with_vat_words()}, which needs a key with the scope `{scopes.MONEY}`. Nothing"
            " was done. To cancel without a refund, send `refund: none` and no `requested_at`.",
            needs=scopes.MONEY,
        )
    refuse_beyond(key, spent, within_a_day(ctx, key_id))
    given = {"cents": spent.cents, "days": spent.days, "starts": spent.starts}
    row = insert(KeySpending).values(key_id=key_id, hour=ceilings.hour_of(ctx.at), **given)
    ctx.session.execute(
        row.on_conflict_do_update(
            index_elements=["key_id", "hour"],
            set_={name: getattr(KeySpending, name) + row.excluded[name] for name in given},
        )
    )


def refuse_more(ctx: TransactionContext, key_id: str, spent: Spent) -> None:
    """Refuse early what would exceed the key's ceilings; without a lock, so `spend` decides. Raises KeyOverLimit."""
    refuse_beyond(ctx.session.get_one(ApiKey, key_id), spent, within_a_day(ctx, key_id))


def within_a_day(ctx: TransactionContext, key_id: str) -> Spent:
    """What the key gave in this hour and the 23 before, and about how many readers it read."""
    sums = (
        func.coalesce(func.sum(part), 0) for part in (KeySpending.cents, KeySpending.days, KeySpending.starts)
    )
    since = ceilings.since(ctx.at)
    spent = select(*sums).where(KeySpending.key_id == key_id, KeySpending.hour >= since)
    cents, days, starts = ctx.session.execute(spent).one()
    readers = select(func.count()).where(
        KeyReader.key_id == key_id, KeyReader.read_at > ctx.at - timedelta(hours=ceilings.HOURS)
    )
    return Spent(int(cents), int(days), int(starts), ctx.session.exec(readers).one())


def refuse_beyond(key: ApiKey, spent: Spent, before: Spent) -> None:
    """Refuse what would exceed a ceiling together with what was spent before. Raises KeyOverLimit."""
    for name, most, used in ceilings.over(key.ceilings, spent + before):
        if getattr(spent, name):
            raise KeyOverLimit(
                f"This key may {ceilings.in_words(name, most)} in a day, and with this it would"
                f" {ceilings.in_words(name, used)}. Nothing was done. An admin can raise the ceiling `{name}_a_day`.",
                ceiling=f"{name}_a_day",
                limit=most,
            )


def lock_key(session: Session, key_id: str) -> ApiKey:
    """Let other acts with the same key wait until the transaction ends."""
    return session.exec(
        select(ApiKey)
        .where(ApiKey.id == key_id)
        .with_for_update(key_share=True)  # NO KEY UPDATE: rows that name the key can still be inserted
        .execution_options(populate_existing=True)
    ).one()
