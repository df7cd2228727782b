"""The reader's account: how things stand, the card, cancelling and undoing it."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.responses import Response

from billing.access.describe import sentence_of
from billing.changes.cancel import may_undo
from billing.payments import attempt_history, dispute_limits, receipts
from billing.payments.dispute_models import Dispute
from billing.payments.invoices import open_invoice
from billing.payments.models import PaymentMethod
from billing.readers import devices, sessions, sign_in
from billing.readers.models import Reader
from billing.readers.register import BadAddress
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import cancellations
from billing.subscriptions.find import latest_of, live_of, terms_of, terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.typed import LINES
from billing.web.kit.view_rows import card_of, receipt_row
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import step_up
from billing.web.reader.cancelling import (
    cancel_page,
    cancel_with,
    cancelled_page,
    last_day,
    undo_with,
    withdraw_with,
    withdrawal,
)
from billing.web.reader.change_card import card_is_asked_for, open_card_page
from billing.web.reader.choices import choices
from billing.web.reader.unreached import unreached
from billing.web.views.account import (
    AccountDispute,
    AccountPage,
    ChangeCardPage,
    NextChargeRow,
    PastDue,
    SessionRow,
    WithdrawPage,
)
from billing.web.views.frame import Card

router = APIRouter(include_in_schema=False)
BACK = "/account/withdraw"


@router.get("/account")
def account(visit: Visiting) -> Response:
    """Everything on one page."""
    if visit.reader is None:
        return visit.go("/sign-in")
    with visit.services.database.transaction() as session:
        return visit.page(_account(visit, session, visit.reader))


def _account(visit: Visit, session: Session, reader: Reader) -> AccountPage:
    subscription = latest_of(session, reader.id)
    live = subscription is not None and subscription.state is not State.ENDED
    reading = subscription is not None and (
        subscription.cancels_at is None or subscription.cancels_at > visit.at
    )
    held = subscription if subscription is not None and live and reading else None
    dispute = dispute_limits.open_of(session, reader.id)
    return AccountPage(
        email=reader.email,
        status=sentence_of(visit.context(session), reader.id, subscription),
        next_charge=_next_charge(visit, session, held),
        card=_card(session, held),
        past_due=_past_due(visit, session, held),
        can_cancel=held is not None and held.cancels_at is None,
        can_resume=held is not None and may_undo(visit.context(session), held),
        dispute=_dispute(dispute),
        unreached=unreached(session, visit.services.site, reader, subscription),
        cancel_request_at=held.cancel_request_at if held and held.cancels_at is None else None,
        charge_put_off=held is not None and held.held_until is not None,
        withdraw=withdrawal(visit, session, subscription, BACK),
        plan=choices(visit, session, held),
        can_subscribe=held is None,
        receipts=tuple(receipt_row(paid) for paid in receipts.paid_by(session, reader.id)),
        sessions=tuple(
            SessionRow(
                session_id=row.id,
                device=devices.in_words(row.device),
                last_seen_at=row.seen_at,
                is_this=visit.session is not None and row.id == visit.session.id,
            )
            for row in sessions.open_sessions(visit.context(session), reader.id)
        ),
    )


def _next_charge(visit: Visit, session: Session, subscription: Subscription | None) -> NextChargeRow | None:
    due = next_charge(subscription, visit.services.site.zone) if subscription else None
    if subscription is None or due is None:
        return None
    price = terms_on(session, subscription, due.on)[1]
    return NextChargeRow(on=due.on, amount=Money(price.amount, price.currency))


def _price(session: Session, subscription: Subscription) -> Money:
    price = terms_of(session, subscription)[1]
    return Money(price.amount, price.currency)


def _card(session: Session, subscription: Subscription | None) -> Card | None:
    if subscription is None:
        return None
    method = session.get(PaymentMethod, subscription.payment_method_id)
    return card_of(method) if method else None


def _past_due(visit: Visit, session: Session, subscription: Subscription | None) -> PastDue | None:
    if subscription is None or subscription.state is not State.PAST_DUE:
        return None
    return PastDue(
        amount=_price(session, subscription),
        reading_until=visit.services.site.last_day(subscription.access_until),
        retry_on=subscription.retry_on,
        bank_asked=_bank_asked(session, subscription),
    )


def _bank_asked(session: Session, subscription: Subscription) -> bool:
    invoice = open_invoice(session, subscription.id)
    return invoice is None or attempt_history.bank_was_asked(session, invoice)


def _dispute(dispute: Dispute | None) -> AccountDispute | None:
    if dispute is None:
        return None
    return AccountDispute(amount=Money(dispute.amount), inquiry=dispute.inquiry)


@router.post("/account/address")
def another_address(visit: Guarded, email: Annotated[str, Form()] = "") -> Response:
    """Another address, where the reader's own refuses our mail: a link goes there, and makes it theirs."""
    if visit.reader is None:
        return visit.go("/sign-in")
    services = visit.services
    try:
        with visit.begin() as ctx:
            sign_in.count_asks(ctx, email, visit.browser)
            sign_in.ask_for_another(ctx, visit.reader, email, visit.browser)
    except BadAddress as refusal:
        with services.database.transaction() as session:
            page = _account(visit, session, visit.reader)
        if page.unreached is None:  # mails have come to arrive meanwhile
            return visit.go("/account")
        typed = replace(page.unreached, typed=email[:254], error=refusal.detail)
        return visit.page(replace(page, unreached=typed), 422)
    return visit.go("/sign-in/sent")


