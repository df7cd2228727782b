"""Paying what is open without signing in: from the link in a mail about a declined charge. GET shows, POST pays (H6)."""

from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.billing_run import pay_in_person as paying
from billing.billing_run.pay_in_person import Owing
from billing.http import cookies
from billing.payments import numbers, return_polls
from billing.payments.invoices import open_invoice
from billing.payments.models import Attempt, AttemptState, InvoiceState
from billing.payments.receipts import one
from billing.platform.site import CANCEL, PAY
from billing.readers import rate
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.subscriptions.find import live_of
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.view_rows import card_of
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader.signed_links import BadLink, keep_link
from billing.web.reader.start_shared import count_return
from billing.web.views.account import PayOverPage, PayPage

router = APIRouter(include_in_schema=False)
PAY_LIFE = timedelta(hours=3)
"""Longer than the hosted page is open, so that its reader finds the way back."""
AN_HOUR = timedelta(hours=1)


@router.get("/pay/back")
@may_wait
def back(visit: Visiting, attempt: Annotated[str, Query(max_length=100)] = "") -> Response | Waits:
    """The reader returns from the hosted page; in another browser the webhook tells us instead. Counted, as its page asks again by
    itself."""
    invoice_id = _linked(visit)
    with visit.begin() as ctx:
        count_return(visit, ctx.session)
        known = invoice_id is not None and paying.is_of(ctx.session, attempt, invoice_id)
        asks = known and return_polls.claim(ctx, Attempt, attempt)
    if invoice_id is None or not known:
        return visit.go("/account")
    back = partial(_came_back, visit, attempt, invoice_id)
    ask = partial(_ask, visit, attempt, invoice_id)
    return Waits(visit, ask, partial(back, claimed=True)) if asks else back()


def _ask(visit: Visit, attempt_id: str, invoice_id: str) -> Response:
    paying.come_back(visit.services.run_context, attempt_id, visit.at)
    return _came_back(visit, attempt_id, invoice_id, claimed=True)


def _came_back(visit: Visit, attempt_id: str, invoice_id: str, *, claimed: bool = False) -> Response:
    services = visit.services
    with visit.begin() as ctx:
        if claimed:
            return_polls.done(ctx, Attempt, attempt_id, services.settings.return_poll_seconds)
        if ctx.session.get_one(Attempt, attempt_id).state is not AttemptState.OPEN:
            return visit.go("/pay")
        now = paying.owing(ctx, invoice_id)
        return visit.page(_over(ctx.session, now, Closed.CHARGING, again=f"/pay/back?attempt={attempt_id}"))


@router.get("/pay/stop")
def stop(visit: Visiting) -> Response:
    """To the page that cancels: the mail with this link holds that one too."""
    with visit.begin() as ctx:
        now = paying.owing(ctx, _invoice_id(visit))
    return keep_link(visit, CANCEL, visit.services.site.tokens.token(CANCEL, now.subscription.id), "/cancel")


@router.get("/pay/{token}")
def follow(visit: Visiting, token: str) -> Response:
    """From a mail to the page that takes the payment."""
    return keep_link(visit, PAY, token, "/pay", PAY_LIFE)


@router.get("/pay")
def ask(visit: Visiting) -> Response:
    """What is open, what happens when it is paid, and the ways to do it; or, kindly, why there is nothing to pay."""
    with visit.begin() as ctx:
        now = paying.owing(ctx, _invoice_id(visit))
        if now.owed and not now.charging:
            return visit.page(_open(visit, now))
        return visit.page(_over(ctx.session, now, _why(now)))


@router.post("/pay")
@may_wait
def with_card(visit: Guarded) -> Waits:
    """Charge the card on record, now."""
    invoice_id = _counted(visit)
    return Waits(visit, lambda: _charge_card(visit, invoice_id))


