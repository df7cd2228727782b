"""Charges made in our name that nothing in this database explains: of a subscription begun after the backup that was restored.
They are refunded by themselves, and stay a broken promise until a person has explained them."""

import logging
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.acquirer import breaker
from billing.acquirer.answers import (
    ChargeClaim,
    Charged,
    InsufficientBalance,
    NeverArrived,
    RefundAnswer,
    RefundOutcome,
    RefundRefused,
    RefundRequest,
    Unknown,
)
from billing.acquirer.port import Gateway
from billing.acquirer.reason_words import refund_failure
from billing.acquirer.registry import Acquirers
from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments.models import PaymentMethod
from billing.payments.record_payment import payment_of
from billing.payments.refund_models import RefundState
from billing.payments.unexplained_models import UnexplainedCharge
from billing.platform.actors import WORKER
from billing.platform.claims import only_one
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.installation import ASKING, refuse_held
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.refunds import shortage
from billing.rules.backoff import again_at
from billing.rules.money import Money

AGAIN = timedelta(days=1)
"""How often a refused refund is tried again, and a pending one is looked up."""
MOST = 3
"""Refunds that may fail for passing reasons before a person carries on."""
TAKEN_IN = "The charge has been taken in since, so the money stays."
log = logging.getLogger(__name__)


def note(
    ctx: TransactionContext,
    acquirer: str,
    claim: ChargeClaim,
    charged: Charged,
    *,
    reason: str = "for a subscription or a period that isn't in this database",
) -> None:
    """Write down an unexplained charge, with a case that names the `reason`, unless all of it has gone back. Commit;
    `give_back_due` refunds it. Safe to repeat."""
    left = charged.amount - charged.returned
    if left <= 0:
        return
    _insert(ctx, acquirer, claim, charged, left)
    reader_id = payer(ctx.session, acquirer, charged.customer_ref)
    open_case(
        ctx,
        CaseKind.UNKNOWN_CHARGE,
        charged.charge_ref,
        f"{Money(left).with_vat_words()} was taken {reason}. The money goes back by itself;"
        " tell the person whose it is.",
        reader_id=reader_id,
        theirs=left,
        facts={
            "charge at the acquirer": charged.charge_ref,
            "customer at the acquirer": charged.customer_ref or "none",
            "subscription it names": claim.subscription_id,
            "taken": charged.at.isoformat(),
        },
        link=f"/staff/readers/{reader_id}" if reader_id else None,
    )


def _insert(ctx: TransactionContext, acquirer: str, claim: ChargeClaim, charged: Charged, left: int) -> None:
    row = insert(UnexplainedCharge).values(
        acquirer=acquirer,
        charge_ref=charged.charge_ref,
        intent_ref=charged.intent_ref,
        customer_ref=charged.customer_ref,
        subscription_ref=claim.subscription_id,
        period_number=claim.period_number,
        amount=left,
        taken_at=charged.at,
        found_at=ctx.at,
        next_poll_at=ctx.at,
        poll_count=0,
    )
    ctx.session.execute(row.on_conflict_do_nothing(index_elements=["acquirer", "charge_ref"]))


def payer(session: Session, acquirer: str, customer_ref: str | None) -> str | None:
    """The reader of an acquirer's customer, where we still have one."""
    return session.exec(
        select(PaymentMethod.reader_id)
        .where(PaymentMethod.customer_ref == customer_ref, PaymentMethod.acquirer == acquirer)
        .limit(1)
    ).first()


def give_back_due(database: Database, acquirers: Acquirers, site: Site, at: datetime) -> int:
    """Refund what is due; how many were looked at. One worker at a time. Raises NotAdopted, AsksAcquirer."""
    with only_one(database, "unexplained charges") as here:
        due = _due(database, at) if here else []
        for charge in due:
            stop_point("unexplained.noted")
            try:
                answer = _look_up_or_refund(database, acquirers.named(charge.acquirer), charge)
                stop_point("unexplained.answered")
                _settle(database, site, charge, answer, at)
            except Exception as problem:  # one that can't be settled holds up no other
                log.exception("the unexplained charge %s is stuck", charge.charge_ref)
                _settle(database, site, charge, Unknown(f"{type(problem).__name__}: {problem}"), at)
    return len(due)


def _due(database: Database, at: datetime) -> list[UnexplainedCharge]:
    with database.transaction() as session:
        refuse_held(session)
        return list(
            session.exec(
                select(UnexplainedCharge)
                .where(
                    col(UnexplainedCharge.returned_at).is_(None),
                    col(UnexplainedCharge.given_up_at).is_(None),
                    UnexplainedCharge.next_poll_at <= at,
                    breaker.goes_on(UnexplainedCharge.acquirer),
                )
                .order_by(col(UnexplainedCharge.next_poll_at))
            )
        )


def _look_up_or_refund(
    database: Database, gateway: Gateway, charge: UnexplainedCharge
) -> RefundOutcome | NeverArrived:
    """Look it up each time: a process that died, or a database that was lost, may have sent it. After a failed refund the next
    has another name. `NeverArrived` for a charge that has been taken in since, which isn't refunded."""
    found = gateway.find_refund(refund_id=charge.refund_id, intent_ref=charge.intent_ref)
    if not isinstance(found, NeverArrived) or _is_taken_in(database, charge):
        return found
    # Another key for each try, as an acquirer repeats a refusal under its key. It can't pay twice: it returns all
    # that is left of the charge.
    key = f"unexplained-{charge.charge_ref}-{charge.poll_count}"
    return gateway.refund(
        RefundRequest(charge.refund_id, "unexplained", charge.intent_ref, charge.amount, key)
    )


