"""The reader's account: how things stand, the card, cancelling."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from billing.access.describe import sentence_of
from billing.changes.cancel import may_undo
from billing.payments import attempt_history, receipts
from billing.payments.invoices import open_invoice
from billing.platform.context import TransactionContext
from billing.readers import devices
from billing.readers.models import Reader
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import cancellations
from billing.subscriptions.find import latest_of, terms_of, terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.view_rows import card_of, receipt_row
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import passkeys, step_up, way
from billing.web.reader.account_facts import account_facts
from billing.web.reader.cancelling import (
    Filled,
    cancel_page,
    cancel_with,
    cancelled_page,
    last_day,
    withdraw_with,
    withdrawal,
)
from billing.web.reader.change_card import card_is_asked_for, open_card_page
from billing.web.reader.choices import choices
from billing.web.reader.guard import running, signed_in
from billing.web.reader.unreached import refusing
from billing.web.views.account import (
    AccountPage,
    ChangeCardPage,
    NextChargeRow,
    PastDue,
    ReceiptRow,
    SessionRow,
    WithdrawPage,
)

router = APIRouter(include_in_schema=False)
BACK = "/account/withdraw"


@router.get("/account")
def account(visit: Visiting) -> Response:
    """Everything on one page. Raises RedirectReader."""
    with visit.read() as ctx:
        reader = signed_in(visit)
        session_id = visit.session.id if visit.session is not None else None
        view = account_view(ctx, reader, session_id=session_id, passkeys=passkeys.offer(visit))
    return visit.page(view)


def account_view(
    ctx: TransactionContext,
    reader: Reader,
    *,
    session_id: str | None = None,
    passkeys: Literal["none", "link", "offer"] = "none",
) -> AccountPage:
    """What the page says of this reader. `session_id`: the session of the browser that asks, where it is the reader's."""
    facts = account_facts(ctx, reader)
    found = facts.latest
    held = latest = found.subscription if found else None
    if latest and (latest.state is State.ENDED or (latest.cancels_at and latest.cancels_at <= ctx.at)):
        held = None  # a cancelled one is over at its instant, though its job may be late
    can_cancel = held is not None and held.cancels_at is None
    return AccountPage(
        email=reader.email,
        status=sentence_of(ctx, facts.entitlements, latest),
        next_charge=_next_charge(ctx, held),
        card=card_of(found.card) if found and found.card and held else None,
        past_due=_past_due(ctx, held),
        can_cancel=can_cancel,
        can_resume=held is not None and may_undo(ctx, held),
        dispute=facts.dispute,
        unreached=refusing(ctx, latest) if latest and facts.refuses_mail else None,
        cancel_request_at=held.cancel_request_at if held and can_cancel else None,
        charge_put_off=held is not None and held.held_until is not None,
        withdraw=withdrawal(ctx, latest, BACK) if facts.may_withdraw(ctx, latest) else None,
        plan=choices(ctx, held, facts.on_offer),
        can_subscribe=held is None,
        receipts=_receipts(ctx, reader) if facts.first_paid else (),
        sessions=tuple(_session_row(session_id, *row) for row in facts.sessions),
        passkeys=passkeys,
        erased_on=ctx.site.today(facts.erases_at) if facts.erases_at else None,
        request=facts.request,
    )


def _receipts(ctx: TransactionContext, reader: Reader) -> tuple[ReceiptRow, ...]:
    return tuple(receipt_row(paid) for paid in receipts.paid_by(ctx.session, reader.id))


def _session_row(this: str | None, session_id: str, device: str, seen_at: datetime) -> SessionRow:
    words = devices.in_words(device)
    return SessionRow(session_id=session_id, device=words, last_seen_at=seen_at, is_this=session_id == this)


def _next_charge(ctx: TransactionContext, subscription: Subscription | None) -> NextChargeRow | None:
    due = next_charge(subscription, ctx.zone) if subscription else None
    if subscription is None or due is None:
        return None
    _, price = terms_on(ctx.session, subscription, due.on)
    return NextChargeRow(on=due.on, amount=Money(price.amount, price.currency))