def _live(visit: Visit) -> Subscription | None:
    if visit.reader is None:
        return None
    with visit.services.database.transaction() as session:
        return live_of(session, visit.reader.id)


@router.get("/account/cancel")
def ask_cancel(visit: Visiting) -> Response:
    """What cancelling means, and the button: the second click of two."""
    subscription = _live(visit)
    if subscription is None:
        return visit.go("/account" if visit.reader else "/sign-in")
    return cancel_page(visit, subscription, action="/account/cancel", back=BACK)


@router.post("/account/cancel")
def cancel(
    visit: Guarded,
    when: Annotated[str, Form()] = "period_end",
    reason: Annotated[str, Form()] = "",
    comment: Annotated[str, Form(), LINES] = "",
) -> Response:
    """Cancel, counted from this moment."""
    subscription = _live(visit)
    if subscription is None:
        return visit.go("/account" if visit.reader else "/sign-in")
    cancel_with(visit, subscription, when=when, reason=reason, comment=comment)
    return visit.go("/account/cancelled")


@router.get("/account/cancelled")
def cancelled(visit: Visiting) -> Response:
    """It is done; and the way back. The mail that confirms a cancellation leads here."""
    if visit.reader is None:
        return step_up.sign_in_first(visit, visit.path)
    with visit.services.database.transaction() as session:
        subscription = latest_of(session, visit.reader.id)
    if subscription is None or subscription.cancel_asked_at is None:
        return visit.go("/account")
    return cancelled_page(visit, subscription, back=BACK)


@router.get("/account/withdraw")
def ask_withdraw(visit: Visiting) -> Response:
    """What taking the sale back means, and the button."""
    if visit.reader is None:
        return visit.go("/sign-in")
    with visit.services.database.transaction() as session:
        subscription = latest_of(session, visit.reader.id)
        offer = withdrawal(visit, session, subscription, BACK)
    if offer is None or subscription is None or offer.requested_on is not None:
        return visit.go("/account")
    return visit.page(
        WithdrawPage(
            email=visit.reader.email,
            offer=offer,
            access_until=last_day(visit, subscription) if subscription.state is not State.ENDED else None,
        )
    )


@router.post("/account/withdraw")
def withdraw(visit: Guarded) -> Response:
    """Take the sale back in this one step (ECT-5); or, where staff decide, cancel and ask them."""
    if visit.reader is None:
        return visit.go("/sign-in")
    with visit.services.database.transaction() as session:
        subscription = latest_of(session, visit.reader.id)
    if subscription is None:
        return visit.go("/account")
    done = withdraw_with(visit, subscription)
    return visit.go("/account", "withdrawn" if done else "asked-back")


@router.post("/account/resume")
def resume(visit: Guarded) -> Response:
    """Undo a cancellation."""
    subscription = _live(visit)
    if subscription is None:
        return visit.go("/account" if visit.reader else "/sign-in")
    undo_with(visit, subscription)
    return visit.go("/account", "resumed")


@router.post("/account/keep")
def keep(visit: Guarded) -> Response:
    """A request to cancel that came by form wasn't the reader's, or holds no more."""
    if visit.reader is None:
        return visit.go("/sign-in")
    with visit.begin() as ctx:
        goes_on = cancellations.keep(ctx, visit.reader.id)
    return visit.go("/account", "resumed" if goes_on else "not-kept")


@router.get("/account/card")
def ask_card(visit: Visiting) -> Response:
    """A button to the card page: where a fresh sign-in for another card leads."""
    if visit.reader is None:
        return step_up.sign_in_first(visit, visit.path)
    return visit.page(ChangeCardPage(action="/account/card")) if _live(visit) else visit.go("/account")


@router.post("/account/card")
@may_wait
def change_card(visit: Guarded) -> Response | Waits:
    """To the card page, for another card; after a fresh sign-in, unless we asked for a card. Raises ProveFirst."""
    subscription = _live(visit)
    if subscription is None:
        return visit.go("/account" if visit.reader else "/sign-in")
    if not card_is_asked_for(visit, subscription):
        step_up.require_fresh(visit, "card")
    return open_card_page(visit, subscription)
