"""What follows from a refused charge: the ladder, the reader asked, or the end (design section 5, RET-1 to RET-6)."""

from datetime import date, datetime

from sqlmodel import Session, select

from billing.acquirer.answers import Declined
from billing.billing_run import not_taken
from billing.billing_run.outcome import SettleOutcome
from billing.billing_run.skip_reason import Skip
from billing.notices.cancellation import subscription_cancelled, subscription_ended
from billing.notices.payment import payment_failed
from billing.payments.attempt_history import asked_again_on, tried
from billing.payments.invoices import mark_void
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, PaymentMethod
from billing.platform.actors import WORKER, Actor
from billing.platform.site import Office
from billing.platform.stop_points import reached
from billing.rules import dunning, periods
from billing.rules.dunning_steps import AskReader, DunningReason, GiveUp, Next, Retry, RetryReason, in_words
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import change, mark
from billing.subscriptions.models import Subscription


def declined(
    session: Session,
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    attempt: Attempt,
    outcome: Declined,
    at: datetime,
    by: Actor,
) -> SettleOutcome:
    """Write down a refusal and what comes next, in this transaction."""
    attempt.state, attempt.settled_at, attempt.intent_ref = AttemptState.DECLINED, at, outcome.intent_ref
    _note(attempt, outcome)
    if outcome.decline.card_gone:
        reached("decline: the card is gone")
        card = session.get_one(PaymentMethod, attempt.payment_method_id, with_for_update=True)
        card.gone_at = card.gone_at or at
    session.flush()
    if invoice.state is InvoiceState.PAID:
        reached("decline: the invoice was paid meanwhile")
        return (
            SettleOutcome.DECLINED
        )  # it was paid by another way meanwhile: nothing is owed, and nothing follows
    if subscription.state is State.ENDED or subscription.cancel_asked_at is not None:
        reached("decline: the reader cancelled meanwhile")
        return let_go(session, office, subscription, invoice)
    if invoice.state is InvoiceState.VOID:  # its period was given away
        return let_go(session, office, subscription, invoice)
    if subscription.state is State.ACTIVE and subscription.period_number == 0:
        reached("decline: the first charge of a start without a trial")
        _refuse_start(session, office, subscription, invoice, at, by)
        return SettleOutcome.DECLINED
    _follow(session, office, subscription, invoice, attempt, outcome, at, by)
    return SettleOutcome.DECLINED


def _note(attempt: Attempt, outcome: Declined) -> None:
    """What the bank said; the doubt about it is over."""
    said = outcome.decline
    attempt.decline_kind, attempt.decline_code, attempt.decline_advice = said.kind, said.code, said.advice
    attempt.network_decline_code, attempt.network_advice_code = said.network_code, said.network_advice
    attempt.decline_message = outcome.message
    attempt.doubt, attempt.unlisted_since, attempt.key_unusable = None, None, False
    attempt.not_taken_reason, attempt.had_case = None, False


def _follow(
    session: Session,
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    attempt: Attempt,
    outcome: Declined,
    at: datetime,
    by: Actor,
) -> None:
    """What the ladder says of it; the reader is told, unless it is the reader who pays, is refused at once, and nothing else
    has changed."""
    step = _step(session, office, invoice, attempt, outcome, at)
    if step == GiveUp(DunningReason.GRACE_OVER) and not_taken.is_first_refusal_since(session, attempt):
        reached("decline: the grace was over before a bank could be asked, so the reader has a week")
        invoice.first_failed_on = dunning.with_a_chance(office.today(attempt.intended_at))
        step = _step(session, office, invoice, attempt, outcome, at)
    if isinstance(step, GiveUp):
        reached("decline: given up")
        give_up(session, office, subscription, step.reason, at, by=by)
        return
    said = "the card is gone" if outcome.decline.card_gone else "no reason given"
    confirm = step == AskReader(DunningReason.AUTHENTICATE)
    step = _with_newer_card(office, subscription, attempt, step, at)
    why = f"declined: {outcome.decline.code or said}; {in_words(step)}"
    planned, retry_on = subscription.retry_on, step.day if isinstance(step, Retry) else None
    _past_due(session, office, subscription, invoice, retry_on, at, by, why)
    if not attempt.by_reader or retry_on != planned:
        payment_failed(
            session,
            office,
            subscription,
            invoice,
            attempt.payment_method_id,
            at,
            occasion=attempt.id,
            confirm=confirm,
        )


