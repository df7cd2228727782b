"""The books of a period: balance and movement of each account, VAT by rate, number series, and what is owed to readers."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.ledger.models import Account
from billing.payments import numbers, refunds_owed
from billing.payments.unexplained_models import CASE_IS_OPEN, UnexplainedCharge
from billing.platform import bulk
from billing.readers.models import Reader
from billing.rules.money import BASE_CURRENCY
from billing.rules.reconciliation import at_the_rate_of


@dataclass(frozen=True, slots=True)
class Line:
    """An account in one currency and period, in minor units (cents). `before` and `after` are balances, debit positive. `debit` and
    `credit` moved in the period, both at least zero."""

    currency: str
    account: Account
    before: int
    debit: int
    credit: int
    rate: tuple[int, int] | None = None
    """For another currency: cents that were paid to us, and the minor units that they settled for; None where no charge settled."""

    @property
    def after(self) -> int:
        """The balance at the end of the period."""
        return self.before + self.debit - self.credit

    @property
    def book_value(self) -> int | None:
        """`after` in cents of our own currency, at the average rate of the charges that settled; None where none did."""
        return at_the_rate_of(*self.rate, self.after) if self.rate else None


_BALANCE = sa.text(
    """
    SELECT t.currency, e.account,
        coalesce(sum(e.amount) FILTER (WHERE t."on" < :first), 0),
        coalesce(sum(e.amount) FILTER (WHERE t."on" >= :first AND e.amount > 0), 0),
        coalesce(-sum(e.amount) FILTER (WHERE t."on" >= :first AND e.amount < 0), 0)
    FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
    WHERE t."on" <= :last GROUP BY 1, 2
    """
)


def trial_balance(session: Session, first: date, last: date) -> list[Line]:
    """Every account that moved up to the day `last`: our own currency first, in the order of `Account`. Debits equal credits in
    each currency."""
    order = list(Account)
    settled = session.execute(_RATES, {"last": last, "ours": BASE_CURRENCY})
    rates = {currency: (int(paid), int(amount)) for currency, paid, amount in settled}
    rows = session.execute(_BALANCE, {"first": first, "last": last})
    found = [
        Line(currency, Account(account), int(before), int(debit), int(credit), rates.get(currency))
        for currency, account, before, debit, credit in rows
    ]
    found.sort(key=lambda line: (line.currency != BASE_CURRENCY, line.currency, order.index(line.account)))
    return found


_RATES = sa.text(
    """
    SELECT m.currency, sum(m.presented_amount), sum(m.amount)
    FROM ledger_transaction t JOIN balance_movement m ON m.ref = t.source_id
    WHERE t.kind = 'converted' AND t."on" <= :last AND m.category = 'charge' AND m.presented_currency = :ours
      AND m.currency <> :ours
    GROUP BY 1 HAVING sum(m.amount) > 0
    """
)
"""By currency: what readers paid up to a day, and what it settled for."""


@dataclass(frozen=True, slots=True)
class VatLine:
    """VAT of one rate from one kind of posting in a period; cents, below zero where VAT is given back."""

    basis_points: int
    kind: str
    net: int
    vat: int

    @property
    def gross(self) -> int:
        """VAT included."""
        return self.net + self.vat


# The net side is all that is neither VAT nor money: what was sold, earned or taken back.
_VAT = sa.text(
    """
    SELECT t.vat_basis_points, t.kind,
        -sum(e.amount) FILTER (WHERE e.account = ANY(:net_accounts)),
        -sum(e.amount) FILTER (WHERE e.account = 'vat_output')
    FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
    WHERE t."on" BETWEEN :first AND :last AND t.vat_basis_points IS NOT NULL
    GROUP BY 1, 2 ORDER BY 1 DESC, 2
    """
)
_NET = [Account.DEFERRED_REVENUE, Account.REVENUE, Account.REFUNDS, Account.GOODWILL, Account.DISPUTES]


def vat(session: Session, first: date, last: date) -> list[VatLine]:
    """Output VAT by rate: of tax invoices, and what credit notes take back in their own period (VAT-12, VAT-13)."""
    rows = session.execute(
        _VAT, {"first": first, "last": last, "net_accounts": [str(account) for account in _NET]}
    )
    return [VatLine(rate, kind, int(net or 0), int(tax or 0)) for rate, kind, net, tax in rows]


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers of a series that a period used, and how many between them are missing: none, by construction."""

    name: str
    count: int
    lowest: str
    highest: str
    missing: int


