"""Settle a dispute from its state at the acquirer now. Webhooks about it may come late, twice and in any order."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, select

from billing.access import gifts
from billing.acquirer.answers import Charged, NoSuchObject, Unknown
from billing.acquirer.balance_port import DisputeAnswer, DisputeState, Movement
from billing.acquirer.port import Gateway
from billing.billing_run.outcome import took_money
from billing.billing_run.take_in import take_in
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.disputes import dispute_cases, evidence, stop
from billing.disputes.book import post_movements
from billing.payments import balance_mirror, currency_conversion
from billing.payments.dispute_models import Dispute
from billing.payments.models import Invoice, Payment
from billing.payments.record_payment import payment_of
from billing.platform import ids
from billing.platform.actors import WORKER, Acquirer
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.refunds import failed
from billing.rules.money import spelled
from billing.rules.reconciliation import disputed_part
from billing.subscriptions.change import lock

FRAUD = "fraudulent"
"""The acquirer's word: the card's owner says that they didn't pay."""
_PROGRESS = {
    DisputeState.NEEDS_ANSWER: 0,
    DisputeState.ANSWERED: 1,
    DisputeState.CLOSED: 2,
    DisputeState.WON: 2,
    DisputeState.LOST: 2,
}


class Unresolved(StrEnum):
    """Why a dispute can't be recorded."""

    ABSENT = "no such dispute"
    NOT_OURS = "not our charge"


def settle_dispute(
    database: Database, gateway: Gateway, site: Site, dispute_ref: str, at: datetime
) -> DisputeState | Unresolved:
    """Record the state of a dispute and its consequences. Safe to repeat. Raises Unavailable."""
    answer = gateway.books.dispute(dispute_ref)
    if isinstance(answer, NoSuchObject):
        return Unresolved.ABSENT
    if isinstance(answer, Unknown):
        raise Unavailable(answer.reason)
    answer = replace(answer, answer_by=gateway.capabilities.answer_by(answer))
    stop_point("dispute.fetched")
    write_down_charge(database, gateway, site, answer.charge_ref, answer.intent_ref, at)
    moved = _moved_by_charge(database, gateway, answer)
    with database.begin(site, at, WORKER) as ctx:
        payment = payment_of(ctx.session, gateway.name, answer.charge_ref)
        if payment is None:
            _open_unknown(ctx, answer)
            return Unresolved.NOT_OURS
        # before `_settle`, which reads the charge's rate from them
        balance_mirror.keep_movements(ctx, gateway.name, moved)
        state = _settle(ctx, payment, answer)
        currency_conversion.present_disputes(ctx, gateway.name, [answer.dispute_ref])
        return state


def _moved_by_charge(database: Database, gateway: Gateway, answer: DisputeAnswer) -> list[Movement]:
    """The movements of a charge whose dispute is in another currency, unless we know them. Raises Unavailable."""
    with database.transaction() as session:
        payment = payment_of(session, gateway.name, answer.charge_ref)
        if payment is None or payment.currency == answer.currency:
            return []
        if currency_conversion.of_charge(session, gateway.name, answer.charge_ref) is not None:
            return []
    moved = gateway.books.movements_of(answer.charge_ref)
    if isinstance(moved, Unknown):
        raise Unavailable(moved.reason)
    return moved


def write_down_charge(
    database: Database, gateway: Gateway, site: Site, charge_ref: str, intent_ref: str | None, at: datetime
) -> bool:
    """Record a charge before what happened to it: its own webhook may come later or never. Whether it was recorded now. Raises
    Unavailable."""
    if intent_ref is None:
        return False
    with database.transaction() as session:
        if payment_of(session, gateway.name, charge_ref) is not None:
            return False
    claim, outcome = gateway.fetch_charge(intent_ref)
    if isinstance(outcome, Unknown):
        raise Unavailable(outcome.reason)
    if claim is None or not isinstance(outcome, Charged):
        return False
    with database.begin(site, at, Acquirer(gateway.name)) as ctx:
        return took_money(take_in(ctx, gateway.name, claim, outcome))


def _open_unknown(ctx: TransactionContext, answer: DisputeAnswer) -> None:
    open_case(
        ctx,
        CaseKind.UNKNOWN_DISPUTE,
        answer.dispute_ref,
        f"{spelled(answer.amount, answer.currency)} of the charge {answer.charge_ref} are disputed ({answer.reason}),"
        " and we have no payment for it.",
        theirs=-answer.amount,
        currency=answer.currency,
        facts={"charge": answer.charge_ref, "payment intent": answer.intent_ref or ""},
        act_by=answer.answer_by,
    )


