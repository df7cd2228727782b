"""Find readers by whatever staff are told: mail (also partly), external id, invoice number, last four digits, any id of ours or the acquirer's."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.payments.dispute_models import Dispute
from billing.payments.models import Attempt, CardSetup, Invoice, Payment, PaymentMethod, Refund
from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.readers import rate
from billing.readers.models import Reader
from billing.staff import audit
from billing.subscriptions.models import Subscription

MOST = 25
SHORTEST = 3
"""Letters of an address by which it is looked for."""
LARGEST_NUMBER = 2**31 - 1
_INVOICE = re.compile(r"(?:INV-?)?0*(\d{1,10})", re.IGNORECASE)
_OURS: dict[str, type[Subscription] | type[Invoice] | type[Payment] | type[Refund] | type[Dispute]] = {
    "sub": Subscription,
    "inv": Invoice,
    "pay": Payment,
    "ref": Refund,
    "dsp": Dispute,
}


class By(StrEnum):
    """What a reader was found by."""

    MAIL = "mail"
    PART_OF_MAIL = "part of the mail address"
    READER = "our id"
    EXTERNAL = "external id"
    INVOICE = "invoice number"
    LAST4 = "last four digits"
    ACQUIRER = "id at the acquirer"


_FOREIGN = re.compile(r"(?=.*[\d_])[\w.=-]{6,255}", re.ASCII)
"""What may be an id of an acquirer's: a random one may hold no digit, and a name holds no underscore."""


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A reader, and what fitted."""

    reader: Reader
    by: By


def find(ctx: TransactionContext, text: str, *, limit: int = 120) -> list[FoundReader]:
    """Readers that fit, at most 25 and once each; the best ground first. Each search is counted (TooMany) and audited:
    how it was sought and who was found, not what was typed, so that the audit outlives an erasure without an address."""
    rate.count(
        ctx, "staff find", staff_id_of(ctx.actor) or str(ctx.actor), limit=limit, per=timedelta(minutes=10)
    )
    found: dict[str, FoundReader] = {}
    for by, query in _queries(text.strip()):
        for reader in ctx.session.exec(query.order_by(col(Reader.id).desc()).limit(MOST)):
            found.setdefault(reader.id, FoundReader(reader, by))
    readers = list(found.values())[:MOST]
    audit.write(
        ctx,
        "find",
        reader_id=readers[0].reader.id if len(readers) == 1 else None,
        after={
            "by": sorted({one.by.value for one in readers}),
            "found": [one.reader.id for one in readers],
        },
    )
    return readers


def _queries(text: str) -> list[tuple[By, SelectOfScalar[Reader]]]:
    """The searches that the text may stand for, the surest first."""
    reader = select(Reader)
    if not text:
        return []
    queries = [
        (By.MAIL, reader.where(sa.func.lower(Reader.email) == text.lower())),
        (By.EXTERNAL, reader.where(Reader.external_id == text)),
    ]
    if match := _INVOICE.fullmatch(text):
        number = int(match[1])
        if number <= LARGEST_NUMBER:
            queries.append((By.INVOICE, _owner(Invoice, Invoice.number == number)))
    if re.fullmatch(r"\d{4}", text):
        queries.append((By.LAST4, _owner(PaymentMethod, PaymentMethod.last4 == text)))
    queries += _by_id(text)
    if len(text) >= SHORTEST:
        part = col(Reader.email).icontains(text, autoescape=True)
        queries.append((By.PART_OF_MAIL, reader.where(part)))
    return queries


def _by_id(text: str) -> list[tuple[By, SelectOfScalar[Reader]]]:
    kind = text.partition("_")[0]
    if kind == "rdr":
        return [(By.READER, select(Reader).where(Reader.id == text))]
    if kind in _OURS:
        table = _OURS[kind]
        return [(By.READER, _owner(table, table.id == text))]
    return [(By.ACQUIRER, query) for query in _by_acquirers_id(text)] if _FOREIGN.fullmatch(text) else []


def _by_acquirers_id(text: str) -> list[SelectOfScalar[Reader]]:
    """Whatever the acquirer calls by this name: each acquirer writes its ids in its own way, so none is guessed from its look."""
    tried = select(Attempt.subscription_id).where(Attempt.intent_ref == text)
    return [
        _owner(PaymentMethod, PaymentMethod.customer_ref == text),
        _owner(CardSetup, CardSetup.customer_ref == text),
        _owner(PaymentMethod, PaymentMethod.gateway_ref == text),
        _owner(CardSetup, CardSetup.session_ref == text),
        _owner(Payment, Payment.charge_ref == text),
        _owner(Payment, Payment.intent_ref == text),
        _owner(Subscription, col(Subscription.id).in_(tried)),
        _owner(Refund, Refund.gateway_ref == text),
        _owner(Dispute, Dispute.gateway_ref == text),
    ]


def _owner(
    table: type[Subscription]
    | type[Invoice]
    | type[Payment]
    | type[Refund]
    | type[Dispute]
    | type[PaymentMethod]
    | type[CardSetup],
    fits: sa.ColumnElement[bool] | bool,
) -> SelectOfScalar[Reader]:
    """Whose the fitting rows of the table are."""
    owners = select(table.reader_id).where(fits)
    return select(Reader).where(col(Reader.id).in_(owners))
