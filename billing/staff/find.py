"""Find readers by mail (also by an earlier one, or a part), external id, invoice number, last four digits, or an id of ours or an acquirer."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.payments.corrections import InvoiceCorrection
from billing.payments.dispute_models import Dispute
from billing.payments.models import Attempt, CardSetup, Invoice, Payment, PaymentMethod, Refund
from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.readers import rate
from billing.readers.address_change import AddressChange
from billing.readers.models import Reader
from billing.staff import audit
from billing.subscriptions.models import Subscription

MOST = 25
SHORTEST = 3
"""Letters that a part of an address must have."""
LARGEST_NUMBER = 2**31 - 1
"""PostgreSQL refuses to compare an integer column with more."""
_INVOICE = re.compile(r"(?:INV-?)?0*(\d{1,10})", re.IGNORECASE)
OfReader = Subscription | Invoice | InvoiceCorrection | Payment | Refund | Dispute | PaymentMethod | CardSetup
_OURS: dict[str, type[OfReader]] = {
    "sub": Subscription,
    "inv": Invoice,
    "pay": Payment,
    "ref": Refund,
    "dsp": Dispute,
}


class By(StrEnum):
    """What a reader was found by."""

    MAIL = "mail"
    EARLIER_MAIL = "earlier mail address"
    PART_OF_MAIL = "part of the mail address"
    READER = "our id"
    EXTERNAL = "external id"
    INVOICE = "invoice number"
    LAST4 = "last four digits"
    ACQUIRER = "id at the acquirer"


_FOREIGN = re.compile(r"(?=.*[\d_])[\w.=-]{6,255}", re.ASCII)
"""What may be an acquirer's id: one without a digit has an underscore, which no name has."""


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A reader, and by what they were found."""

    reader: Reader
    by: By


def find(ctx: TransactionContext, text: str, *, limit: int = 120) -> list[FoundReader]:
    """Readers that fit, once each and at most 25, the surest first. Each search is counted (TooMany) and audited.

    The audit keeps who was found and how, not what was typed: after an erasure it must not hold an address."""
    whose = staff_id_of(ctx.actor) or str(ctx.actor)
    rate.count(ctx, "staff find", whose, limit=limit, per=timedelta(minutes=10))
    by_id: dict[str, FoundReader] = {}
    for by, query in _queries(text.strip()):
        for reader in ctx.session.exec(query.order_by(col(Reader.id).desc()).limit(MOST)):
            by_id.setdefault(reader.id, FoundReader(reader, by))
    readers = list(by_id.values())[:MOST]
    audit.write(
        ctx,
        "find",
        reader_id=readers[0].reader.id if len(readers) == 1 else None,
        after={
            "by": sorted({found.by.value for found in readers}),
            "found": [found.reader.id for found in readers],
        },
    )
    return readers


def _queries(text: str) -> list[tuple[By, SelectOfScalar[Reader]]]:
    """The searches that the text may mean, the surest first."""
    reader = select(Reader)
    if not text:
        return []
    queries = [
        (By.MAIL, reader.where(sa.func.lower(Reader.email) == text.lower())),
        (By.EXTERNAL, reader.where(Reader.external_id == text)),
        (By.EARLIER_MAIL, _had(text.lower())),
    ]
    if (match := _INVOICE.fullmatch(text)) and (number := int(match[1])) <= LARGEST_NUMBER:
        queries.append((By.INVOICE, _owner(Invoice, Invoice.number == number)))
        replaced = InvoiceCorrection.replaced_number == number
        queries.append((By.INVOICE, _owner(InvoiceCorrection, replaced)))
    if re.fullmatch(r"\d{4}", text):
        queries.append((By.LAST4, _owner(PaymentMethod, PaymentMethod.last4 == text)))
    queries += _by_id(text)
    if len(text) >= SHORTEST:
        queries.append((By.PART_OF_MAIL, reader.where(col(Reader.email).icontains(text, autoescape=True))))
    return queries


def _had(address: str) -> SelectOfScalar[Reader]:
    """Who had the address before another."""
    old, new = (sa.func.lower(name) == address for name in (AddressChange.old_email, AddressChange.new_email))
    had = select(AddressChange.reader_id).where(
        sa.or_(old, new), col(AddressChange.confirmed_at).is_not(None)
    )
    return select(Reader).where(col(Reader.id).in_(had))


def _by_id(text: str) -> list[tuple[By, SelectOfScalar[Reader]]]:
    kind = text.partition("_")[0]
    if kind == "rdr":
        return [(By.READER, select(Reader).where(Reader.id == text))]
    if table := _OURS.get(kind):
        return [(By.READER, _owner(table, table.id == text))]
    return [(By.ACQUIRER, query) for query in _by_acquirers_id(text)] if _FOREIGN.fullmatch(text) else []


def _by_acquirers_id(text: str) -> list[SelectOfScalar[Reader]]:
    """All that an acquirer may call by this id. Each acquirer writes ids its own way, so the kind isn't guessed from the text."""
    attempted = select(Attempt.subscription_id).where(Attempt.intent_ref == text)
    return [
        _owner(PaymentMethod, PaymentMethod.customer_ref == text),
        _owner(CardSetup, CardSetup.customer_ref == text),
        _owner(PaymentMethod, PaymentMethod.gateway_ref == text),
        _owner(CardSetup, CardSetup.session_ref == text),
        _owner(Payment, Payment.charge_ref == text),
        _owner(Payment, Payment.intent_ref == text),
        _owner(Subscription, col(Subscription.id).in_(attempted)),
        _owner(Refund, Refund.gateway_ref == text),
        _owner(Dispute, Dispute.gateway_ref == text),
    ]


def _owner(table: type[OfReader], fits: sa.ColumnElement[bool] | bool) -> SelectOfScalar[Reader]:
    """The readers whose rows of the table fit."""
    return select(Reader).where(col(Reader.id).in_(select(table.reader_id).where(fits)))