def _is_taken_in(database: Database, charge: UnexplainedCharge) -> bool:
    """Whether a webhook, or the same claim made again, has explained it since: there is a payment."""
    with database.transaction() as session:
        return payment_of(session, charge.acquirer, charge.charge_ref) is not None


def record_refund(ctx: TransactionContext, acquirer: str, refund_ref: str, answer: RefundAnswer) -> bool:
    """Write down what became of a refund of an unexplained charge; False where it is none. Safe to repeat."""
    row = ctx.session.exec(
        select(UnexplainedCharge)
        .where(UnexplainedCharge.refund_ref == refund_ref, UnexplainedCharge.acquirer == acquirer)
        .with_for_update()
    ).first()
    if row is None:
        return False
    if answer.state == RefundState.FAILED or row.returned_at is None:
        _write(ctx, row, answer)
    return True


def _settle(
    database: Database,
    site: Site,
    charge: UnexplainedCharge,
    answer: RefundOutcome | NeverArrived,
    at: datetime,
) -> None:
    with database.begin(site, at, WORKER) as ctx:
        row = ctx.session.get_one(
            UnexplainedCharge, (charge.charge_ref, charge.acquirer), with_for_update=True
        )
        if isinstance(answer, NeverArrived):
            _keep(ctx, row)
        elif row.returned_at is None and row.given_up_at is None:
            _write(ctx, row, answer)


def _keep(ctx: TransactionContext, row: UnexplainedCharge) -> None:
    """The charge is explained: keep the money."""
    ctx.session.delete(row)
    ctx.session.flush()
    close_about(ctx.acting_as(WORKER), CaseKind.UNKNOWN_CHARGE, row.charge_ref, reason=TAKEN_IN)
    if row.awaiting_balance_since is not None:
        shortage.close_when_over(ctx.acting_as(WORKER))


def _write(ctx: TransactionContext, row: UnexplainedCharge, answer: RefundOutcome) -> None:
    row.poll_count += 1
    before, waited, row.awaiting_balance_since = row.failure, row.awaiting_balance_since, None
    row.failure, row.next_poll_at = None, ctx.at + AGAIN
    match answer:
        case RefundAnswer():
            _answered(ctx, row, answer, waited)
        case InsufficientBalance(reason):
            _wait_for_balance(ctx, row, reason, waited)
        case RefundRefused(reason, not_owed, disputed):
            row.failure = reason
            # the first time, the acquirer's list may lag behind a refund of ours
            if not not_owed or before == reason:
                _give_up(ctx, row, not_owed=not_owed or disputed)
        case Unknown(reason):
            row.failure, row.awaiting_balance_since = reason, waited
            row.next_poll_at = again_at(row.poll_count, ctx.at)
    if waited and row.awaiting_balance_since is None:
        shortage.close_when_over(ctx.acting_as(WORKER))
    log.warning("the unexplained charge %s: %s", row.charge_ref, row.failure or "given back")


def _answered(
    ctx: TransactionContext, row: UnexplainedCharge, answer: RefundAnswer, waited: datetime | None
) -> None:
    row.failure = answer.failure
    match RefundState(answer.state):
        case RefundState.SUCCEEDED:
            row.refund_ref, row.returned_at = answer.refund_ref, ctx.at
        case RefundState.FAILED:
            row.refund_ref, row.returned_at = None, None
            row.failed_refs = [*row.failed_refs, answer.refund_ref]
            if answer.insufficient_balance:
                _wait_for_balance(ctx, row, answer.failure or "our balance was too low", waited)
            elif answer.disputed or not answer.may_succeed_again or len(row.failed_refs) >= MOST:
                _give_up(ctx, row, not_owed=answer.disputed)
        case _:
            row.refund_ref = answer.refund_ref
            if answer.insufficient_balance:
                _wait_for_balance(ctx, row, answer.failure or "our balance is too low", waited)


def _wait_for_balance(
    ctx: TransactionContext, row: UnexplainedCharge, reason: str, waited: datetime | None
) -> None:
    """It isn't given up: tomorrow our balance may be enough."""
    row.failure, row.awaiting_balance_since = reason, waited or ctx.at
    shortage.open_case_about(ctx, row.charge_ref, row.amount, since=row.awaiting_balance_since, reason=reason)


def _give_up(ctx: TransactionContext, row: UnexplainedCharge, *, not_owed: bool) -> None:
    """A person pays what no refund can return, or explains it."""
    row.given_up_at, row.not_owed = ctx.at, not_owed
    reason = refund_failure(row.failure) or "no reason given"
    to_do = (
        "Look at the charge in the acquirer's dashboard, and close this case with what you found."
        if not_owed
        else "Ask the person whose card it is for a bank account, pay by transfer, and write that down with the books. Or close"
        " this case with what explains the charge, if the money is rightly ours."
    )
    open_case(
        ctx,
        CaseKind.REFUND_FAILED,
        row.charge_ref,
        f"{Money(row.amount).with_vat_words()}, taken for a subscription that isn't in this database, did not go back: {reason}. {to_do}",
        reader_id=payer(ctx.session, row.acquirer, row.customer_ref),
        ours=row.amount,
        facts={
            "charge at the acquirer": row.charge_ref,
            "customer at the acquirer": row.customer_ref or "none",
            "refunds that failed": ", ".join(row.failed_refs),
        },
        link=None if not_owed else "/staff/owed",
    )


NEXT_DUE = f"""SELECT min(next_poll_at) FROM unexplained_charge
               WHERE returned_at IS NULL AND given_up_at IS NULL AND acquirer NOT IN ({breaker.PAUSED}) AND NOT EXISTS ({ASKING})"""  # noqa: S608
"""When one is due next (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """What is due next, for people."""
    return "a charge that nothing explains is given back"
