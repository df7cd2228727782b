"""What follows from a declined charge: the ladder, a mail to the reader, or the end (RET-1 to RET-6)."""

from datetime import date

from sqlmodel import select

from billing.acquirer.answers import Declined
from billing.billing_run import not_taken
from billing.billing_run.skip_reason import Skip
from billing.notices.cancellation import subscription_cancelled, subscription_ended
from billing.notices.payment import payment_failed
from billing.payments.attempt_history import card_free_on, past_attempts
from billing.payments.invoices import mark_void
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, PaymentMethod
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.stop_points import reached
from billing.rules import dunning, periods
from billing.rules.dunning_steps import AskReader, DunningReason, GiveUp, Next, Retry, RetryReason, in_words
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import change, mark
from billing.subscriptions.models import Subscription


def record_decline(
    ctx: TransactionContext, subscription: Subscription, invoice: Invoice, attempt: Attempt, outcome: Declined
) -> None:
    """Write down a decline and what comes next, in this transaction."""
    attempt.state, attempt.settled_at, attempt.intent_ref = AttemptState.DECLINED, ctx.at, outcome.intent_ref
    _record_answer(attempt, outcome)
    if outcome.decline.card_gone:
        reached("decline: the card is gone")
        card = ctx.session.get_one(PaymentMethod, attempt.payment_method_id, with_for_update=True)
        card.gone_at = card.gone_at or ctx.at
    ctx.session.flush()
    if invoice.state is InvoiceState.PAID:  # in another way, so nothing is owed
        reached("decline: the invoice was paid meanwhile")
        end_charging(ctx, subscription)
    elif subscription.state is State.ENDED or subscription.cancel_asked_at is not None:
        reached("decline: the reader cancelled meanwhile")
        abandon_invoice(ctx, subscription, invoice)
    elif invoice.state is InvoiceState.VOID:  # its period was given away
        abandon_invoice(ctx, subscription, invoice)
    elif subscription.state is State.ACTIVE and subscription.period_number == 0:
        reached("decline: the first charge of a start without a trial")
        _refuse_start(ctx, subscription, invoice, "first charge declined")
    else:
        _follow_ladder(ctx, subscription, invoice, attempt, outcome)


def _record_answer(attempt: Attempt, outcome: Declined) -> None:
    """Write the bank's answer on the attempt. An answer ends all doubt about it."""
    said = outcome.decline
    attempt.decline_kind, attempt.decline_code, attempt.decline_advice = said.kind, said.code, said.advice
    attempt.decline_cause = said.cause
    attempt.network_decline_code, attempt.network_advice_code = said.network_code, said.network_advice
    attempt.decline_message = outcome.message
    attempt.doubt, attempt.unlisted_since, attempt.key_unusable = None, None, False
    attempt.not_taken_reason, attempt.had_case = None, False


def _follow_ladder(
    ctx: TransactionContext, subscription: Subscription, invoice: Invoice, attempt: Attempt, outcome: Declined
) -> None:
    """Take the ladder's next step, and mail it to the reader. A reader who pays in person sees the decline: they get a mail only
    where the plan changes."""
    step = _next_step(ctx, invoice, attempt, outcome)
    if step == GiveUp(DunningReason.GRACE_OVER) and not_taken.is_first_refusal_since(ctx.session, attempt):
        reached("decline: the grace was over before a bank could be asked, so the reader has a week")
        invoice.first_failed_on = dunning.with_a_chance(ctx.site.today(attempt.intended_at))
        step = _next_step(ctx, invoice, attempt, outcome)
    if isinstance(step, GiveUp):
        reached("decline: given up")
        give_up(ctx, subscription, step.reason)
        return
    said = "the card is gone" if outcome.decline.card_gone else "no reason given"
    confirm = step == AskReader(DunningReason.AUTHENTICATE)
    if subscription.payment_method_id != attempt.payment_method_id:
        reached("decline: another card came meanwhile, so it is tried at once")
        step = Retry(ctx.today, RetryReason.OTHER_CARD)
    reason = f"declined: {outcome.decline.code or said}; {in_words(step)}"
    planned, retry_on = subscription.retry_on, step.day if isinstance(step, Retry) else None
    _past_due(ctx, subscription, invoice, retry_on, reason)
    if not attempt.by_reader or retry_on != planned:
        cause = outcome.decline.cause
        payment_failed(
            ctx, invoice, attempt.payment_method_id, occasion=attempt.id, confirm=confirm, cause=cause
        )


