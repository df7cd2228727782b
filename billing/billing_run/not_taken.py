"""A charge that the acquirer won't make, for a reason other than the card: a few tries, then a case. The reader reads on and
gets no mail, as the fault isn't theirs."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from billing.acquirer.answers import NotTaken
from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments.models import Attempt, AttemptState, Invoice
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.platform.site import Site
from billing.platform.stop_points import reached
from billing.rules import trial
from billing.rules.money import Money
from billing.subscriptions.change import mark, move_charge, postpone_action
from billing.subscriptions.models import Subscription

TRIES = 3
"""How many attempts at one invoice the acquirer refuses before it waits for staff."""
NEXT_TRY = timedelta(hours=4)
NEXT_CHECK = timedelta(days=1)
"""How often a waiting attempt is checked: its case may be closed by then."""


def not_taken(
    ctx: TransactionContext, subscription: Subscription, invoice: Invoice, attempt: Attempt, outcome: NotTaken
) -> None:
    """End the attempt; another follows in a few hours, under a key of its own. The last one stays open until staff close its
    case. An attempt of the reader opens none: they can pay in another way."""
    attempt.not_taken_reason = outcome.reason
    if outcome.again:
        attempt.next_poll_at = ctx.at + NEXT_CHECK
    elif not attempt.by_reader and _refused_before(ctx.session, attempt) + 1 >= TRIES:
        reached("charge: refused for the last time, so it waits for staff")
        attempt.next_poll_at, attempt.had_case = ctx.at + NEXT_CHECK, True
        _open_case(ctx, invoice, attempt, outcome.reason)
        # `charging_since` stays, as the attempt stays open: nothing else is due until it ends
        move_charge(ctx, subscription, "the acquirer refuses the charge itself; it waits for staff")
    else:
        reached("charge: the acquirer won't make it, so it is tried again")
        attempt.state, attempt.settled_at = AttemptState.NOT_SENT, ctx.at
        again_at = _next_try(ctx.site, ctx.at)
        reason = f"the acquirer refuses the charge itself; made again on {ctx.site.moment(again_at)}"
        move_charge(ctx, subscription, reason, charging_since=None)
        postpone_action(subscription, again_at)  # after `move_charge`, which schedules the next action


def close_case(ctx: TransactionContext, attempt: Attempt) -> None:
    """Close the case of an attempt that has ended."""
    if attempt.not_taken_reason is not None:
        close_about(
            ctx.acting_as(WORKER),
            CaseKind.CHARGE_REFUSED,
            attempt.id,
            reason="The charge isn't wanted any more, or another card is charged.",
        )


def waiting(session: Session, invoice_id: str) -> Attempt | None:
    """The invoice's attempt that waits for staff."""
    return session.exec(
        select(Attempt).where(
            Attempt.invoice_id == invoice_id,
            Attempt.state == AttemptState.OPEN,
            col(Attempt.had_case),
        )
    ).first()


def pays_until(ctx: TransactionContext, invoice_id: str) -> datetime | None:
    """Until when the reader may pay in another way, even after the grace: one day after an attempt stopped waiting for staff.
    None where none has waited."""
    waited = ctx.session.exec(
        select(Attempt)
        .where(Attempt.invoice_id == invoice_id, col(Attempt.had_case))
        .order_by(col(Attempt.ordinal).desc())
    ).first()
    return None if waited is None else (waited.settled_at or ctx.at) + NEXT_CHECK


def is_first_refusal_since(session: Session, attempt: Attempt) -> bool:
    """Whether this is the first attempt that a bank declined since an earlier one waited for staff. The days between were our
    fault, and the reader got no mail."""
    earlier = (Attempt.invoice_id == attempt.invoice_id, col(Attempt.ordinal) < attempt.ordinal)
    waited = session.exec(select(func.max(Attempt.ordinal)).where(*earlier, col(Attempt.had_case))).one()
    if waited is None:
        return False
    refused = select(Attempt.id).where(
        *earlier, Attempt.state == AttemptState.DECLINED, col(Attempt.ordinal) > waited
    )
    return session.exec(refused.limit(1)).first() is None


def stop_waiting(ctx: TransactionContext, subscription: Subscription, invoice_id: str) -> None:
    """End the attempt that waits for staff, as its reader pays in another way. The caller holds the subscription's lock."""
    attempt = waiting(ctx.session, invoice_id)
    if attempt is not None:
        attempt = lock_one(ctx.session, Attempt, attempt.id)
        attempt.state, attempt.settled_at, attempt.claimed_by = AttemptState.NOT_SENT, ctx.at, None
        close_case(ctx, attempt)
        mark(subscription, ctx.zone, charging_since=None)
        ctx.session.flush()


def _refused_before(session: Session, attempt: Attempt) -> int:
    """How many attempts at the invoice the acquirer refused since staff last closed a case about one."""
    last_case = (
        select(func.coalesce(func.max(Attempt.ordinal), 0))
        .where(Attempt.invoice_id == attempt.invoice_id, Attempt.state == AttemptState.NOT_SENT)
        .where(col(Attempt.had_case))
        .scalar_subquery()
    )
    return session.exec(
        select(func.count()).where(
            Attempt.invoice_id == attempt.invoice_id,
            Attempt.state == AttemptState.NOT_SENT,
            col(Attempt.not_taken_reason).is_not(None),
            col(Attempt.ordinal) > last_case,
        )
    ).one()


def _next_try(site: Site, at: datetime) -> datetime:
    """In some hours, never at night."""
    later = at + NEXT_TRY
    return later if site.today(later) == site.today(at) else trial.charge_at(site.today(later), site.zone)


def _open_case(ctx: TransactionContext, invoice: Invoice, attempt: Attempt, reason: str) -> None:
    open_case(
        ctx,
        CaseKind.CHARGE_REFUSED,
        attempt.id,
        f"{Money(attempt.amount).with_vat_words()} can't be charged. The acquirer says: {reason}. The reader reads on.",
        reader_id=invoice.reader_id,
        ours=attempt.amount,
        facts={"invoice": invoice.id, "attempt": attempt.id, "card": attempt.payment_method_id},
        link=f"/staff/readers/{invoice.reader_id}",
    )
