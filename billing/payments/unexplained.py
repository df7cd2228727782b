"""Charges made in our name that nothing here explains: for a subscription begun after the backup from which this database was
restored. They give themselves back, and stay a broken promise until a person has said why."""

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.crew import only_one
from billing.db import Database
from billing.installation import ASKING, refuse_held
from billing.payments import breaker
from billing.payments.gateway import (
    ChargeClaim,
    Charged,
    Gateway,
    InsufficientBalance,
    NeverArrived,
    RefundAnswer,
    RefundRefused,
    Unknown,
)
from billing.payments.models import PaymentMethod, RefundState
from billing.rules.backoff import again_at
from billing.rules.money import Money
from billing.stop_points import stop_point

AGAIN = timedelta(days=1)
"""How often a refund that was refused is tried again, and one that waits is asked for."""
log = logging.getLogger(__name__)


class UnexplainedCharge(SQLModel, table=True):
    """Money taken in our name for which there is no subscription here. Cents."""

    __tablename__ = "unexplained_charge"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.Index("unexplained_charge_kept", "ask_at", postgresql_where=sa.text("returned_at IS NULL")),
    )

    charge_ref: str = Field(primary_key=True)
    intent_ref: str
    customer_ref: str | None = None
    subscription_ref: str
    """The subscription and the period that the charge names; there is no such row."""
    period_number: int
    amount: int
    """What of it had not gone back when it was found."""
    taken_at: datetime
    found_at: datetime
    ask_at: datetime
    """When to give it back, or to ask what became of that."""
    asked: int = 0
    refund_ref: str | None = None
    failure: str | None = None
    returned_at: datetime | None = None


def note(session: Session, claim: ChargeClaim, charged: Charged, at: datetime) -> None:
    """Write down a charge that nothing explains, with a case, unless all of it has gone back. Commit it; it is given back
    apart. Safe to repeat."""
    left = charged.amount - charged.returned
    if left <= 0:
        return
    row = insert(UnexplainedCharge).values(
        charge_ref=charged.charge_ref,
        intent_ref=charged.intent_ref,
        customer_ref=charged.customer_ref,
        subscription_ref=claim.subscription_id,
        period_number=claim.period_number,
        amount=left,
        taken_at=charged.at,
        found_at=at,
        ask_at=at,
        asked=0,
    )
    session.execute(row.on_conflict_do_nothing(index_elements=["charge_ref"]))
    reader_id = session.exec(
        select(PaymentMethod.reader_id).where(PaymentMethod.customer_ref == charged.customer_ref).limit(1)
    ).first()
    open_case(
        session,
        CaseKind.UNKNOWN_CHARGE,
        charged.charge_ref,
        f"{Money(left).with_vat_words()} was taken for a subscription that isn't in this database. The money goes back by itself;"
        " tell the person whose it is.",
        at=at,
        reader_id=reader_id,
        theirs=left,
        facts={
            "charge at Stripe": charged.charge_ref,
            "customer at Stripe": charged.customer_ref or "none",
            "subscription it names": claim.subscription_id,
            "taken": charged.at.isoformat(),
        },
        link=f"/staff/readers/{reader_id}" if reader_id else None,
    )


def give_back_due(database: Database, gateway: Gateway, at: datetime) -> int:
    """Give back what is due; how many were looked at. One worker at a time. Raises NotAdopted, AsksStripe."""
    with only_one(database, "unexplained charges") as here:
        due = _due(database, at) if here else []
        for one in due:
            stop_point("unexplained.noted")
            answer = _bring_to_an_end(gateway, one)
            stop_point("unexplained.answered")
            _settle(database, one.charge_ref, answer, at)
    return len(due)


def _due(database: Database, at: datetime) -> list[UnexplainedCharge]:
    with database.transaction() as session:
        refuse_held(session)
        if breaker.paused(session):
            return []
        return list(
            session.exec(
                select(UnexplainedCharge)
                .where(col(UnexplainedCharge.returned_at).is_(None), UnexplainedCharge.ask_at <= at)
                .order_by(col(UnexplainedCharge.ask_at))
            )
        )


def _bring_to_an_end(
    gateway: Gateway, one: UnexplainedCharge
) -> RefundAnswer | RefundRefused | InsufficientBalance | Unknown:
    """Ask first, each time: it may have been sent by a process that died, or by a database that was lost."""
    found = gateway.find_refund(refund_id=one.charge_ref, intent_ref=one.intent_ref)
    if not isinstance(found, NeverArrived):
        return found
    key = f"unexplained-{one.charge_ref}-{one.asked}"
    return gateway.refund(
        refund_id=one.charge_ref,
        cause="unexplained",
        intent_ref=one.intent_ref,
        amount=one.amount,
        key=key,
    )


def _settle(
    database: Database,
    charge_ref: str,
    answer: RefundAnswer | RefundRefused | InsufficientBalance | Unknown,
    at: datetime,
) -> None:
    with database.transaction() as session:
        row = session.get_one(UnexplainedCharge, charge_ref, with_for_update=True)
        row.asked += 1
        match answer:
            case RefundAnswer(ref, RefundState.SUCCEEDED, _):
                row.refund_ref, row.failure, row.returned_at = ref, None, at
            case RefundAnswer(ref, _, failure):
                row.refund_ref, row.failure, row.ask_at = ref, failure, at + AGAIN
            case RefundRefused(why) | InsufficientBalance(why):
                row.failure, row.ask_at = why, at + AGAIN
            case Unknown(why):
                row.failure, row.ask_at = why, again_at(row.asked, at)
        session.add(row)
    log.warning("the unexplained charge %s: %s", charge_ref, row.failure or "given back")


NEXT_DUE = f"""SELECT min(ask_at) FROM unexplained_charge
               WHERE returned_at IS NULL AND NOT EXISTS ({breaker.NEXT_DUE}) AND NOT EXISTS ({ASKING})"""  # noqa: S608
"""When one wants giving back, or asking for (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """What that is, for people."""
    return "a charge that nothing explains is given back"
