"""The books of a month: trial balance, VAT, invoice numbers, files for the bookkeeper, and bounced refunds to pay by hand."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.acquirer.reason_words import refund_failure
from billing.ledger.models import Account
from billing.payments.invoices import percent
from billing.payments.unexplained_models import UnexplainedCharge
from billing.platform.context import TransactionContext
from billing.platform.errors import NotFound
from billing.platform.settings import Settings
from billing.refunds import shortage
from billing.reports import books, collection_sheets
from billing.reports.book_words import ACCOUNTS, account_title, fee_words, kind_words
from billing.reports.exports import SHEETS
from billing.reports.journal_files import LAYOUTS
from billing.reports.sheets import Sheet, file_stem
from billing.rules.account_codes import read_codes
from billing.rules.money import BASE_CURRENCY, Money, spelled
from billing.rules.periods import add_months, last_of_month
from billing.rules.vat_periods import period_of
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.staff.csv_answer import stream_csv
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.transfers import record_transfer
from billing.web.views.books import (
    AccountRow,
    AgeRow,
    BalanceTable,
    FeeRow,
    OwedRow,
    SeriesRow,
    StaffBooksPage,
    TypedTransfer,
    UnexplainedRow,
    VatRow,
    WaitingRefunds,
)

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.BOOKS)]
Acting = Annotated[StaffVisit, needs(Permission.BOOKS, acts=True, fresh=True)]
MONTH = r"^(20\d\d-(0[1-9]|1[0-2]))?$"
Month = Annotated[str, Query(pattern=MONTH)]
ROOM = "/staff/books"
Exporting = Annotated[StaffVisit, needs(Permission.BOOKS, fresh=True, page=ROOM)]
FILES = {
    "journal": "every posting",
    "vat": "VAT by rate",
    "invoices": "tax invoices, with buyers",
    "credit-notes": "credit notes",
    "fees": "the acquirer’s fees with their VAT, by day",
    "payouts": "payouts: what each holds, and the bank’s reference",
    "payout-contents": "each charge, refund and fee in them",
    "refunds": "refunds by reason and member",
    "failed-payments": "charges that failed first in this month, and what became of them",
    "ageing": "what was still owed at the end of this month, or is today, by age",
    "summary": "the figures that tie these files to the ledger",
}
"""Files of a month, by name, in words. That of the VAT return has a page of its own."""


class UnknownFile(NotFound):
    """There is no such file of the books."""

    code = "unknown_file"


def first_day(visit: StaffVisit, month: str) -> date:
    """The first day of a month such as 2027-03; of the present one by default."""
    return date.fromisoformat(f"{month}-01") if month else visit.today.replace(day=1)


def neighbours(first: date, today: date) -> tuple[str, str | None]:
    """The months before and after, for links; none after the present one."""
    following = add_months(first, 1)
    return f"{add_months(first, -1):%Y-%m}", f"{following:%Y-%m}" if following <= today else None


def last_day(first: date) -> date:
    """The last day of the month that begins on `first`."""
    return last_of_month(first.year, first.month)


@router.get(ROOM)
def month(visit: Seeing, month: Month = "") -> Response:
    """One month of the books."""
    return _page(visit, month)


def _page(
    visit: StaffVisit, month: str, *, typed: TypedTransfer | None = None, status: int = 200
) -> Response:
    with visit.begin() as ctx:
        view = _view(ctx, visit.services.settings, first_day(visit, month), typed)
    return visit.page(view, status)


def _view(
    ctx: TransactionContext, settings: Settings, first: date, typed: TypedTransfer | None
) -> StaffBooksPage:
    session, last = ctx.session, last_day(first)
    codes = read_codes(settings.account_codes)
    before, after = neighbours(first, ctx.today)
    short = shortage.now(session)
    return StaffBooksPage(
        month=f"{first:%Y-%m}",
        first_day=first,
        before=before,
        after=after,
        balances=_balances(books.trial_balance(session, first, last)),
        vat=tuple(_vat(line) for line in books.vat(session, first, last)),
        fees=tuple(_fee(line) for line in books.fees(session, first, last)),
        series=tuple(_series(found) for found in books.series(session, first, last)),
        owed=tuple(_owed(refund) for refund in books.owed_back(session)),
        unexplained=tuple(_unexplained(charge) for charge in books.unexplained_owed(session)),
        waiting=WaitingRefunds(count=short.count, amount=Money(short.cents), since=short.since)
        if short
        else None,
        today=ctx.today,
        is_over=last < ctx.today,
        files=tuple(FILES.items()),
        journals=tuple((layout.name, layout.title) for layout in LAYOUTS.values()),
        codes=tuple((account_title(account), codes[account]) for account in Account),
        ageing=tuple(
            AgeRow(age=age, count=count, amount=amount_words(cents))
            for age, count, cents in collection_sheets.ageing(ctx, min(last, ctx.today))
        ),
        typed=typed,
    )


def amount_words(minor: int, currency: str = BASE_CURRENCY) -> str:
    """An amount without its currency's sign."""
    return spelled(minor, currency).replace(f"{currency}\u00a0", "").replace("R", "")


