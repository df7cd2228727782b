"""Paying an open invoice without signing in, from the link in a mail about a declined charge. GET shows, POST pays (H6)."""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.billing_run import pay_in_person
from billing.billing_run.pay_in_person import Owing
from billing.http import cookies
from billing.payments import numbers, return_polls
from billing.payments.invoices import open_invoice
from billing.payments.models import Attempt, AttemptState, InvoiceState
from billing.payments.receipts import one
from billing.platform.context import TransactionContext
from billing.platform.site import CANCEL, PAY
from billing.readers import rate
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.view_rows import card_of
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import way
from billing.web.reader.agreement import Shown, differences, words_of_card, words_of_money
from billing.web.reader.guard import running
from billing.web.reader.signed_links import follow_link, keep_link, kept_subject
from billing.web.reader.start_shared import count_return
from billing.web.views.account import PayOverPage, PayPage
from emails.languages import say

router = APIRouter(include_in_schema=False)
PAY_LIFE = timedelta(hours=3)
"""Longer than the hosted page is open, so that its reader finds the way back."""
AN_HOUR = timedelta(hours=1)


@router.get("/pay/back")
@may_call_gateway
def back(visit: Visiting, attempt: Annotated[str, Query(max_length=100)] = "") -> Response | GatewayCall:
    """The reader returns from the hosted page. In another browser the link is missing: there the webhook has to do. Counted, as
    the waiting page polls it. Raises TooMany."""
    invoice_id = visit.services.site.tokens.subject_of(PAY, visit.cookie(cookies.LINK))
    with visit.begin() as ctx:
        count_return(visit, ctx)
        known = invoice_id is not None and pay_in_person.belongs_to(ctx.session, attempt, invoice_id)
        polls = known and return_polls.claim(ctx, Attempt, attempt)
    if invoice_id is None or not known:
        return visit.go("/account")
    if not polls:
        return _came_back(visit, attempt, invoice_id)
    # also without a poll, where the bulkhead is full, the claim is released: the page polls again by itself
    return GatewayCall(
        visit,
        partial(_poll, visit, attempt, invoice_id),
        partial(_came_back, visit, attempt, invoice_id, claimed=True),
    )


def _poll(visit: Visit, attempt_id: str, invoice_id: str) -> Response:
    pay_in_person.return_from_page(visit.services.run_context, attempt_id, visit.at)
    return _came_back(visit, attempt_id, invoice_id, claimed=True)


def _came_back(visit: Visit, attempt_id: str, invoice_id: str, *, claimed: bool = False) -> Response:
    with visit.begin() as ctx:
        if claimed:
            return_polls.done(ctx, Attempt, attempt_id, visit.services.settings.return_poll_seconds)
        if ctx.session.get_one(Attempt, attempt_id).state is not AttemptState.OPEN:
            return visit.go("/pay")
        owing = pay_in_person.owing(ctx, invoice_id)
        again_url = f"/pay/back?attempt={attempt_id}"
        return visit.page(_over(ctx.session, owing, Closed.CHARGING, again_url=again_url))


@router.get("/pay/stop")
def stop(visit: Visiting) -> Response:
    """To the page that cancels: the mail with this link holds that one too. Raises BadLink."""
    with visit.read() as ctx:
        owing = pay_in_person.owing(ctx, kept_subject(visit, PAY))
    return follow_link(visit, CANCEL, owing.subscription.id, "/cancel")


@router.get("/pay/{token}")  # after the routes above, which it would match
def follow(visit: Visiting, token: str) -> Response:
    """From a mail to the page that takes the payment. Raises BadLink."""
    return keep_link(visit, PAY, token, "/pay", PAY_LIFE)


@router.get("/pay")
def ask(visit: Visiting) -> Response:
    """The open invoice and the ways to pay it; or why there is nothing to pay. Raises BadLink."""
    with visit.read() as ctx:
        owing = pay_in_person.owing(ctx, kept_subject(visit, PAY))
        return visit.page(_page(visit, ctx, owing))


def _page(visit: Visit, ctx: TransactionContext, owing: Owing) -> PayPage | PayOverPage:
    if owing.owed and not owing.charging:
        return _open(visit, owing)
    return replace(_over(ctx.session, owing, _why(owing)), read_on=way.read_on(visit, ctx))


@router.post("/pay")
@may_call_gateway
def with_card(visit: Guarded, agreed: Annotated[str, Form()] = "") -> Response | GatewayCall:
    """Charge the card on record now, where the page has shown it, and the sum. Raises BadLink, TooMany."""
    invoice_id = _counted(visit)
    with visit.begin() as ctx:
        view = _page(visit, ctx, pay_in_person.owing(ctx, invoice_id))
    if isinstance(view, PayOverPage):
        return visit.go("/pay")  # which says why
    changed = differences(visit.services.site.tokens, agreed, view.agreed)
    if changed:
        return visit.page(replace(view, changed=changed), 409)
    return GatewayCall(visit, partial(_charge_card, visit, invoice_id))


