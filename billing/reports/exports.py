"""Files for the bookkeeper: journal, VAT of the period, tax invoices, credit notes, and a summary that ties them to the ledger."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from billing.ledger.models import Account
from billing.ledger.recognition import recognised_through
from billing.payments import numbers
from billing.payments.dispute_limits import TAKES
from billing.payments.invoices import percent
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.reports import books, collection_sheets, condensed, journal_files, payout_sheets, vat_return
from billing.reports.book_words import account_title, fee_words, kind_words
from billing.reports.condensed import JournalUnit
from billing.reports.journal_files import LAYOUTS, JournalSettings
from billing.reports.sheets import PeriodSheet, Rows, Sheet, file_stem, sides, stream
from billing.rules.money import BASE_CURRENCY, major


class NotAPeriod(Invalid):
    """A period runs from a day to the same or a later day."""

    code = "bad_period"


_JOURNAL = sa.text(
    """
    SELECT t.id, t."on", t.kind, t.source_id, t.supply_on, t.vat_basis_points, e.account, e.amount, t.currency
    FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
    WHERE t."on" BETWEEN :first AND :last
    ORDER BY t."on", t.id, e.amount < 0, e.account
    """
)


def _journal(session: Session, first: date, last: date) -> Rows:
    for transaction, on, kind, *what, rate, account, amount, currency in stream(
        session, _JOURNAL, first, last
    ):
        words = (kind_words(kind), account_title(Account(account)))
        yield transaction, on, kind, *what, account, *sides(amount, currency), _rate(rate), currency, *words


def _vat(session: Session, first: date, last: date) -> Rows:
    for line in books.vat(session, first, last):
        amounts = (major(cents) for cents in (line.net, line.vat, line.gross))
        yield _rate(line.basis_points), line.kind, *amounts, kind_words(line.kind)


def _fees(session: Session, first: date, last: date) -> Rows:
    for line in books.fees(session, first, last, by_day=True):
        amounts = (major(cents, line.currency) for cents in (line.net, line.vat, line.gross))
        yield line.on, line.category, line.count, *amounts, line.currency, fee_words(line.category)


# By the day of their posting, so that this file and the VAT return agree: one that was learnt of after its period was closed counts
# in the next. Without duplicates: what was paid twice was sold once. The second payment is a debt until it has gone back.
_INVOICES = sa.text(
    """
    SELECT d.number, d.issued_on, i.id, coalesce(i.merged_from_id, i.reader_id), i.description, i.period_start_on, i.period_end_on - 1,
        d.net, d.vat, d.gross, i.vat_basis_points, p.id, p.charge_ref, b.name, b.address, b.vat_number
    FROM (
        SELECT i.id, i.issued_on, i.net, i.vat, i.gross, coalesce(c.replaced_number, i.number) AS number,
            CASE WHEN c.id IS NULL THEN i.recipient_id ELSE c.replaced_recipient_id END AS recipient_id
        FROM ledger_transaction t JOIN invoice i ON i.id = t.source_id LEFT JOIN (
            SELECT DISTINCT ON (invoice_id) * FROM invoice_correction ORDER BY invoice_id, number) c ON c.invoice_id = i.id
        WHERE t.kind = 'invoice' AND t."on" BETWEEN :first AND :last
        UNION ALL SELECT c.invoice_id, c.issued_on, c.net, c.vat, c.gross, c.number, c.recipient_id
        FROM ledger_transaction t JOIN invoice_correction c ON c.id = t.source_id
        WHERE t.kind = 'invoice' AND t."on" BETWEEN :first AND :last) d
    JOIN invoice i ON i.id = d.id JOIN payment p ON p.invoice_id = i.id AND NOT p.duplicate
    LEFT JOIN invoice_recipient b ON b.id = d.recipient_id
    ORDER BY d.number
    """
)


def _invoices(session: Session, first: date, last: date) -> Rows:
    for number, on, *what, net, vat, gross, rate, payment, charge, name, address, vat_number in stream(
        session, _INVOICES, first, last
    ):
        money = (major(net), major(vat), major(gross), _rate(rate))
        buyer = (name or "", (address or "").replace("\n", ", "), vat_number or "")
        yield numbers.invoice_number(number), on, *what, *money, payment, charge, *buyer


# A refund of a second payment takes back no sale and no VAT, so it has a column of its own.
# Dated by their posting, so that this file and the ledger agree about the period of a credit note.
_CREDIT_NOTES = sa.text(
    f"""
    SELECT r.credit_note_number, t."on",
        coalesce((SELECT min(replaced_number) FROM invoice_correction
                  WHERE invoice_id = i.id AND credit_note_number > r.credit_note_number), i.number),
        t.supply_on, r.id, coalesce(i.merged_from_id, r.reader_id), r.reason,
        CASE WHEN p.duplicate THEN 0 ELSE r.net END, CASE WHEN p.duplicate THEN 0 ELSE r.vat END,
        CASE WHEN p.duplicate THEN 0 ELSE r.amount END, CASE WHEN p.duplicate THEN r.amount ELSE 0 END,
        CASE WHEN p.duplicate THEN NULL ELSE i.vat_basis_points END, coalesce(r.gateway_ref, ''),
        CASE WHEN r.paid_back_by_card THEN 'paid by another refund to the card: ' || r.paid_back_ref
            WHEN r.paid_back_at IS NOT NULL THEN 'paid by bank transfer: ' || r.paid_back_ref
            WHEN r.bounced_at IS NOT NULL AND r.amount <= (SELECT sum(amount) FROM dispute WHERE payment_id = p.id AND {TAKES})
                THEN 'the refund bounced, and the reader''s bank has the money'
            WHEN r.bounced_at IS NOT NULL THEN 'owed, the refund bounced' ELSE 'paid' END
    FROM ledger_transaction t
    JOIN refund r ON r.id = t.source_id JOIN payment p ON p.id = r.payment_id JOIN invoice i ON i.id = p.invoice_id
    WHERE t.kind = 'refund' AND t."on" BETWEEN :first AND :last
    UNION ALL
    SELECT c.credit_note_number, c.issued_on, c.replaced_number, i.issued_on, c.id, coalesce(i.merged_from_id, c.reader_id),
        'the buyer''s details: replaced by tax invoice INV-' || lpad(c.number::text, 6, '0'),
        c.net, c.vat, c.gross, 0, i.vat_basis_points, '', 'no money moved'
    FROM invoice_correction c JOIN invoice i ON i.id = c.invoice_id
    WHERE c.issued_on BETWEEN :first AND :last
    ORDER BY 1
    """  # noqa: S608
)


def _credit_notes(session: Session, first: date, last: date) -> Rows:
    for number, on, invoice, supply_on, *what, net, vat, gross, twice, rate, ref, paid in stream(
        session, _CREDIT_NOTES, first, last
    ):
        ends = (major(net), major(vat), major(gross), major(twice), _rate(rate), ref, paid)
        yield numbers.credit_note_number(number), on, numbers.invoice_number(invoice), supply_on, *what, *ends


def _summary(session: Session, first: date, last: date) -> Rows:
    balance = books.trial_balance(session, first, last)
    ours = [line for line in balance if line.currency == BASE_CURRENCY]
    for what, which, value in _totals(session, first, last, ours):
        yield what, which, value, what
    for line in balance:
        is_ours, title = line.currency == BASE_CURRENCY, account_title(line.account)
        which, unit = (line.account, "R") if is_ours else (f"{line.account} {line.currency}", line.currency)
        words = title if is_ours else f"{title}, {line.currency}"
        for name in ("before", "debit", "credit", "after"):
            yield which, f"{name}, {unit}", major(getattr(line, name), line.currency), words
        if not is_ours:
            worth = line.book_value
            yield which, "book value after, R", "" if worth is None else major(worth), words


def _totals(session: Session, first: date, last: date, ours: Sequence[books.Line]) -> Rows:
    yield "period", "first day", first
    yield "period", "last day", last
    through = recognised_through(session)
    yield "period", "revenue is earned up to", min(through, last) if through else ""
    for series in books.series(session, first, last):
        yield series.name, "how many", series.count
        yield series.name, "lowest number", series.lowest
        yield series.name, "highest number", series.highest
        yield series.name, "numbers missing", series.missing
    yield "ledger", "debits, R", major(sum(line.debit for line in ours))
    yield "ledger", "credits, R", major(sum(line.credit for line in ours))
    yield "VAT", "payable for the period, R", major(sum(line.vat for line in books.vat(session, first, last)))


def _rate(basis_points: int | None) -> str:
    return "" if basis_points is None else percent(basis_points)


_VAT_RATE = "VAT rate %"
_AMOUNTS = ("excluding VAT, R", "VAT, R", "including VAT, R")
SHEETS: dict[str, Sheet] = {
    sheet.name: sheet
    for sheet in (
        PeriodSheet(
            "journal",
            (
                *("transaction", "date", "kind", "source", "supply date", "account"),
                *("debit, in its currency", "credit, in its currency", _VAT_RATE, "currency"),
                *("kind in words", "account in words"),
            ),
            _journal,
        ),
        PeriodSheet("vat", (_VAT_RATE, "kind", *_AMOUNTS, "kind in words"), _vat),
        PeriodSheet(
            "invoices",
            (
                *("number", "issued on", "invoice", "reader", "description", "from", "to"),
                *(*_AMOUNTS, _VAT_RATE, "payment", "charge"),
                *("buyer", "buyer's address", "buyer's VAT number"),
            ),
            _invoices,
        ),
        PeriodSheet(
            "credit-notes",
            (
                *("number", "date", "tax invoice", "supply date", "refund", "reader", "reason"),
                *(*_AMOUNTS, "paid twice, R", _VAT_RATE, "at the acquirer", "money"),
            ),
            _credit_notes,
        ),
        PeriodSheet(
            "fees",
            (
                *("date", "what", "movements", "excluding VAT, in its currency", "VAT, in its currency"),
                *("including VAT, in its currency", "currency", "what in words"),
            ),
            _fees,
        ),
        *vat_return.SHEETS,
        *payout_sheets.SHEETS,
        *collection_sheets.SHEETS,
        PeriodSheet("summary", ("what", "which", "value", "what in words"), _summary),
    )
}
"""Every file of an export, by name."""


def write(
    ctx: TransactionContext,
    folder: Path,
    first: date,
    last: date,
    journals: JournalSettings,
    by: JournalUnit = JournalUnit.DAY,
    writing: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write all files for the days from `first` to `last` into a folder, from one snapshot; their paths. `by`: what an entry of the
    condensed journal sums up. The context's transaction must be new.

    A file gets its name when it is complete. `writing` is called before each is begun. Raises NotAPeriod."""
    if last < first:
        raise NotAPeriod
    folder.mkdir(parents=True, exist_ok=True)
    written = []

    def keep(name: str, lines: Iterable[str]) -> None:
        writing(f"{name}.csv")
        part, whole = folder / f"{name}.csv.part", folder / f"{name}.csv"
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        part.replace(whole)
        written.append(whole)

    ctx.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    for sheet in SHEETS.values():
        keep(file_stem(sheet.name, first, last, ctx.today), sheet.lines(ctx, first, last))
    entries = list(condensed.entries(ctx.session, first, last, by))
    for layout in LAYOUTS.values():
        stem = journal_files.stem(layout, by, first, last, ctx.today)
        texts = list(journal_files.files(layout, entries, journals))
        for name, text in journal_files.named(stem, texts):
            keep(name, [text])
    return written
