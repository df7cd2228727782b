"""The books page with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, PRICE
from billing.ledger.closing import NoReturnReference
from billing.ledger.models import Account
from billing.refunds.pay_back import NoReference
from billing.reports.book_words import ACCOUNTS, account_title
from billing.reports.collection_sheets import BUCKETS
from billing.reports.journal_files import LAYOUTS
from billing.reports.vat_return import fields
from billing.rules.account_codes import DEFAULTS
from billing.rules.money import Money
from billing.rules.tax import VatRate
from billing.rules.vat_return import Supplies, vat201
from billing.web.kit import problems
from billing.web.staff.books import FILES, amount_words
from billing.web.staff.owed import ASKED, UNEXPLAINED
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
from billing.web.views.frame import Frame, Page
from billing.web.views.owed import Debt, StaffOwedPage, WaitingErasure
from billing.web.views.vat_return import ClosedNote, FieldRow, StaffVatReturnPage

VAT = VatRate(1500, date(2018, 4, 1))
_ROWS = (
    (Account.GATEWAY, "1\u00a0245\u00a0300.00", "74\u00a0925.00", "150.00"),
    (Account.DEFERRED_REVENUE, "-412\u00a0118.20", "61\u00a0002.11", "65\u00a0154.78"),
    (Account.VAT_OUTPUT, "-9\u00a0772.93", "19.56", "9\u00a0772.93"),
    (Account.REFUNDS_OWED, "0.00", "", "75.00"),
    (Account.REVENUE, "-823\u00a0408.87", "", "61\u00a0002.11"),
)
_SETTLED = (
    (Account.GATEWAY, "4\u00a0120.88", "229.70", "3\u00a0891.18", "70\u00a0749.09"),
    (Account.CONVERSION, "", "4\u00a0120.88", "-4\u00a0120.88", "-74\u00a0925.45"),
    (Account.GATEWAY_FEES, "229.33", "", "229.33", "4\u00a0169.64"),
    (Account.EXCHANGE_DIFFERENCES, "0.37", "", "0.37", ""),
)


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Previews of a month with all kinds of entries, and of an empty one."""
    accounts = tuple(
        _account(account, before=before, debit=debit, credit=credit, after=before)
        for account, before, debit, credit in _ROWS
    )
    settled = tuple(
        _account(account, before="0.00", debit=debit, credit=credit, after=after, book_value=value)
        for account, debit, credit, after, value in _SETTLED
    )
    owed = OwedRow(
        refund_id="ref_1",
        reader_id="rdr_1",
        email=LONG_ADDRESS,
        amount=PRICE,
        credit_note="CN-000007",
        since=NOW,
        failure="the card was lost or stolen",
    )
    unexplained = UnexplainedRow(
        charge_ref="ch_3QYB2eKZ9qLxhT7f1mN4cVdR",
        customer_ref="cus_RkT5wPq8JxZ2bL",
        amount=PRICE,
        taken_at=NOW,
        since=NOW,
        failure="the card was lost or stolen",
    )
    sold = VatRow(
        rate="15", what="Tax invoices", net="65\u00a0154.78", vat="9\u00a0772.93", gross="74\u00a0927.71"
    )
    month = StaffBooksPage(
        month="2026-10",
        first_day=date(2026, 10, 1),
        before="2026-09",
        after="2026-11",
        balances=(
            BalanceTable(
                currency="ZAR", accounts=accounts, debit="135\u00a0946.67", credit="135\u00a0946.67"
            ),
            BalanceTable(currency="USD", accounts=settled, debit="4\u00a0350.58", credit="4\u00a0350.58"),
        ),
        vat=(sold, replace(sold, what="Credit notes", net="-130.44", vat="-19.56", gross="-150.00")),
        fees=(
            FeeRow(
                what="Charges",
                count=999,
                currency="ZAR",
                net="4\u00a0169.64",
                vat="625.45",
                gross="4\u00a0795.09",
            ),
            FeeRow(what="Disputes", count=1, currency="ZAR", net="130.43", vat="19.57", gross="150.00"),
        ),
        series=(
            SeriesRow(name="tax invoices", count=999, lowest="INV-000148", highest="INV-001146", missing=0),
            SeriesRow(name="credit notes", count=2, lowest="CN-000006", highest="CN-000007", missing=0),
        ),
        owed=(owed, replace(owed, refund_id="ref_2", credit_note=None, failure="")),
        unexplained=(unexplained, replace(unexplained, charge_ref="ch_2", customer_ref=None, failure="")),
        waiting=WaitingRefunds(count=2, amount=Money(15000), since=NOW),
        today=date(2026, 11, 2),
        is_over=True,
        files=tuple(FILES.items()),
        journals=tuple((layout.name, layout.title) for layout in LAYOUTS.values()),
        codes=tuple((account_title(account), DEFAULTS[account]) for account in Account),
        ageing=tuple(
            AgeRow(age=words, count=3 - place, amount=f"{75 * (3 - place)}.00")
            for place, (_, words) in enumerate(BUCKETS)
        ),
        typed=TypedTransfer(of="ref_2", on="2026-10-30", reference=" ", error=NoReference().detail),
    )
    none = tuple(replace(one, count=0, lowest="", highest="") for one in month.series)
    at = replace(STAFF, path="/staff/books")
    yield "staff-books", month, at
    debt = Debt(
        of="ref_1",
        field="refund_id",
        reader_id="rdr_1",
        whose=LONG_ADDRESS,
        amount=PRICE,
        since=NOW,
        days=12,
        why="It came back: the card was lost or stolen. Credit note CN-000007.",
        do=ASKED,
    )
    charge = replace(
        debt,
        of="ch_3QYB2eKZ9qLxhT7f1mN4cVdR",
        field="charge_ref",
        reader_id=None,
        whose="the holder of the card of ch_3QYB2eKZ9qLxhT7f1mN4cVdR",
        days=1,
        why="Nothing explains this charge, and no refund could return it.",
        do=UNEXPLAINED,
    )
    waits = WaitingErasure(
        reader_id="rdr_2",
        email=LONG_ADDRESS,
        since=NOW,
        days=0,
        due_at=NOW,
        waits_for=("Money is on its way back.",),
    )
    owed_page = StaffOwedPage(
        debts=(debt, charge),
        total=Money(15000),
        erasures=(waits,),
        waiting=month.waiting,
        today=month.today,
        typed=TypedTransfer(of="ref_1", on="2026-10-30", reference=" ", error=NoReference().detail),
    )
    at_owed = replace(STAFF, path="/staff/owed")
    yield "staff-owed", owed_page, at_owed
    nothing = replace(owed_page, debts=(), total=Money(0), erasures=(), waiting=None, typed=None)
    yield "staff-owed-none", nothing, at_owed
    empty = replace(
        month,
        balances=(),
        vat=(),
        fees=(),
        series=none,
        owed=(),
        unexplained=(),
        waiting=None,
        after=None,
        typed=None,
    )
    yield "staff-books-none", replace(empty, is_over=False), at
    made = vat201(
        [Supplies(1500, 75000000, 9782400, is_credit=False), Supplies(1500, -15000, -1956, is_credit=True)],
        VAT,
    )
    due = StaffVatReturnPage(
        first_day=date(2026, 9, 1),
        last_day=date(2026, 10, 31),
        month="2026-10",
        before="2026-08",
        after="2026-12",
        fields=tuple(
            FieldRow(number=number, words=words, amount=amount_words(cents))
            for number, words, cents in fields(made)
        ),
        category="B",
        is_over=True,
    )
    at = replace(STAFF, path="/staff/books/vat-return")
    yield "staff-vat-return", due, at
    yield "staff-vat-return-problem", replace(due, error=problems.words_of(NoReturnReference())), at
    filed = ClosedNote(reference="VAT201 2026/10", payable=Money(9780444), at=NOW, may_reopen=True)
    yield "staff-vat-return-filed", replace(due, closed=filed), at


def _account(account: Account, **amounts: str) -> AccountRow:
    name, meaning = ACCOUNTS[account]
    return AccountRow(name=name, meaning=meaning, **amounts)
