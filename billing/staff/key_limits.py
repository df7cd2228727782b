"""What a program may give away with its key, whatever it calls. It is held against each act, in the act's own transaction."""

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
    """Whether an act with this key may give money back."""
    return scopes.grants(session.get_one(ApiKey, key_id).scopes, scopes.MONEY)


def spend(ctx: TransactionContext, key_id: str | None, spent: Spent) -> None:
    """Count what an act of a program gives, in its transaction, which is rolled back where its key may not give as much. Acts with
    one key wait for each other here, with their readers' affairs held: always in this order. Raises ScopeMissing, KeyOverLimit."""
    if key_id is None or spent == Spent():
        return
    key = hold(ctx.session, key_id)
    if spent.cents and not scopes.grants(key.scopes, scopes.MONEY):
        raise ScopeMissing(
            f"This would give back {Money(spent.cents).with_vat_words()}, which needs a key with the scope `{scopes.MONEY}`. Nothing"
            " was done. To cancel without a refund, send `refund: none` and no `requested_at`.",
            needs=scopes.MONEY,
        )
    refuse_beyond(key, spent, within_a_day(ctx, key_id))
    row = {"cents": spent.cents, "days": spent.days, "starts": spent.starts}
    adding = insert(KeySpending).values(key_id=key_id, hour=ceilings.hour_of(ctx.at), **row)
    ctx.session.execute(
        adding.on_conflict_do_update(
            index_elements=["key_id", "hour"],
            set_={name: getattr(KeySpending, name) + adding.excluded[name] for name in row},
        )
    )


def refuse_more(ctx: TransactionContext, key_id: str, spent: Spent) -> None:
    """Refuse what would be beyond the key's ceilings, before anything is done for it; `spend` decides. Raises KeyOverLimit."""
    refuse_beyond(ctx.session.get_one(ApiKey, key_id), spent, within_a_day(ctx, key_id))


def within_a_day(ctx: TransactionContext, key_id: str) -> Spent:
    """What was given with the key in this hour and the 23 before, and of how many readers was read."""
    of_a_day = select(
        func.coalesce(func.sum(KeySpending.cents), 0),
        func.coalesce(func.sum(KeySpending.days), 0),
        func.coalesce(func.sum(KeySpending.starts), 0),
    ).where(KeySpending.key_id == key_id, KeySpending.hour >= ceilings.since(ctx.at))
    cents, days, starts = ctx.session.exec(of_a_day).one()
    of_readers = select(func.count()).where(
        KeyReader.key_id == key_id, KeyReader.read_at > ctx.at - timedelta(hours=ceilings.HOURS)
    )
    return Spent(int(cents), int(days), int(starts), ctx.session.exec(of_readers).one())


def refuse_beyond(key: ApiKey, spent: Spent, before: Spent) -> None:
    """Refuse what would exceed a ceiling with what was spent before. Raises KeyOverLimit."""
    for name, most, used in ceilings.over(key.ceilings, spent + before):
        if getattr(spent, name):
            raise KeyOverLimit(
                f"This key may {ceilings.in_words(name, most)} in a day, and with this it would"
                f" {ceilings.in_words(name, used)}. Nothing was done. An admin can raise the ceiling `{name}_a_day`.",
                ceiling=f"{name}_a_day",
                limit=most,
            )


def hold(session: Session, key_id: str) -> ApiKey:
    """Let others with the same key wait until the transaction ends. Its row is locked without its key, so that whoever inserts a row that names it doesn't wait for us."""
    return session.exec(
        select(ApiKey)
        .where(ApiKey.id == key_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