def _balances(lines: list[books.Line]) -> tuple[BalanceTable, ...]:
    by_currency = {currency: list(rows) for currency, rows in groupby(lines, lambda line: line.currency)}
    return tuple(
        BalanceTable(
            currency=currency,
            accounts=tuple(_account(line) for line in rows),
            debit=amount_words(sum(line.debit for line in rows), currency),
            credit=amount_words(sum(line.credit for line in rows), currency),
        )
        for currency, rows in by_currency.items()
    )


def _account(line: books.Line) -> AccountRow:
    name, meaning = ACCOUNTS[line.account]
    return AccountRow(
        name=name,
        meaning=meaning,
        before=amount_words(line.before, line.currency),
        debit=amount_words(line.debit, line.currency) if line.debit else "",
        credit=amount_words(line.credit, line.currency) if line.credit else "",
        after=amount_words(line.after, line.currency),
        book_value="" if line.book_value is None else amount_words(line.book_value),
    )


def _vat(line: books.VatLine) -> VatRow:
    return VatRow(
        rate=percent(line.basis_points),
        what=kind_words(line.kind),
        net=amount_words(line.net),
        vat=amount_words(line.vat),
        gross=amount_words(line.gross),
    )


def _fee(line: books.FeeLine) -> FeeRow:
    return FeeRow(
        what=fee_words(line.category),
        count=line.count,
        currency=line.currency,
        net=amount_words(line.net, line.currency),
        vat=amount_words(line.vat, line.currency),
        gross=amount_words(line.gross, line.currency),
    )


def _series(series: books.Series) -> SeriesRow:
    return SeriesRow(
        name=series.name,
        count=series.count,
        lowest=series.lowest,
        highest=series.highest,
        missing=series.missing,
    )


def _owed(refund: books.OwedBack) -> OwedRow:
    return OwedRow(
        refund_id=refund.refund_id,
        reader_id=refund.reader_id,
        email=refund.email,
        amount=Money(refund.amount),
        credit_note=refund.credit_note,
        since=refund.since,
        failure=refund_failure(refund.failure),
    )


def _unexplained(charge: UnexplainedCharge) -> UnexplainedRow:
    return UnexplainedRow(
        charge_ref=charge.charge_ref,
        customer_ref=charge.customer_ref,
        amount=Money(charge.amount),
        taken_at=charge.taken_at,
        since=charge.given_up_at or charge.found_at,
        failure=refund_failure(charge.failure),
    )


@router.get(f"{ROOM}/{{name}}.csv")
def export(visit: Exporting, name: str, month: Month = "") -> Response:
    """A file of the month, sent while it is read. The export is audited. Raises UnknownFile."""
    sheet = SHEETS.get(name)
    if sheet is None:
        raise UnknownFile
    first = first_day(visit, month)
    last = last_day(first)
    if name == "vat201":
        period = period_of(first, visit.services.settings.vat_category)
        first, last = period.first, period.last
    with visit.begin() as ctx:
        audit.write(ctx, "export_books", after={"file": name, "month": f"{last:%Y-%m}"})
    return stream_csv(f"{file_stem(name, first, last, visit.today)}.csv", _lines(visit, sheet, first, last))


def _lines(visit: StaffVisit, sheet: Sheet, first: date, last: date) -> Iterator[str]:
    database = visit.services.reports_source().database
    with database.transaction() as session:  # its own: the file is sent after the request's transaction
        yield from sheet.lines(visit.context(session), first, last)


@router.post(f"{ROOM}/paid-back")
def paid_back(
    visit: Acting,
    refund_id: Annotated[str, Form(max_length=64)] = "",
    charge_ref: Annotated[str, Form(max_length=64)] = "",
    on: Annotated[str, Form(max_length=20)] = "",
    reference: Annotated[str, Form(max_length=100)] = "",
    month: Annotated[str, Form(pattern=MONTH)] = "",
) -> Response:
    """Record that a failed refund, or a charge that nothing explains, was paid from our bank account; by default today.

    Raises UnknownRefund, RefundNotOwed."""
    typed = record_transfer(visit, refund_id=refund_id, charge_ref=charge_ref, on=on, reference=reference)
    if typed is not None:
        return _page(visit, month, typed=typed, status=422)
    return visit.go(f"{ROOM}?month={month}" if month else ROOM, "staff-saved")
