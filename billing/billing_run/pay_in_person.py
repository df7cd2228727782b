"""A reader pays an open invoice in person: with the card on record, or on a hosted page. Entry points with their own transactions."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from billing.acquirer.answers import NoSuchObject, PageClosed, PageOpen, Unknown
from billing.acquirer.port import Gateway
from billing.billing_run import not_taken
from billing.billing_run.context import RunContext, RunReport
from billing.billing_run.drain_attempts import drain_attempts
from billing.billing_run.outcome import PageOutcome, SettleOutcome
from billing.billing_run.settle import settle
from billing.changes.refusals import refuse_standstill
from billing.payments import attempt_history, charge, payment_page
from billing.payments.charge import NotSent
from billing.payments.intend_charge import Intent, intend_charges
from billing.payments.invoices import drawn
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, PaymentMethod
from billing.payments.payment_page import HostedPage
from billing.payments.receipts import UnknownInvoice
from billing.platform.actors import WORKER, Actor, ReaderActor
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Conflict
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.rules import dunning, periods
from billing.rules.decline_causes import DeclineCause
from billing.rules.lifecycle import State
from billing.subscriptions.change import lock, mark
from billing.subscriptions.models import Subscription


class NothingToPay(Conflict):
    """Nothing is owed for this any more."""

    code = "nothing_owed"


class Underway(Conflict):
    """We are asking your bank for this payment at this very moment. Please look again in a minute."""

    code = "charge_under_way"


class OtherWay(Conflict):
    """This card can't be charged again like that. Please pay on the secure page instead."""

    code = "other_way"


@dataclass(frozen=True, slots=True)
class Owing:
    """An invoice as its payer meets it. `owed`: it may be paid until `ends_at`, the end of the grace; `charging`: a charge of
    ours is under way; `with_card`: the card on record may be charged at once; `confirm`: the bank wants the reader to confirm;
    `bank_asked`: a bank has declined it; `cause`: what the reader may know of that."""

    invoice: Invoice
    subscription: Subscription
    card: PaymentMethod
    owed: bool
    ends_at: datetime | None
    charging: bool
    with_card: bool
    confirm: bool
    bank_asked: bool
    cause: DeclineCause | None


def owing(ctx: TransactionContext, invoice_id: str) -> Owing:
    """How an invoice stands. Raises UnknownInvoice."""
    # one query: an invoice settled between two would be neither owed nor paid
    found = ctx.session.exec(
        select(Invoice, Subscription)
        .join(Subscription, col(Subscription.id) == Invoice.subscription_id)
        .where(Invoice.id == invoice_id)
    ).first()
    if found is None:
        raise UnknownInvoice
    invoice, subscription = found
    method_id = str(subscription.payment_method_id)
    so_far = attempt_history.past_attempts(ctx, invoice, method_id)
    said = attempt_history.last_refusal(ctx.session, invoice, method_id)
    under_way = subscription.charging_since is not None and not_taken.waiting(ctx.session, invoice.id) is None
    ends_at = _ends_at(ctx, subscription, invoice)
    in_grace = subscription.state is State.PAST_DUE and ends_at is not None and ctx.at < ends_at
    return Owing(
        invoice=invoice,
        subscription=subscription,
        card=ctx.session.get_one(PaymentMethod, method_id),
        owed=invoice.state is InvoiceState.OPEN and in_grace,
        ends_at=ends_at,
        charging=under_way and payment_page.of_invoice(ctx.session, invoice.id) is None,
        with_card=dunning.may_pay_now(said=said, attempts=so_far.refused, card_attempts_30d=so_far.on_card),
        confirm=said is dunning.DeclineKind.NEEDS_READER,
        bank_asked=attempt_history.bank_was_asked(ctx.session, invoice),
        cause=attempt_history.last_cause(ctx.session, invoice, method_id),
    )


def _ends_at(ctx: TransactionContext, subscription: Subscription, invoice: Invoice) -> datetime | None:
    """When the grace is over: later where the acquirer refused the charge itself, which isn't the reader's fault."""
    failed_on = subscription.first_failed_on
    if failed_on is None:
        return None
    ends_at = periods.start_of_day(dunning.gives_up_on(failed_on), ctx.zone)
    return max(ends_at, not_taken.pays_until(ctx, invoice.id) or ends_at)


def with_card_on_record(run_context: RunContext, invoice_id: str, at: datetime) -> AttemptState:
    """Charge the card on record now, as its owner asks; the state of the attempt. An open page is closed first. Where that has
    been paid meanwhile, the answer is CHARGED.

    Raises UnknownInvoice, NothingToPay, Underway, OtherWay, StandsStill."""
    with run_context.database.begin(run_context.site, at, WORKER) as ctx:
        refuse_standstill(ctx.session)
        now = _locked(ctx, invoice_id)
        payment_page.close_soon(ctx, now.subscription.id)
    drain_attempts(run_context, at, RunReport(), subscription_id=now.subscription.id)
    with run_context.database.begin(run_context.site, at, WORKER) as ctx:
        now = _locked(ctx, invoice_id)
        if now.invoice.state is InvoiceState.PAID:
            return AttemptState.CHARGED
        _refuse(now)
        if not now.with_card:
            raise OtherWay
        intent = Intent(now.subscription, drawn(now.invoice), by_reader=True)
        [attempt_id] = intend_charges(ctx, [intent])
        mark(now.subscription, run_context.site.zone, charging_since=at)
    drain_attempts(run_context, at, RunReport(), subscription_id=now.subscription.id)
    with run_context.database.transaction() as session:
        return session.get_one(Attempt, attempt_id).state