def _past_due(ctx: TransactionContext, subscription: Subscription | None) -> PastDue | None:
    if subscription is None or subscription.state is not State.PAST_DUE:
        return None
    _, price = terms_of(ctx.session, subscription)
    invoice = open_invoice(ctx.session, subscription.id)
    return PastDue(
        amount=Money(price.amount, price.currency),
        reading_until=ctx.site.last_day(subscription.access_until),
        retry_on=subscription.retry_on,
        bank_asked=invoice is None or attempt_history.bank_was_asked(ctx.session, invoice),
        cause=attempt_history.last_cause(ctx.session, invoice, str(subscription.payment_method_id))
        if invoice
        else None,
    )


def _running(visit: Visit) -> Subscription:
    with visit.read() as ctx:
        return running(visit, ctx.session)


@router.get("/account/cancel")
def ask_cancel(visit: Visiting) -> Response:
    """What cancelling means, and the button: the second click of two. Raises RedirectReader."""
    return cancel_page(visit, _running(visit), action="/account/cancel", back=BACK)


@router.post("/account/cancel")
def cancel(visit: Guarded, form: Filled) -> Response:
    """Cancel, counted from this moment. Raises RedirectReader."""
    cancel_with(visit, _running(visit), form)
    return visit.go("/account/cancelled")


@router.get("/account/cancelled")
def cancelled(visit: Visiting) -> Response:
    """It is cancelled; and the way back. The mail that confirms a cancellation leads here."""
    if visit.reader is None:
        return way.sign_in_first(visit, visit.path)
    with visit.read() as ctx:
        subscription = latest_of(ctx.session, visit.reader.id)
    if subscription is None or subscription.cancel_asked_at is None:
        return visit.go("/account")
    return cancelled_page(visit, subscription, back=BACK)


@router.get("/account/withdraw")
def ask_withdraw(visit: Visiting) -> Response:
    """What taking the sale back means, and the button. Raises RedirectReader."""
    reader = signed_in(visit)
    with visit.read() as ctx:
        subscription = latest_of(ctx.session, reader.id)
        offer = withdrawal(ctx, subscription, BACK)
        if offer is None or subscription is None or offer.requested_on is not None:
            return visit.go("/account")
        access_until = last_day(ctx, subscription) if subscription.state is not State.ENDED else None
    return visit.page(WithdrawPage(email=reader.email, offer=offer, access_until=access_until))


@router.post("/account/withdraw")
def withdraw(visit: Guarded) -> Response:
    """Take the sale back in this one step (ECT-5); or, where staff decide, cancel and put it to them. Raises RedirectReader,
    CoolingOffOver."""
    reader = signed_in(visit)
    with visit.read() as ctx:
        subscription = latest_of(ctx.session, reader.id)
    if subscription is None:
        return visit.go("/account")
    return visit.go("/account", "withdrawn" if withdraw_with(visit, subscription) else "asked-back")


@router.post("/account/keep")
def keep(visit: Guarded) -> Response:
    """A request to cancel that came by form wasn't the reader's, or holds no more. Raises RedirectReader."""
    reader = signed_in(visit)
    with visit.begin() as ctx:
        goes_on = cancellations.keep(ctx, reader.id)
    return visit.go("/account", "resumed" if goes_on else "not-kept")


@router.get("/account/card")
def ask_card(visit: Visiting) -> Response:
    """A button to the card page: where a fresh sign-in for another card leads. Raises RedirectReader."""
    if visit.reader is None:
        return way.sign_in_first(visit, visit.path)
    _running(visit)
    return visit.page(ChangeCardPage(action="/account/card"))


@router.post("/account/card")
@may_call_gateway
def change_card(visit: Guarded) -> Response | GatewayCall:
    """To the card page, for another card; after a fresh sign-in, unless we need a card. Raises RedirectReader, TooMany."""
    subscription = _running(visit)
    if not card_is_asked_for(visit, subscription):
        step_up.require_fresh(visit, "card")
    return open_card_page(visit, subscription)