def _charge_card(visit: Visit, invoice_id: str) -> Response:
    try:
        state = paying.with_card_on_record(visit.services.run_context, invoice_id, visit.at)
    except (paying.NothingToPay, paying.Underway, paying.OtherWay):
        return visit.go("/pay")  # which says how it stands
    return visit.go("/pay", "not-charged" if state is AttemptState.DECLINED else None)


@router.post("/pay/page")
@may_wait
def with_page(visit: Guarded) -> Waits:
    """To the hosted page, for another card or for the bank's own question. Raises Unavailable."""
    invoice_id = _counted(visit)
    return Waits(visit, lambda: _open_page(visit, invoice_id))


def _open_page(visit: Visit, invoice_id: str) -> Response:
    try:
        url = paying.open_page(visit.services.run_context, invoice_id, visit.at)
    except (paying.NothingToPay, paying.Underway):
        return visit.go("/pay")
    visit.give(cookies.LINK, visit.cookie(cookies.LINK), PAY_LIFE)
    return visit.go(url or "/pay")


@router.post("/account/pay")
def from_account(visit: Guarded) -> Response:
    """From the account to the same page."""
    if visit.reader is None:
        return visit.go("/sign-in")
    with visit.services.database.transaction() as session:
        subscription = live_of(session, visit.reader.id)
        invoice = open_invoice(session, subscription.id) if subscription else None
    if invoice is None:
        return visit.go("/account")
    return keep_link(visit, PAY, visit.services.site.tokens.token(PAY, invoice.id), "/pay", PAY_LIFE)


def _linked(visit: Visit) -> str | None:
    return visit.services.site.tokens.subject_of(PAY, visit.cookie(cookies.LINK))


def _invoice_id(visit: Visit) -> str:
    """The invoice of the link that was followed. Raises BadLink."""
    found = _linked(visit)
    if found is None:
        raise BadLink
    return found


def _counted(visit: Visit) -> str:
    """The same, for an act: so many an hour from one place, and for one invoice. Raises BadLink, TooMany."""
    invoice_id = _invoice_id(visit)
    with visit.begin() as ctx:
        rate.count_network(ctx, "pay", visit.ip, limit=30, per=AN_HOUR)
        rate.count(ctx, "pay", invoice_id, limit=20, per=AN_HOUR)
    return invoice_id


def _open(visit: Visit, now: Owing) -> PayPage:
    invoice = now.invoice
    return PayPage(
        amount=Money(invoice.gross, invoice.currency),
        period_from=invoice.period_start_on,
        period_to=invoice.period_end_on - timedelta(days=1),
        reading_until=visit.services.site.last_day(now.subscription.access_until),
        retry_on=now.subscription.retry_on,
        card=card_of(now.card),
        with_card=now.with_card,
        confirm=now.confirm,
        bank_asked=now.bank_asked,
    )


class Closed(StrEnum):
    """Why an invoice can't be paid now; the page's words follow it."""

    PAID = "paid"
    GIVEN_BACK = "given_back"
    CHARGING = "charging"
    CANCELLED = "cancelled"
    GIVEN_AWAY = "given_away"
    OVER = "over"


def _why(now: Owing) -> Closed:
    if now.invoice.state is InvoiceState.PAID:
        return Closed.PAID
    if now.owed or (now.invoice.state is InvoiceState.OPEN and now.charging):
        return Closed.CHARGING
    if now.subscription.cancel_asked_at is not None:
        return Closed.CANCELLED
    goes_on = now.subscription.state is not State.ENDED
    return Closed.GIVEN_AWAY if goes_on and now.invoice.state is InvoiceState.VOID else Closed.OVER


def _over(session: Session, now: Owing, reason: Closed, again: str = "/pay") -> PayOverPage:
    invoice = now.invoice
    paid = one(session, invoice.id, invoice.reader_id) if reason is Closed.PAID else None
    return PayOverPage(
        reason=Closed.GIVEN_BACK if paid and paid.refunds else reason,
        amount=Money(invoice.gross, invoice.currency),
        number=numbers.invoice_number(invoice.number) if invoice.number else None,
        paid_on=invoice.issued_on,
        again_url=again,
    )