def _charge_card(visit: Visit, invoice_id: str) -> Response:
    try:
        state = pay_in_person.with_card_on_record(visit.services.run_context, invoice_id, visit.at)
    except (pay_in_person.NothingToPay, pay_in_person.Underway, pay_in_person.OtherWay):
        return visit.go("/pay")  # which says why
    return visit.go("/pay", "not-charged" if state is AttemptState.DECLINED else None)


@router.post("/pay/page")
@may_call_gateway
def with_page(visit: Guarded) -> GatewayCall:
    """To the hosted page, for another card or for the bank's own question. Raises BadLink, TooMany, Unavailable."""
    return GatewayCall(visit, partial(_open_page, visit, _counted(visit)))


def _open_page(visit: Visit, invoice_id: str) -> Response:
    try:
        url = pay_in_person.open_page(visit.services.run_context, invoice_id, visit.at)
    except (pay_in_person.NothingToPay, pay_in_person.Underway):
        return visit.go("/pay")
    visit.give(cookies.LINK, visit.cookie(cookies.LINK), PAY_LIFE)  # three more hours from here
    return visit.go(url or "/pay")


@router.post("/account/pay")
def from_account(visit: Guarded, article: Annotated[str, Form()] = "") -> Response:
    """From the account, or the wall of an article, to the same page. Raises RedirectReader."""
    way.arrive(visit, article)
    with visit.begin() as ctx:
        invoice = open_invoice(ctx.session, running(visit, ctx.session).id)
    return follow_link(visit, PAY, invoice.id, "/pay", PAY_LIFE) if invoice else visit.go("/account")


def _counted(visit: Visit) -> str:
    """The link's invoice, for an act: an hour has so many from one network and for one invoice. Raises BadLink, TooMany."""
    invoice_id = kept_subject(visit, PAY)
    with visit.begin() as ctx:
        rate.count_network(ctx, "pay", visit.ip, limit=30, per=AN_HOUR)
        rate.count(ctx, "pay", invoice_id, limit=20, per=AN_HOUR)
    return invoice_id


def _open(visit: Visit, owing: Owing) -> PayPage:
    invoice, card = owing.invoice, card_of(owing.card)
    amount = Money(invoice.gross, invoice.currency)
    shown = Shown(
        act="pay",
        price=words_of_money(amount),
        days=say(
            "%(first)s to %(last)s",
            first=invoice.period_start_on,
            last=invoice.period_end_on - timedelta(days=1),
        ),
        card=words_of_card(card),
    )  # without the address: a mail with this link may have been forwarded
    return PayPage(
        amount=amount,
        agreed=shown.token(visit.services.site.tokens),
        period_from=invoice.period_start_on,
        period_to=invoice.period_end_on - timedelta(days=1),
        reading_until=visit.services.site.last_day(owing.subscription.access_until),
        retry_on=owing.subscription.retry_on,
        card=card,
        with_card=owing.with_card,
        confirm=owing.confirm,
        bank_asked=owing.bank_asked,
        cause=owing.cause,
    )


class Closed(StrEnum):
    """Why an invoice can't be paid now; chooses the words of the page."""

    PAID = "paid"
    GIVEN_BACK = "given_back"
    CHARGING = "charging"
    CANCELLED = "cancelled"
    GIVEN_AWAY = "given_away"
    OVER = "over"


def _why(owing: Owing) -> Closed:
    if owing.invoice.state is InvoiceState.PAID:
        return Closed.PAID
    if owing.owed or (owing.invoice.state is InvoiceState.OPEN and owing.charging):
        return Closed.CHARGING
    if owing.subscription.cancel_asked_at is not None:
        return Closed.CANCELLED
    goes_on = owing.subscription.state is not State.ENDED
    return Closed.GIVEN_AWAY if goes_on and owing.invoice.state is InvoiceState.VOID else Closed.OVER


def _over(session: Session, owing: Owing, reason: Closed, again_url: str = "/pay") -> PayOverPage:
    invoice = owing.invoice
    paid = one(session, invoice.id, invoice.reader_id) if reason is Closed.PAID else None
    return PayOverPage(
        reason=Closed.GIVEN_BACK if paid and paid.refunds else reason,
        amount=Money(invoice.gross, invoice.currency),
        number=numbers.invoice_number(invoice.number) if invoice.number else None,
        paid_on=invoice.issued_on,
        again_url=again_url,
    )