def _settle(ctx: TransactionContext, payment: Payment, answer: DisputeAnswer) -> DisputeState:
    invoice = ctx.session.get_one(Invoice, payment.invoice_id)
    lock(ctx.session, invoice.subscription_id)
    dispute = ctx.session.exec(
        select(Dispute)
        .where(Dispute.gateway_ref == answer.dispute_ref, Dispute.acquirer == payment.acquirer)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    escalated = False
    if dispute is None:
        dispute = _begin(ctx, payment, answer)
        ctx.session.add(dispute)
    elif not _is_progress(dispute, answer):
        return dispute.state
    elif dispute.inquiry:  # an inquiry takes nothing, so what is taken now is new
        escalated = not answer.inquiry
        dispute.amount = _part(ctx.session, payment, answer)
    dispute.state, dispute.inquiry, dispute.answer_by = answer.state, answer.inquiry, answer.answer_by
    dispute.decided_at = None if dispute.open else ctx.at
    if escalated:  # the bank asks anew, so what was sent answers it no more
        dispute.sent_at, dispute.sent_by_kind, dispute.sent_by_id, dispute.answer_files = None, None, None, {}
    dispute.answer_at = _answered_by_system_at(ctx, dispute)
    ctx.session.flush()
    post_movements(ctx, dispute)
    _follow(ctx, dispute, payment, invoice, escalated=escalated)
    if dispute.state is DisputeState.WON:
        failed.dispute_won(ctx, payment)
    if dispute.state is DisputeState.LOST:
        failed.dispute_lost(ctx.acting_as(Acquirer(payment.acquirer)), payment)
    return dispute.state


def _answered_by_system_at(ctx: TransactionContext, dispute: Dispute) -> datetime | None:
    """When the system answers, if nobody of staff does."""
    days = ctx.site.policy.dispute_answer_days
    if dispute.state is not DisputeState.NEEDS_ANSWER or dispute.answer_by is None or days == 0:
        return None
    return dispute.answer_by - timedelta(days=days)


def _is_progress(dispute: Dispute, answer: DisputeAnswer) -> bool:
    """A dispute never goes back: of two settlers at once the first answered may be the last to write."""
    known = (not dispute.inquiry, _PROGRESS[dispute.state])
    return (not answer.inquiry, _PROGRESS[answer.state]) > known


def _part(session: Session, payment: Payment, answer: DisputeAnswer) -> int:
    """Cents of the payment that are disputed, whatever currency the bank uses."""
    if answer.currency == payment.currency:
        return answer.amount
    charge = currency_conversion.of_charge(session, payment.acquirer, payment.charge_ref)
    taken, taken_in = answer.withdrawn or (answer.amount, answer.currency)
    settled, settled_in = (charge.amount, charge.currency) if charge is not None else (0, "")
    return disputed_part(
        payment.amount, payment.currency, taken, taken_in, settled=settled, settled_in=settled_in
    )


def _begin(ctx: TransactionContext, payment: Payment, answer: DisputeAnswer) -> Dispute:
    return Dispute(
        id=ids.new("dsp", ctx.at),
        payment_id=payment.id,
        reader_id=payment.reader_id,
        acquirer=payment.acquirer,
        gateway_ref=answer.dispute_ref,
        amount=_part(ctx.session, payment, answer),
        reason=answer.reason,
        state=answer.state,
        inquiry=answer.inquiry,
        opened_at=answer.opened_at,
        seen_at=ctx.at,
        evidence=evidence.gather(ctx, payment),
    )


def _follow(
    ctx: TransactionContext, dispute: Dispute, payment: Payment, invoice: Invoice, *, escalated: bool
) -> None:
    acquirer = Acquirer(dispute.acquirer)
    if dispute.state is DisputeState.LOST:
        if not payment.duplicate:  # else another payment has paid for it
            # Before `stop_renewals`, whose mail says that reading goes on: the decision may be the first news.
            stop.end_what_was_not_paid(ctx, invoice, by=acquirer)
        if dispute.reason == FRAUD:
            gifts.revoke_all(ctx, dispute.reader_id, reason="the bank gave the charge back as a fraud")
    if dispute.open or dispute.state is DisputeState.LOST:
        reason = f"the bank disputes payment {dispute.payment_id}"
        only = None if dispute.open else invoice.subscription_id
        stop.stop_renewals(ctx, dispute.reader_id, by=acquirer, reason=reason, only=only)
    dispute_cases.follow(ctx.acting_as(acquirer), dispute, escalated=escalated)
