"""What an acquirer changes into the currency it settles in, in the ledger (STR-2).

What readers pay is booked in their currency. When its movement is seen, it leaves the gateway's account in that currency and
comes into the one in the other, both against `conversion`: two postings, each of which sums to zero."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from billing import many
from billing.office import Office
from billing.payments import ledger
from billing.payments.balance_models import BalanceMovement
from billing.payments.books import Movement
from billing.payments.ledger_models import Account
from billing.rules.reckoning import at_the_rate_of

CONVERTED, SETTLED = "converted", "settled"


def book(session: Session, office: Office, movements: Sequence[Movement], at: datetime) -> None:
    """Book those that were converted, once. The charges they belong to are kept already, or among them. Safe to repeat."""
    wanted = [one for one in movements if one.presented_amount and one.presented_currency]
    known = ledger.posted(session, CONVERTED, (one.ref for one in wanted)) if wanted else set()
    new = [one for one in wanted if one.ref not in known]
    if not new:
        return
    charges = _charges(session, new)
    postings: list[ledger.Posting] = []
    for one in new:
        postings += _postings(office, one, charges.get(one.charge_ref or ""), at)
    ledger.post_many(session, postings)


def _charges(session: Session, movements: Iterable[Movement]) -> dict[str, BalanceMovement]:
    """The movements of their charges, by the charge."""
    refs = {one.charge_ref for one in movements if one.charge_ref}
    rows = session.exec(
        select(BalanceMovement).where(
            many.one_of(BalanceMovement.source_ref, refs),
            BalanceMovement.category == "charge",
            col(BalanceMovement.presented_amount).is_not(None),
        )
    )
    return {str(row.source_ref): row for row in rows}


def _postings(
    office: Office, one: Movement, charge: BalanceMovement | None, at: datetime
) -> Iterable[ledger.Posting]:
    """What a refund or a dispute takes is set beside what the same part of its charge had brought in; the rest is the rate's."""
    presented, on = one.presented_amount or 0, office.today(one.at)
    given = {Account.CONVERSION: presented, Account.GATEWAY: -presented}
    currency = one.presented_currency or one.currency
    yield ledger.Posting(CONVERTED, one.ref, at, on, given, currency=currency)
    alike = charge is not None and charge.currency == one.currency and charge.presented_amount
    worth = (
        at_the_rate_of(charge.amount, charge.presented_amount or 0, presented)
        if charge and alike
        else one.amount
    )
    got = {
        Account.GATEWAY: one.amount,
        Account.CONVERSION: -worth,
        Account.EXCHANGE_DIFFERENCES: worth - one.amount,
    }
    if any(got.values()):
        yield ledger.Posting(SETTLED, one.ref, at, on, got, currency=one.currency)