def _next_step(ctx: TransactionContext, invoice: Invoice, attempt: Attempt, outcome: Declined) -> Next:
    # the attempt's day, as its answer may be found on a later one
    today = ctx.site.today(attempt.intended_at)
    invoice.first_failed_on = invoice.first_failed_on or today
    before = past_attempts(ctx, invoice, attempt.payment_method_id)
    return dunning.after(
        attempts=max(1, before.refused),  # 0 where only the reader's own attempts were declined
        first_failed_on=invoice.first_failed_on,
        today=today,
        kind=outcome.decline.kind,
        card_attempts_30d=before.on_card,
        rung_used=not attempt.by_reader,
    )


def card_limit_reached(ctx: TransactionContext, subscription: Subscription, invoice: Invoice) -> Skip:
    """Ask the reader for another card, as this one had all its declines of 30 days (RET-6). It is charged again on the first day
    on which it may be, if the grace lasts until then."""
    reached("decline: the card has had its attempts of thirty days")
    if subscription.state is State.ACTIVE and subscription.period_number == 0:
        _refuse_start(ctx.acting_as(WORKER), subscription, invoice, str(DunningReason.CARD_LIMIT))
        return Skip.CARD_LIMIT
    invoice.first_failed_on = invoice.first_failed_on or ctx.today
    method_id = str(subscription.payment_method_id)
    retry_on: date | None = card_free_on(ctx, method_id)
    reason = in_words(AskReader(DunningReason.CARD_LIMIT))
    if retry_on is not None and retry_on < dunning.gives_up_on(invoice.first_failed_on):
        reason += f"; {in_words(Retry(retry_on, RetryReason.CARD_LIMIT_OVER))}"
    else:
        retry_on = None
    _past_due(ctx.acting_as(WORKER), subscription, invoice, retry_on, reason)
    occasion = f"limit:{invoice.id}:{ctx.today}"
    payment_failed(ctx, invoice, method_id, occasion=occasion, bank_asked=False)
    return Skip.CARD_LIMIT


def _refuse_start(ctx: TransactionContext, subscription: Subscription, invoice: Invoice, reason: str) -> None:
    mark_void(ctx.session, invoice)
    change(ctx, subscription, Event.FIRST_CHARGE_REFUSED, reason=reason)


def _past_due(
    ctx: TransactionContext, subscription: Subscription, invoice: Invoice, retry_on: date | None, reason: str
) -> None:
    """Reading goes on until the grace is over, whatever the retries bring."""
    first_failed_on = invoice.first_failed_on or ctx.today
    change(
        ctx,
        subscription,
        Event.DECLINED,
        reason=reason,
        charging_since=None,
        first_failed_on=first_failed_on,
        retry_on=retry_on,
        access_until=periods.start_of_day(dunning.gives_up_on(first_failed_on), ctx.zone),
    )


def abandon_invoice(ctx: TransactionContext, subscription: Subscription, invoice: Invoice) -> None:
    """Void an invoice that isn't owed any more, as its reader cancelled or its period was given away."""
    if invoice.state is InvoiceState.OPEN:
        mark_void(ctx.session, invoice)
    if subscription.state is not State.ENDED:
        mark(subscription, ctx.zone, charging_since=None)


def end_charging(ctx: TransactionContext, subscription: Subscription) -> None:
    """Note that an attempt has ended whose invoice was paid in another way. That payment had left `charging_since` alone if it
    went back, as the reader had cancelled. Another attempt that is open keeps it.

    Not for a subscription that goes on: it would be charged anew for the period whose payment went back."""
    if subscription.charging_since is None or subscription.cancel_asked_at is None:
        return
    is_open = (Attempt.subscription_id == subscription.id, Attempt.state == AttemptState.OPEN)
    if ctx.session.exec(select(Attempt.id).where(*is_open)).first() is None:
        mark(subscription, ctx.zone, charging_since=None)


def give_up(ctx: TransactionContext, subscription: Subscription, reason: DunningReason) -> None:
    """End a locked subscription because no charge will go through. A stop order counts as the reader's cancellation (RET-2)."""
    owed = (Invoice.subscription_id == subscription.id, Invoice.state == InvoiceState.OPEN)
    for invoice in ctx.session.exec(select(Invoice).where(*owed)):
        mark_void(ctx.session, invoice)
    stopped = reason is DunningReason.STOP_ORDER
    event = Event.STOP_ORDERED if stopped else Event.GAVE_UP
    change(ctx, subscription, event, reason=str(reason))
    if stopped:
        reached("decline: a stop order")
        subscription_cancelled(ctx, subscription)
    else:
        subscription_ended(ctx, subscription)