def _step(
    session: Session, office: Office, invoice: Invoice, attempt: Attempt, outcome: Declined, at: datetime
) -> Next:
    today = office.today(attempt.intended_at)
    invoice.first_failed_on = invoice.first_failed_on or today
    session.add(invoice)
    before = tried(session, invoice, attempt.payment_method_id, at=at, zone=office.zone)
    return dunning.after(
        attempts=max(1, before.refused),
        first_failed_on=invoice.first_failed_on,
        today=today,
        kind=outcome.decline.kind,
        card_attempts_30d=before.on_card,
        rung_used=not attempt.by_reader,
    )


def beyond_limit(
    session: Session, office: Office, subscription: Subscription, invoice: Invoice, at: datetime
) -> Skip:
    """The card has refused as often as it may in 30 days (RET-6), so its bank isn't asked: the reader is, for another card.
    The bank is asked on the first day on which it may be, if the grace lasts until then."""
    reached("decline: the card has had its attempts of thirty days")
    if subscription.state is State.ACTIVE and subscription.period_number == 0:
        _refuse_start(session, office, subscription, invoice, at, WORKER, why=str(DunningReason.CARD_LIMIT))
        return Skip.CARD_LIMIT
    invoice.first_failed_on = invoice.first_failed_on or office.today(at)
    session.add(invoice)
    method_id, today = str(subscription.payment_method_id), office.today(at)
    again_on = asked_again_on(session, method_id, at, office.zone)
    in_grace = again_on < dunning.gives_up_on(invoice.first_failed_on)
    retry_on = again_on if in_grace else None
    why = in_words(AskReader(DunningReason.CARD_LIMIT))
    if in_grace:
        why += f"; {in_words(Retry(again_on, RetryReason.CARD_LIMIT_OVER))}"
    _past_due(session, office, subscription, invoice, retry_on, at, WORKER, why)
    payment_failed(
        session,
        office,
        subscription,
        invoice,
        method_id,
        at,
        occasion=f"limit:{invoice.id}:{today}",
        confirm=False,
        bank_asked=False,
    )
    return Skip.CARD_LIMIT


def _refuse_start(
    session: Session,
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    at: datetime,
    by: Actor,
    why: str = "first charge declined",
) -> None:
    mark_void(session, invoice)
    change(
        session,
        subscription,
        Event.FIRST_CHARGE_REFUSED,
        at=at,
        by=by,
        why=why,
        zone=office.zone,
    )


def _past_due(
    session: Session,
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    retry_on: date | None,
    at: datetime,
    by: Actor,
    why: str,
) -> None:
    """Reading goes on to the end of the ladder, whatever comes of it."""
    first_failed_on = invoice.first_failed_on or office.today(at)
    change(
        session,
        subscription,
        Event.DECLINED,
        at=at,
        by=by,
        why=why,
        zone=office.zone,
        charging_since=None,
        first_failed_on=first_failed_on,
        retry_on=retry_on,
        access_until=periods.start_of_day(dunning.gives_up_on(first_failed_on), office.zone),
    )


def _with_newer_card(
    office: Office, subscription: Subscription, attempt: Attempt, step: Retry | AskReader, at: datetime
) -> Retry | AskReader:
    """The ladder's step; but a card given while this one was being asked is tried at once."""
    if subscription.payment_method_id == attempt.payment_method_id:
        return step
    reached("decline: another card came meanwhile, so it is tried at once")
    return Retry(office.today(at), RetryReason.OTHER_CARD)


def let_go(session: Session, office: Office, subscription: Subscription, invoice: Invoice) -> SettleOutcome:
    """The reader cancelled: nothing more is asked of them."""
    if invoice.state is InvoiceState.OPEN:
        mark_void(session, invoice)
    if subscription.state is not State.ENDED:
        mark(subscription, office.zone, charging_since=None)
        session.add(subscription)
    return SettleOutcome.DECLINED


def give_up(
    session: Session,
    office: Office,
    subscription: Subscription,
    why: DunningReason,
    at: datetime,
    *,
    by: Actor,
) -> None:
    """End a locked subscription because no charge will go through. A stop order counts as the reader's cancellation (RET-2)."""
    for invoice in session.exec(
        select(Invoice).where(Invoice.subscription_id == subscription.id, Invoice.state == InvoiceState.OPEN)
    ):
        mark_void(session, invoice)
    stopped = why is DunningReason.STOP_ORDER
    event = Event.STOP_ORDERED if stopped else Event.GAVE_UP
    change(session, subscription, event, at=at, by=by, why=str(why), zone=office.zone)
    if stopped:
        reached("decline: a stop order")
        subscription_cancelled(session, office, subscription, at)
    else:
        subscription_ended(session, office, subscription, at)
