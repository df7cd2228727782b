"""Find readers by mail (also by an earlier or a freed one, or a part), name, external id, number of a document, last four digits, or an
id of ours or an acquirer. Charges are found by day and amount."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.payments.corrections import InvoiceCorrection
from billing.payments.dispute_models import Dispute
from billing.payments.models import Attempt, CardSetup, Invoice, Payment, PaymentMethod
from billing.payments.refund_models import Refund
from billing.personal_data.merge_models import ReaderMerge
from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.readers import rate
from billing.readers.address_change import AddressChange
from billing.readers.models import Reader
from billing.rules.search_terms import SearchTerms, read_terms
from billing.staff import audit
from billing.staff.find_charges import FoundPayment, charges_of
from billing.staff.find_parts import by_name, by_part_of_mail
from billing.staff.models import ReaderRequest
from billing.subscriptions.models import Subscription

MOST = 25
"""Rows a page."""
PER = timedelta(minutes=10)
LIMIT, LIMIT_AS_TYPED = 120, 400
"""Searches of a member in that time: with the button, and those that the page makes while a word is typed."""
OfReader = (
    Subscription
    | Invoice
    | InvoiceCorrection
    | Payment
    | Refund
    | Dispute
    | PaymentMethod
    | CardSetup
    | ReaderRequest
)
_OURS: dict[str, type[OfReader]] = {
    "sub": Subscription,
    "inv": Invoice,
    "pay": Payment,
    "ref": Refund,
    "dsp": Dispute,
    "req": ReaderRequest,
}
_PLAN_FOR_THESE_WORDS = sa.text("SET LOCAL plan_cache_mode = force_custom_plan")
"""A part that most addresses have, and one that few have, need different indexes: a plan for any word would serve one of them."""


class By(StrEnum):
    """What a reader was found by."""

    MAIL = "mail"
    EARLIER_MAIL = "earlier mail address"
    FREED_MAIL = "mail address of an account merged into it"
    PART_OF_MAIL = "part of the mail address"
    NAME = "name on tax invoices"
    READER = "our id"
    EXTERNAL = "external id"
    INVOICE = "invoice number"
    CREDIT_NOTE = "credit note number"
    LAST4 = "last four digits"
    ACQUIRER = "id at the acquirer"


_FOREIGN = re.compile(r"(?=.*[\d_])[\w.=-]{6,255}", re.ASCII)
"""What may be an acquirer's id: one without a digit has an underscore, which no name has."""


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A reader, and by what they were found."""

    reader: Reader
    by: By


@dataclass(frozen=True, slots=True)
class Found:
    """A page of readers, the surest first, and one of charges, newest first. `after` of each is the key of its next page. `request`
    is the one whose id was typed: its sender may have no account."""

    readers: tuple[FoundReader, ...] = ()
    readers_after: str | None = None
    charges: tuple[FoundPayment, ...] = ()
    charges_after: str | None = None
    request: ReaderRequest | None = None

    @property
    def reader_ids(self) -> list[str]:
        """Whom the page shows, each once."""
        ids = [found.reader.id for found in self.readers] + [found.reader.id for found in self.charges]
        return list(dict.fromkeys(ids))


def find(ctx: TransactionContext, typed: str, *, after: str = "", as_typed: bool = False) -> Found:
    """What fits, at most 25 readers and 25 charges; `after` is the key of a further page. Each search is counted (TooMany) and
    audited.

    The audit keeps who was found and how, not what was typed: after an erasure it must not hold an address."""
    whose = staff_id_of(ctx.actor) or str(ctx.actor)
    what, most = ("staff find as typed", LIMIT_AS_TYPED) if as_typed else ("staff find", LIMIT)
    rate.count(ctx, what, whose, limit=most, per=PER)
    ctx.session.execute(_PLAN_FOR_THESE_WORDS)
    found = _found(ctx, read_terms(typed, ctx.site.today(ctx.at)), after)
    ids = found.reader_ids
    by = {one.by.value for one in found.readers} | ({"charge"} if found.charges else set())
    of_request = {"request": found.request.id} if found.request is not None else {}
    audit.write(
        ctx,
        "find",
        reader_id=ids[0] if len(ids) == 1 else None,
        after={"by": sorted(by), "found": ids} | of_request,
    )
    return found


def _found(ctx: TransactionContext, terms: SearchTerms, after: str) -> Found:
    session = ctx.session
    charges, charges_after = (
        ([], None) if after.startswith("rdr_") else charges_of(ctx, terms, after, most=MOST)
    )
    if after.startswith("pay_"):
        return Found(charges=tuple(charges), charges_after=charges_after)
    by_id: dict[str, FoundReader] = {}
    if not after:
        for by, query in _sure(terms):
            for reader in session.exec(query.order_by(col(Reader.id).desc()).limit(MOST)):
                kept = _kept(session, reader)
                by_id.setdefault(kept.id, FoundReader(kept, by))
    wide: dict[str, FoundReader] = {}
    # a whole address means its reader, of whatever else it is a part
    is_address = any(found.by is By.MAIL for found in by_id.values())
    for by, query in () if is_address else _wide(terms):
        page = query.where(col(Reader.id) < after) if after else query
        for reader in session.exec(page.order_by(col(Reader.id).desc()).limit(MOST + 1)):
            wide.setdefault(reader.id, FoundReader(reader, by))
    ids = sorted(wide, reverse=True)
    for reader_id in ids[:MOST]:
        by_id.setdefault(reader_id, wide[reader_id])
    return Found(
        tuple(by_id.values()),
        ids[MOST - 1] if len(ids) > MOST else None,
        tuple(charges),
        charges_after,
        session.get(ReaderRequest, terms.text) if terms.text.startswith("req_") else None,
    )


def _kept(session: Session, reader: Reader) -> Reader:
    """The account that has all that a merged one had."""
    return session.get_one(Reader, reader.merged_into) if reader.merged_into is not None else reader


def _wide(terms: SearchTerms) -> list[tuple[By, SelectOfScalar[Reader]]]:
    """The searches that may find many: they are paged, newest reader first."""
    queries = []
    if terms.last4 is not None:
        queries.append((By.LAST4, _owner(PaymentMethod, PaymentMethod.last4 == terms.last4)))
    if terms.words:
        queries += [
            (By.PART_OF_MAIL, by_part_of_mail(terms.words)),
            (By.NAME, by_name(terms.words)),
        ]
    return queries


def _sure(terms: SearchTerms) -> list[tuple[By, SelectOfScalar[Reader]]]:
    """The searches for something that one reader has, or few, the surest first."""
    reader, text = select(Reader), terms.text
    if not text:
        return []
    queries = [
        (By.MAIL, reader.where(sa.func.lower(Reader.email) == text.lower())),
        (By.EXTERNAL, reader.where(Reader.external_id == text)),
        (By.EARLIER_MAIL, _had(text.lower())),
        (By.FREED_MAIL, _freed(text.lower())),
    ]
    if (number := terms.invoice) is not None:
        queries.append((By.INVOICE, _owner(Invoice, Invoice.number == number)))
        replaced = InvoiceCorrection.replaced_number == number
        queries.append((By.INVOICE, _owner(InvoiceCorrection, replaced)))
    if (note := terms.credit_note) is not None:
        queries.append((By.CREDIT_NOTE, _owner(Refund, Refund.credit_note_number == note)))
        of_correction = InvoiceCorrection.credit_note_number == note
        queries.append((By.CREDIT_NOTE, _owner(InvoiceCorrection, of_correction)))
    return queries + _by_id(text)


def _had(address: str) -> SelectOfScalar[Reader]:
    """Who had the address before another."""
    old, new = (sa.func.lower(name) == address for name in (AddressChange.old_email, AddressChange.new_email))
    had = select(AddressChange.reader_id).where(
        sa.or_(old, new), col(AddressChange.confirmed_at).is_not(None)
    )
    return select(Reader).where(col(Reader.id).in_(had))


def _freed(address: str) -> SelectOfScalar[Reader]:
    """Who has all that an account with this address had, which a merge left empty."""
    freed = select(ReaderMerge.reader_id).where(sa.func.lower(ReaderMerge.freed_address) == address)
    return select(Reader).where(col(Reader.id).in_(freed))


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