# A number between the lowest and the highest may be dated a day outside the period (a charge just before midnight, settled
# after it). So missing ones are counted over the whole table.
_INVOICE_NUMBERS = sa.text(
    """
    WITH given AS (
        SELECT count(*) AS n, min(number) AS low, max(number) AS high FROM (
            SELECT coalesce(c.number, i.number) AS number FROM ledger_transaction t JOIN invoice i ON i.id = t.source_id
            LEFT JOIN (SELECT invoice_id, min(replaced_number) AS number FROM invoice_correction GROUP BY 1) c
                ON c.invoice_id = i.id
            WHERE t.kind = 'invoice' AND t."on" BETWEEN :first AND :last
            UNION ALL SELECT c.number FROM ledger_transaction t JOIN invoice_correction c ON c.id = t.source_id
            WHERE t.kind = 'invoice' AND t."on" BETWEEN :first AND :last) d)
    SELECT n, low, high, high - low + 1 - (SELECT count(*) FROM invoice WHERE number BETWEEN low AND high)
        - (SELECT count(*) FROM invoice_correction WHERE replaced_number BETWEEN low AND high) FROM given
    """
)
_CREDIT_NOTE_NUMBERS = sa.text(
    """
    WITH given AS (
        SELECT count(*) AS n, min(number) AS low, max(number) AS high FROM (
            SELECT r.credit_note_number AS number
            FROM ledger_transaction t JOIN refund r ON r.id = t.source_id
            WHERE t.kind = 'refund' AND t."on" BETWEEN :first AND :last
            UNION ALL SELECT credit_note_number FROM invoice_correction WHERE issued_on BETWEEN :first AND :last) d)
    SELECT n, low, high, high - low + 1
        - (SELECT count(*) FROM refund WHERE credit_note_number BETWEEN low AND high)
        - (SELECT count(*) FROM invoice_correction WHERE credit_note_number BETWEEN low AND high) FROM given
    """
)


def series(session: Session, first: date, last: date) -> list[Series]:
    """Tax invoices and credit notes of the period by number (VAT-9)."""
    found = []
    for name, query, spell in (
        ("tax invoices", _INVOICE_NUMBERS, numbers.invoice_number),
        ("credit notes", _CREDIT_NOTE_NUMBERS, numbers.credit_note_number),
    ):
        count, low, high, missing = session.execute(query, {"first": first, "last": last}).one()
        ends = (spell(low), spell(high)) if count else ("", "")
        found.append(Series(name, count, *ends, missing or 0))
    return found


@dataclass(frozen=True, slots=True)
class OwedBack:
    """A refund that failed for good, so that the reader is owed its amount. One that bounced has its credit note; one that was
    refused gets it when it is paid."""

    refund_id: str
    reader_id: str
    email: str
    amount: int
    credit_note: str | None
    since: datetime
    failure: str


def unexplained_owed(session: Session) -> list[UnexplainedCharge]:
    """Unexplained charges that no refund could return and no person has explained yet, oldest first."""
    rows = session.exec(
        select(UnexplainedCharge)
        .where(
            col(UnexplainedCharge.given_up_at).is_not(None),
            col(UnexplainedCharge.returned_at).is_(None),
            col(UnexplainedCharge.not_owed).is_(False),
            sa.text(CASE_IS_OPEN),
        )
        .order_by(col(UnexplainedCharge.given_up_at), col(UnexplainedCharge.charge_ref))
    )
    return list(rows)


def owed_back(session: Session) -> list[OwedBack]:
    """Refunds that failed and wait to be paid by other means (STR-13), oldest first."""
    refunds = refunds_owed.to_readers(session)
    readers = bulk.load(session, Reader, {refund.reader_id for refund in refunds})
    return [
        OwedBack(
            refund.id,
            refund.reader_id,
            readers[refund.reader_id].email,
            refund.amount,
            numbers.credit_note_number(refund.credit_note_number) if refund.credit_note_number else None,
            refunds_owed.failed_at(refund),
            refund.failure or "",
        )
        for refund in refunds
    ]


@dataclass(frozen=True, slots=True)
class FeeLine:
    """The acquirer's fees of one kind, of a day or of the whole time. Minor units (cents); `vat` as far as the acquirer names it."""

    on: date | None
    category: str
    count: int
    gross: int
    vat: int
    currency: str

    @property
    def net(self) -> int:
        """The fees without their VAT."""
        return self.gross - self.vat


_FEES = """
    SELECT {on}, m.category, count(*), sum(e.amount), sum(m.fee_vat), t.currency
    FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'gateway_fees'
        JOIN balance_movement m ON m.ref = t.source_id
    WHERE t.kind = 'gateway_fee' AND t."on" BETWEEN :first AND :last
    GROUP BY 1, 2, 6 ORDER BY 1, 2, 6
"""


def fees(session: Session, first: date, last: date, *, by_day: bool = False) -> list[FeeLine]:
    """What the acquirer kept in these days, by kind of movement, as the ledger has it."""
    query = sa.text(_FEES.format(on='t."on"' if by_day else "cast(NULL AS date)"))
    found = session.execute(query, {"first": first, "last": last})
    return [
        FeeLine(on, category, int(count), int(gross), int(vat), currency)
        for on, category, count, gross, vat, currency in found
    ]
