"""Refunds that wait because our balance at the acquirer is too low, and the case that asks for a top-up."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from billing.cases.close import close_about
from billing.cases.models import Case, CaseKind
from billing.cases.open import open_case
from billing.payments.refund_models import Refund
from billing.payments.unexplained_models import UnexplainedCharge
from billing.platform.context import TransactionContext
from billing.rules.money import Money


@dataclass(frozen=True, slots=True)
class Shortage:
    """How many refunds wait for balance, their cents together, and since when the first waits."""

    count: int
    cents: int
    since: datetime


def now(session: Session) -> Shortage | None:
    """The shortage; None where nothing waits."""
    counted = [
        session.exec(
            select(func.count(), func.sum(table.amount), func.min(table.awaiting_balance_since)).where(
                col(table.awaiting_balance_since).is_not(None)
            )
        ).one()
        for table in (Refund, UnexplainedCharge)
    ]
    waiting = [Shortage(count, int(cents), since) for count, cents, since in counted if since is not None]
    if not waiting:
        return None
    return Shortage(
        sum(one.count for one in waiting),
        sum(one.cents for one in waiting),
        min(one.since for one in waiting),
    )


def open_case_about(
    ctx: TransactionContext, subject: str, cents: int, *, since: datetime, reason: str
) -> None:
    """Open one case for as long as anything waits, not one a refund: one top-up ends it. `subject` is the refund, or the charge
    that goes back; `reason` is the acquirer's."""
    about = select(Case.id).where(Case.kind == CaseKind.REFUNDS_WAIT.value, col(Case.closed_at).is_(None))
    if ctx.session.exec(about).first() is not None:
        return
    open_case(
        ctx,
        CaseKind.REFUNDS_WAIT,
        # a case is unique by its subject for ever, and this refund may meet another shortage
        f"{subject}:{since.isoformat()}",
        f"Our balance at the acquirer is too low to return {Money(cents).with_vat_words()}, and perhaps more by now. Top it"
        " up: refunds that wait are tried each day, and readers are owed them within 30 days.",
        ours=cents,
        facts={"the acquirer said": reason},
        link="/staff/books",
    )


def close_when_over(ctx: TransactionContext) -> None:
    """Close the case once nothing waits any more."""
    ctx.session.flush()
    subjects = ctx.session.exec(
        select(Case.subject)
        .where(Case.kind == CaseKind.REFUNDS_WAIT.value, col(Case.closed_at).is_(None))
        .with_for_update()  # before the count: of two refunds that end at once, the later one sees that both have
    ).all()
    if not subjects or now(ctx.session) is not None:
        return
    for subject in subjects:
        close_about(ctx, CaseKind.REFUNDS_WAIT, subject, reason="No refund waits for balance any more.")
