"""The VAT201 return of a tax period: its fields, its file, and the close of the books once it is filed."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.ledger import closing
from billing.ledger.closing import NoReturnReference, NotTheLastClosed, PeriodClosed, PeriodNotOver
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.reports import vat_return
from billing.rules import vat_periods
from billing.rules.money import Money
from billing.rules.vat_periods import VatPeriod
from billing.staff import vat_returns
from billing.staff.audit import NeedsReason
from billing.staff.roles import Permission
from billing.web.kit import problems
from billing.web.staff.books import MONTH, ROOM, Month, Seeing, amount_words, first_day
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.vat_return import ClosedNote, FieldRow, StaffVatReturnPage

router = APIRouter(include_in_schema=False)
PAGE = f"{ROOM}/vat-return"
Acting = Annotated[StaffVisit, needs(Permission.BOOKS, acts=True, fresh=True, page=PAGE)]
TypedMonth = Annotated[str, Form(pattern=MONTH)]


def period_in(visit: StaffVisit, month: str) -> VatPeriod:
    """The tax period that a month such as 2027-04 belongs to; by default the last one that is over."""
    category = visit.services.settings.vat_category
    if month:
        return vat_periods.period_of(first_day(visit, month), category)
    return vat_periods.before(vat_periods.period_of(visit.today, category), category)


@router.get(PAGE)
def show(visit: Seeing, month: Month = "") -> Response:
    """The fields of one period."""
    return _page(visit, period_in(visit, month))


def _page(visit: StaffVisit, period: VatPeriod, *, typed: str = "", error: Refusal | None = None) -> Response:
    category = visit.services.settings.vat_category
    later = vat_periods.after(period, category)
    with visit.read() as ctx:
        made = vat_return.of_period(ctx.session, period.first, period.last)
        closed, by_later = _closed(ctx, period.last)
    view = StaffVatReturnPage(
        first_day=period.first,
        last_day=period.last,
        month=f"{period.last:%Y-%m}",
        before=f"{vat_periods.before(period, category).last:%Y-%m}",
        after=f"{later.last:%Y-%m}" if later.first <= visit.today else None,
        fields=tuple(
            FieldRow(number=number, words=words, amount=amount_words(cents))
            for number, words, cents in vat_return.fields(made)
        ),
        category=category.value,
        is_over=period.last < visit.today,
        closed=closed,
        closed_by_a_later=by_later,
        typed=typed,
        error=problems.words_of(error) if error else None,
    )
    return visit.page(view, error.status if error else 200)


def _closed(ctx: TransactionContext, last: date) -> tuple[ClosedNote | None, date | None]:
    rows = closing.closed(ctx.session)
    for row in rows:
        if row.last == last:
            note = ClosedNote(
                reference=row.reference,
                payable=Money(row.payable),
                at=row.closed_at,
                may_reopen=row is rows[0],
            )
            return note, None
    return None, rows[0].last if rows and rows[0].last > last else None


@router.post(f"{PAGE}/close")
def close(
    visit: Acting, month: TypedMonth = "", reference: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Close the books of the period: its return is filed."""
    period = period_in(visit, month)
    try:
        with visit.begin() as ctx:
            vat_returns.close(ctx, period, reference=reference)
    except (NoReturnReference, PeriodNotOver) as refusal:
        return _page(visit, period, typed=reference, error=refusal)
    except PeriodClosed as refusal:  # the page asks for another thing then
        return _page(visit, period, error=refusal)
    return visit.go(f"{PAGE}?month={period.last:%Y-%m}", "staff-saved")


@router.post(f"{PAGE}/reopen")
def reopen(
    visit: Acting, month: TypedMonth = "", reason: Annotated[str, Form(max_length=300)] = ""
) -> Response:
    """Reopen the books of the period: its return is corrected."""
    period = period_in(visit, month)
    try:
        with visit.begin() as ctx:
            vat_returns.reopen(ctx, period.last, reason=reason)
    except (NeedsReason, NotTheLastClosed) as refusal:
        return _page(visit, period, typed=reason, error=refusal)
    return visit.go(f"{PAGE}?month={period.last:%Y-%m}", "staff-saved")
