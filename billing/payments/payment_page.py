"""The hosted page on which a reader pays one open invoice. It has an attempt of its own, and is closed before another charge.

The attempt is open while the page is, and an invoice has one open attempt at most. So a retry and a reader can't both pay."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select

from billing.acquirer.answers import (
    CardPage,
    ChargeClaim,
    Charged,
    ChargeRequest,
    CustomerGone,
    NoSuchObject,
    PageClosed,
    PageOpen,
    PayPageRequest,
    Unknown,
)
from billing.acquirer.port import Gateway
from billing.payments.customers import with_customer
from billing.payments.invoices import percent
from billing.payments.models import Attempt, AttemptState, Invoice, PaymentMethod
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.readers.register import by_id

LIFE = timedelta(hours=1)
"""How long a page stays open. Short, because a due retry waits for it; an acquirer may require 30 minutes."""
SHORTEST = timedelta(minutes=10)
"""A page with less time left isn't given out again, unless a new one would end as soon."""
OPENED_WITHIN = timedelta(minutes=25)
"""A page that is opened by then has the acquirer's 30 minutes left, even if its clock is minutes ahead of ours."""
WORDS = "Your subscription is charged to this card from now on. You can cancel at any time."


_OPEN_PAGE = (Attempt.state == AttemptState.OPEN, col(Attempt.hosted).is_(True))


def of_invoice(session: Session, invoice_id: str) -> Attempt | None:
    """The attempt of the invoice's open page, if there is one."""
    return session.exec(select(Attempt).where(Attempt.invoice_id == invoice_id, *_OPEN_PAGE)).first()


def ends_at(at: datetime, grace_ends_at: datetime) -> datetime:
    """When a page that is opened now ends: after `LIFE`, and with the grace at the latest."""
    return min(at + LIFE, grace_ends_at)


def is_of_use(attempt: Attempt, at: datetime, grace_ends_at: datetime) -> bool:
    """Whether the reader may still be sent to this page. Else a new one is opened, with an end of its own."""
    if attempt.page_ref is None and at - attempt.intended_at > OPENED_WITHIN:
        return False
    return attempt.next_poll_at >= min(at + SHORTEST, grace_ends_at)


def is_open(session: Session, subscription_id: str) -> bool:
    """Whether the reader may be paying on a page at this moment."""
    found = select(Attempt.id).where(Attempt.subscription_id == subscription_id, *_OPEN_PAGE)
    return session.exec(found).first() is not None


class HostedPage(NamedTuple):
    """A page and the attempt that it pays. The caller knows `ref`: a crash may have lost `Attempt.page_ref`."""

    attempt_id: str
    ref: str


def by_ref(session: Session, acquirer: str, page_ref: str) -> str | None:
    """The attempt of a page, by the acquirer's reference."""
    found = select(Attempt.id).where(Attempt.page_ref == page_ref, Attempt.acquirer == acquirer)
    return session.exec(found).first()


def close_soon(ctx: TransactionContext, subscription_id: str) -> None:
    """Make an open page of the subscription due, so that the next worker closes it. The caller holds the subscription's lock."""
    found = select(Attempt).where(
        Attempt.subscription_id == subscription_id, *_OPEN_PAGE, Attempt.next_poll_at > ctx.at
    )
    for attempt in ctx.session.exec(found):
        attempt.next_poll_at = ctx.at


def open_page(database: Database, gateway: Gateway, site: Site, attempt_id: str, suffix: str | None) -> str:
    """The address of a page for a committed attempt; the same while it is open. Raises Unavailable.

    The key finds a page again that a process opened and died before noting it. Where the acquirer failed on that key, the next
    try has another: no reader was given a page whose reference we never learnt (STR-5)."""
    with database.transaction() as session:
        suffix = gateway.capabilities.descriptor(suffix)
        request = _request(session, site, session.get_one(Attempt, attempt_id), suffix)
        reader = by_id(session, session.get_one(Invoice, request.claim.invoice_id).reader_id)

    def open_for(customer_ref: str) -> CardPage | CustomerGone | Unknown:
        if customer_ref == request.customer_ref:
            return gateway.open_pay_page(request)
        # an acquirer refuses another request, as one for another customer is, under a used key
        key = f"{request.idempotency_key}-{customer_ref}"
        return gateway.open_pay_page(replace(request, customer_ref=customer_ref, idempotency_key=key))

    page = with_customer(
        gateway,
        request.customer_ref,
        reader_id=reader.id,
        email=reader.email,
        key=f"customer-{request.idempotency_key}",
        call=open_for,
    )
    stop_point("page.opened")
    if isinstance(page, Unknown):
        if page.key_unusable:
            _another_key(database, attempt_id)
        raise Unavailable
    with database.transaction() as session:
        attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
        attempt.page_ref = page.session_ref
    return page.url


def _another_key(database: Database, attempt_id: str) -> None:
    with database.transaction() as session:
        attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
        attempt.page_keys_unusable += 1


def _key(attempt: Attempt) -> str:
    unusable = attempt.page_keys_unusable
    return f"{attempt.idempotency_key}-page-{unusable + 1}" if unusable else attempt.idempotency_key


def _request(session: Session, site: Site, attempt: Attempt, suffix: str | None) -> PayPageRequest:
    invoice = session.get_one(Invoice, attempt.invoice_id)
    return PayPageRequest(
        claim=ChargeClaim(
            attempt.id, invoice.id, attempt.subscription_id, invoice.period_number, attempt.ordinal
        ),
        idempotency_key=_key(attempt),
        customer_ref=session.get_one(PaymentMethod, attempt.payment_method_id).customer_ref,
        amount=attempt.amount,
        currency=invoice.currency,
        what=f"{invoice.description} (incl. {percent(invoice.vat_basis_points)}% VAT)",
        words=WORDS,
        descriptor_suffix=suffix,
        success_url=site.page(f"/pay/back?attempt={attempt.id}"),
        cancel_url=site.page("/pay"),
        # Not `next_poll_at`, at which a worker closes the page: the grace may end sooner than an acquirer's shortest page.
        expires_at=attempt.intended_at + LIFE,
    )


def close_or_look_up(
    gateway: Gateway, request: ChargeRequest, page_ref: str | None
) -> Charged | PageClosed | Unknown:
    """Close the page, unless it has been paid. No transaction may be open.

    No reader was given a page whose reference we never learnt; still, its payment is looked for."""
    if page_ref is None:
        found = gateway.find_charge(request)
        return found if isinstance(found, Charged | Unknown) else PageClosed()
    closes = gateway.capabilities.closes_pages
    answer = gateway.close_pay_page(page_ref) if closes else gateway.fetch_pay_page(page_ref)
    match answer:
        case PageOpen():
            return Unknown("the page could not be closed")  # looked up again until it has expired
        case NoSuchObject():
            return PageClosed()
    return answer