def open_page(run_context: RunContext, invoice_id: str, at: datetime) -> str | None:
    """The address of the open page of this invoice, or of a new one. None where the open page has been paid. Raises UnknownInvoice, NothingToPay, Underway, Unavailable, StandsStill."""
    while True:
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            refuse_standstill(ctx.session)
            now = _locked(ctx, invoice_id)
            if now.invoice.state is InvoiceState.PAID:
                return None
            ends_at = _refuse(now)
            attempt = payment_page.of_invoice(ctx.session, invoice_id)
            attempt = attempt or _begin(ctx, now, payment_page.ends_at(at, ends_at))
            if not payment_page.is_of_use(attempt, at, ends_at):
                attempt.next_poll_at = at
            suffix = charge.descriptor_suffix(now.subscription.state, now.subscription.period_number)
        stop_point("page.intended")
        if attempt.next_poll_at <= at:
            drain_attempts(run_context, at, RunReport(), subscription_id=now.subscription.id)
            _refuse_unended(run_context, attempt.id)
            continue
        gateway = run_context.acquirers.named(attempt.acquirer)
        if attempt.page_ref is None:
            return payment_page.open_page(run_context.database, gateway, run_context.site, attempt.id, suffix)
        found = gateway.fetch_pay_page(attempt.page_ref)
        if isinstance(found, PageOpen):
            return found.url
        page, reader = HostedPage(attempt.id, attempt.page_ref), ReaderActor(now.subscription.reader_id)
        _settle_page(run_context.database, gateway, run_context.site, page, at, by=reader)
        _refuse_unended(run_context, attempt.id)


def _begin(ctx: TransactionContext, now: Owing, until: datetime) -> Attempt:
    intent = Intent(now.subscription, drawn(now.invoice), hosted=True, until=until)
    [attempt_id] = intend_charges(ctx, [intent])
    mark(now.subscription, ctx.zone, charging_since=ctx.at)
    return ctx.session.get_one(Attempt, attempt_id)


def _locked(ctx: TransactionContext, invoice_id: str) -> Owing:
    found = ctx.session.get(Invoice, invoice_id)
    if found is None:
        raise UnknownInvoice
    subscription = lock(ctx.session, found.subscription_id)
    ctx.session.refresh(found)  # read before the lock, as only the invoice names its subscription
    # cards after subscriptions, as in `process_all_due`: in two orders they could deadlock
    attempt_history.lock_shared_cards(ctx.session, [str(subscription.payment_method_id)])
    not_taken.stop_waiting(ctx, subscription, invoice_id)
    return owing(ctx, invoice_id)


def _refuse(now: Owing) -> datetime:
    """Until when it may be paid. Raises NothingToPay, Underway."""
    if not now.owed or now.ends_at is None:
        raise NothingToPay
    if now.charging:
        raise Underway
    return now.ends_at


def _refuse_unended(run_context: RunContext, attempt_id: str) -> None:
    """Open no second page while the old one can't be closed: the acquirer is away, or another process has it in hand."""
    with run_context.database.transaction() as session:
        if session.get_one(Attempt, attempt_id).state is AttemptState.OPEN:
            raise Underway


def check_page(
    database: Database, gateway: Gateway, site: Site, page: HostedPage, at: datetime, *, by: Actor
) -> SettleOutcome | PageOutcome:
    """Write down what has become of a page, on the reader's return or a webhook. Safe to repeat."""
    with database.transaction() as session:
        attempt = session.get_one(Attempt, page.attempt_id)
        if attempt.state is AttemptState.CHARGED:
            return SettleOutcome.SETTLED
    return _settle_page(database, gateway, site, page, at, by=by)


def _settle_page(
    database: Database, gateway: Gateway, site: Site, page: HostedPage, at: datetime, *, by: Actor
) -> SettleOutcome | PageOutcome:
    found = gateway.fetch_pay_page(page.ref)
    stop_point("page.answered")
    if isinstance(found, PageOpen):
        return SettleOutcome.OPEN
    if isinstance(found, NoSuchObject):
        return PageOutcome.ABSENT  # it may appear in a minute; else its attempt ends with its time
    if isinstance(found, Unknown):
        return SettleOutcome.UNKNOWN  # asked again when the page's time is over, or when its event is retried
    with database.begin(site, at, by) as ctx:
        outcome = NotSent() if isinstance(found, PageClosed) else found
        return settle(ctx, page.attempt_id, outcome)


def return_from_page(run_context: RunContext, attempt_id: str, at: datetime) -> AttemptState:
    """Settle the page from which the reader returns, unless its webhook came first; the state of its attempt."""
    with run_context.database.transaction() as session:
        attempt = session.get(Attempt, attempt_id)
        if attempt is None or attempt.page_ref is None:
            raise UnknownInvoice
        reader_id = session.get_one(Invoice, attempt.invoice_id).reader_id
    if attempt.state is AttemptState.OPEN:
        gateway, page = (
            run_context.acquirers.named(attempt.acquirer),
            HostedPage(attempt.id, attempt.page_ref),
        )
        check_page(run_context.database, gateway, run_context.site, page, at, by=ReaderActor(reader_id))
    with run_context.database.transaction() as session:
        return session.get_one(Attempt, attempt_id).state


def belongs_to(session: Session, attempt_id: str, invoice_id: str) -> bool:
    """Whether this attempt was made for this invoice."""
    attempt = session.get(Attempt, attempt_id)
    return attempt is not None and attempt.invoice_id == invoice_id
