"""The books of a month: trial balance, VAT, numbers, files for the bookkeeper; and refunds that bounced, to be paid by hand."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Form, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.ledger.models import Account
from billing.payments import postings
from billing.payments.invoices import percent
from billing.payments.unexplained_models import UnexplainedCharge
from billing.platform.errors import NotFound
from billing.refunds import shortage
from billing.refunds.pay_back import BadDay, NoReference, pay_back, pay_back_unexplained
from billing.reports import books
from billing.reports.exports import SHEETS, Sheet
from billing.rules.money import BASE_CURRENCY, Money, spelled
from billing.rules.periods import add_months
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.staff.csv_answer import stream_csv
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.books import (
    AccountRow,
    BalanceTable,
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
Month = Annotated[str, Query(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$")]
ROOM = "/staff/books"
Taking = Annotated[StaffVisit, needs(Permission.BOOKS, fresh=True, page=ROOM)]
NAMES: dict[Account, tuple[str, str]] = {
    Account.GATEWAY: ("Gateway", "what the acquirer holds for us"),
    Account.BANK: ("Bank", "what the acquirer has paid out"),
    Account.RECEIVABLE: ("Receivable", "invoiced, not yet paid"),
    Account.DEFERRED_REVENUE: ("Deferred revenue", "paid for days still to come"),
    Account.VAT_OUTPUT: ("VAT output", "VAT to pay over"),
    Account.REFUNDS_OWED: ("Refunds owed", "credited to readers, not paid yet"),
    Account.REVENUE: ("Revenue", "earned by days that have passed"),
    Account.REFUNDS: ("Refunds", "given back after it was earned"),
    Account.DISPUTES: ("Disputes", "taken back by banks"),
    Account.GOODWILL: ("Goodwill", "days given on top of paid periods"),
    Account.GATEWAY_FEES: ("Gateway fees", "what the acquirer keeps"),
    Account.CONVERSION: ("Conversion", "changed by the acquirer into the currency it settles in"),
    Account.EXCHANGE_DIFFERENCES: ("Exchange differences", "what another rate cost for refunds and disputes"),
}
KINDS = {postings.INVOICE: "Tax invoices", postings.REFUND: "Credit notes"}
FILES = {
    "journal": "Journal",
    "vat": "VAT period",
    "invoices": "Tax invoices",
    "credit-notes": "Credit notes",
    "summary": "Summary",
}


class UnknownFile(NotFound):
    """There is no such file of the books."""

    code = "unknown_file"


def _days(visit: StaffVisit, month: str) -> tuple[date, date]:
    first = date.fromisoformat(f"{month}-01") if month else visit.services.site.today(visit.at).replace(day=1)
    return first, add_months(first, 1) - timedelta(days=1)


@router.get(ROOM)
def month(visit: Seeing, month: Month = "") -> Response:
    """One month of the books."""
    return _page(visit, month)


def _page(
    visit: StaffVisit, month: str, *, typed: TypedTransfer | None = None, status: int = 200
) -> Response:
    first, last = _days(visit, month)
    today = visit.services.site.today(visit.at)
    with visit.services.database.transaction() as session:
        page = _look(session, first, last, today, typed)
    return visit.page(page, status)


def _look(
    session: Session, first: date, last: date, today: date, typed: TypedTransfer | None
) -> StaffBooksPage:
    return StaffBooksPage(
        month=f"{first:%Y-%m}",
        first_day=first,
        before=f"{add_months(first, -1):%Y-%m}",
        after=f"{add_months(first, 1):%Y-%m}" if last < today else None,
        balances=_balances(books.trial_balance(session, first, last)),
        vat=tuple(_vat(line) for line in books.vat(session, first, last)),
        series=tuple(_series(one) for one in books.series(session, first, last)),
        owed=tuple(_owed(one) for one in books.owed_back(session)),
        unexplained=tuple(_unexplained(one) for one in books.unexplained_owed(session)),
        waiting=_waiting(session),
        today=today,
        files=tuple(FILES.items()),
        typed=typed,
    )


def _amount(minor: int, currency: str = BASE_CURRENCY) -> str:
    return spelled(minor, currency).replace(f"{currency}\u00a0", "").replace("R", "")


def _balances(lines: list[books.Line]) -> tuple[BalanceTable, ...]:
    tables = []
    for currency, rows in groupby(lines, lambda line: line.currency):
        its = list(rows)
        tables.append(
            BalanceTable(
                currency=currency,
                accounts=tuple(_account(line) for line in its),
                debit=_amount(sum(line.debit for line in its), currency),
                credit=_amount(sum(line.credit for line in its), currency),
            )
        )
    return tuple(tables)


def _account(line: books.Line) -> AccountRow:
    name, meaning = NAMES[line.account]
    return AccountRow(
        name=name,
        meaning=meaning,
        before=_amount(line.before, line.currency),
        debit=_amount(line.debit, line.currency) if line.debit else "",
        credit=_amount(line.credit, line.currency) if line.credit else "",
        after=_amount(line.after, line.currency),
        book_value="" if line.book_value is None else _amount(line.book_value),
    )


def _vat(line: books.VatLine) -> VatRow:
    return VatRow(
        rate=percent(line.basis_points),
        what=KINDS.get(line.kind, line.kind.replace("_", " ").capitalize()),
        net=_amount(line.net),
        vat=_amount(line.vat),
        gross=_amount(line.gross),
    )


def _series(one: books.Series) -> SeriesRow:
    return SeriesRow(
        name=one.name, count=one.count, lowest=one.lowest, highest=one.highest, missing=one.missing
    )


def _owed(one: books.OwedBack) -> OwedRow:
    return OwedRow(
        refund_id=one.refund_id,
        reader_id=one.reader_id,
        email=one.email,
        amount=Money(one.amount),
        credit_note=one.credit_note,
        since=one.since,
        failure=one.failure.replace("_", " "),
    )


def _unexplained(one: UnexplainedCharge) -> UnexplainedRow:
    return UnexplainedRow(
        charge_ref=one.charge_ref,
        customer_ref=one.customer_ref,
        amount=Money(one.amount),
        taken_at=one.taken_at,
        since=one.given_up_at or one.found_at,
        failure=(one.failure or "").replace("_", " "),
    )


def _waiting(session: Session) -> WaitingRefunds | None:
    short = shortage.now(session)
    if short is None:
        return None
    return WaitingRefunds(count=short.count, amount=Money(short.cents), since=short.since)


@router.get(f"{ROOM}/{{name}}.csv")
def export(visit: Taking, name: str, month: Month = "") -> Response:
    """A file of the month, sent while it is read; that it was taken is audited. Raises UnknownFile."""
    sheet = SHEETS.get(name)
    if sheet is None:
        raise UnknownFile
    first, last = _days(visit, month)
    with visit.begin() as ctx:
        taken = {"file": name, "month": f"{first:%Y-%m}"}
        audit.write(ctx, "export_books", after=taken)
    return stream_csv(f"{name}-{first:%Y-%m}.csv", _lines(visit, sheet, first, last))


def _lines(visit: StaffVisit, sheet: Sheet, first: date, last: date) -> Iterator[str]:
    with visit.services.database.transaction() as session:
        yield from sheet.lines(session, first, last)


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise BadDay from None


@router.post(f"{ROOM}/paid-back")
def paid_back(
    visit: Acting,
    refund_id: Annotated[str, Form(max_length=64)] = "",
    charge_ref: Annotated[str, Form(max_length=64)] = "",
    on: Annotated[str, Form(max_length=20)] = "",
    reference: Annotated[str, Form(max_length=100)] = "",
    month: Annotated[str, Form(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$")] = "",
) -> Response:
    """A refund that failed, or a charge that nothing explains, was paid from our bank account, today if no day is given.
    Raises UnknownRefund, NothingOwed."""
    try:
        day = _day(on) if on else visit.services.site.today(visit.at)
        with visit.services.database.transaction() as session:
            if charge_ref:
                _pay_unexplained(visit, session, charge_ref, reference, day)
            else:
                _pay_refund(visit, session, refund_id, reference, day)
    except (NoReference, BadDay) as refusal:
        of = charge_ref or refund_id
        typed = TypedTransfer(of=of, on=on, reference=reference, error=refusal.detail)
        return _page(visit, month, typed=typed, status=refusal.status)
    return visit.go(f"{ROOM}?month={month}" if month else ROOM, "staff-saved")


def _pay_refund(visit: StaffVisit, session: Session, refund_id: str, reference: str, on: date) -> None:
    refund = pay_back(visit.context(session), refund_id, reference, on)
    _audit(visit, session, refund.id, refund.amount, reference, on, reader_id=refund.reader_id)


def _pay_unexplained(visit: StaffVisit, session: Session, charge_ref: str, reference: str, on: date) -> None:
    row = pay_back_unexplained(visit.context(session), charge_ref, reference, on)
    _audit(visit, session, row.charge_ref, row.amount, reference, on)


def _audit(
    visit: StaffVisit,
    session: Session,
    subject: str,
    cents: int,
    reference: str,
    on: date,
    reader_id: str | None = None,
) -> None:
    audit.write(
        visit.context(session),
        "paid_back_by_hand",
        reader_id=reader_id,
        subject=subject,
        after={"cents": cents, "reference": reference.strip(), "on": on.isoformat()},
    )
