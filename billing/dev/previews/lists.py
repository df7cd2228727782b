"""Lists for staff, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, PRICE
from billing.rules.money import Money
from billing.staff.lists.kinds import LISTS, ListName
from billing.web.staff.list_inputs import inputs
from billing.web.staff.list_tables import TABLES
from billing.web.views.frame import Frame, Page
from billing.web.views.staff_lists import ListCell, ListLink, ListRowView, ListSums, StaffListPage

NAMES = {
    "plan": {"monthly": "Full access, by the month", "yearly": "Full access, by the year"},
    "price": {"pri_1": "Full access, by the month: R75.00 incl. VAT a month"},
    "newsletter": {"morning": "The morning letter"},
}
TAX, NET, GROSS = "incl. VAT", Money(6522), Money(7500)
CELLS: dict[ListName, tuple[ListCell, ...]] = {
    ListName.READERS: (
        ListCell(text="payment overdue"),
        ListCell(money=PRICE, tax="incl. VAT a month", note="Full access, by the month"),
        ListCell(label="next charge", day=date(2026, 11, 19)),
        ListCell(label="owes", money=PRICE, tax=TAX, bad=True),
        ListCell(label="since", moment=NOW),
    ),
    ListName.SUBSCRIPTIONS: (
        ListCell(text="cancelled, still reading"),
        ListCell(money=PRICE, tax="incl. VAT a month", note="Full access, by the month"),
        ListCell(label="next charge"),
        ListCell(label="owes"),
        ListCell(label="started", moment=NOW),
        ListCell(label="last day", day=date(2026, 12, 4)),
    ),
    ListName.PAYMENTS: (
        ListCell(label="paid", moment=NOW),
        ListCell(money=PRICE, tax=TAX, note="paid twice; goes back by itself"),
        ListCell(label="returned", money=Money(2500), tax=TAX),
        ListCell(text="INV-000148", note="Full access, 5 November 2026 to 4 December 2026"),
        ListCell(text="Mastercard 4444"),
    ),
    ListName.REFUNDS: (
        ListCell(label="made", moment=NOW),
        ListCell(money=PRICE, tax=TAX, note="CN-000007"),
        ListCell(text="came back from the bank", bad=True),
        ListCell(text="an outage of a day", note="by staff:sipho@swartbergpost.example"),
    ),
    ListName.INVOICES: (
        ListCell(text="INV-000148"),
        ListCell(day=date(2026, 11, 5)),
        ListCell(text="Full access, one month", note="to Karoo Wool (Pty) Ltd"),
        ListCell(money=NET, tax="excl. VAT"),
        ListCell(money=GROSS - NET, tax="VAT"),
        ListCell(money=GROSS, tax=TAX),
    ),
}


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    for of in ListName:
        yield f"staff-list-{of}", _list(of), replace(STAFF, path=f"/staff/{of}")
    at = replace(STAFF, path="/staff/readers")
    readers = _list(ListName.READERS)
    wrong = {
        "due_through": "The last day is before the first one.",
        "card_ends": "A month is written as 2027-03.",
    }
    typed = {"due_from": "2026-11-20", "due_through": "2026-11-01", "card_ends": "March", "bounced": "yes"}
    fields = inputs(LISTS[ListName.READERS].filter, typed, NAMES, wrong)
    yield "staff-list-wrong", replace(readers, inputs=fields, rows=None), at
    yield "staff-list-none", replace(readers, rows=(), words="", saved_id="", behind=None, before=None), at
    taken = "A filter of this list has that name already. Choose another, or change that one."
    yield "staff-list-name-taken", replace(readers, saved_id="", name_error=taken), at


def _list(of: ListName) -> StaffListPage:
    kind = LISTS[of]
    row = ListRowView(reader_id="rdr_1", name="naledi@example.com", note="crm-417", cells=CELLS[of])
    return StaffListPage(
        list=of,
        title=kind.title,
        tabs=tuple(
            ListLink(address=f"/staff/{name}", name=name.capitalize(), current=name is of)
            for name in ListName
        ),
        inputs=inputs(kind.filter, {}, NAMES, {}),
        built_in=tuple(ListLink(address=f"/staff/{of}", name=name) for name in kind.built_in(NOW.date())),
        saved=(ListLink(address=f"/staff/{of}", name="Overdue for the letter of Friday", current=True),),
        columns=TABLES[of].columns,
        rows=(row, replace(row, name=LONG_ADDRESS, note="")),
        words="state: payment overdue; next charge from 1 November 2026",
        query="state=overdue&due_from=2026-11-01",
        count="more than 1\u00a0000",
        sums=ListSums(net=NET + NET, vat=GROSS - NET + (GROSS - NET), gross=GROSS + GROSS)
        if of is ListName.INVOICES
        else None,
        csv=f"/staff/{of}.csv?state=overdue",
        before=f"/staff/{of}?before=1",
        behind=f"/staff/{of}?behind=1",
        saved_id="flt_1",
        saved_name="Overdue for the letter of Friday",
    )
