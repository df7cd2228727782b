"""The rows of staff's lists as cells of a page, and as lines of a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from billing.payments import numbers
from billing.payments.invoices import percent
from billing.platform.context import TransactionContext
from billing.rules.money import Money, major
from billing.staff.lists import documents, payments, refunds, subscriber_rows
from billing.staff.lists.documents import DocumentRow
from billing.staff.lists.kinds import ListName
from billing.staff.lists.listing import Listing
from billing.staff.lists.payments import ListedPayment
from billing.staff.lists.readers import ReaderStanding
from billing.staff.lists.refunds import RefundRow
from billing.staff.lists.subscriber_rows import SubscriberRow
from billing.staff.lists.subscriptions import standing_of
from billing.web.views.staff_lists import ListCell, ListRowView
from emails.card_schemes import scheme_name

INCL_VAT = "incl. VAT"


@dataclass(frozen=True, slots=True)
class ListTable:
    """How a list is shown. `line` goes with `file_columns`; amounts in a file are rand, VAT included unless a column says otherwise."""

    listing: Callable[[TransactionContext, Any], Listing[Any]]
    columns: tuple[str, ...]
    row: Callable[[Any], ListRowView]
    file_columns: tuple[str, ...]
    line: Callable[[Any], Sequence[object]]


def _state(row: SubscriberRow) -> str:
    held = row.subscription
    return standing_of(held).words if held is not None else ReaderStanding.FREE.words


def _price(row: SubscriberRow) -> tuple[ListCell, ...]:
    return (
        ListCell(text=_state(row)),
        ListCell(money=row.price, tax=f"{INCL_VAT} a {row.period}", note=row.plan or "")
        if row.price
        else ListCell(),
    )


def _money_to_come(row: SubscriberRow) -> tuple[ListCell, ...]:
    return (
        ListCell(label="next charge", day=row.next_charge_on),
        ListCell(label="owes", money=row.owed, tax=INCL_VAT, bad=True),
    )


def _reader(row: SubscriberRow) -> ListRowView:
    cells = (*_price(row), *_money_to_come(row), ListCell(label="since", moment=row.since))
    return ListRowView(reader_id=row.reader_id, name=row.email, note=row.external_id or "", cells=cells)


def _subscription(row: SubscriberRow) -> ListRowView:
    held = row.subscription
    moments = (
        ListCell(label="started", moment=held.started_at if held else None),
        ListCell(label="last day", day=row.ends_on),
    )
    cells = (*_price(row), *_money_to_come(row), *moments)
    return ListRowView(reader_id=row.reader_id, name=row.email, note=row.external_id or "", cells=cells)


_SUBSCRIBER = ("state", "plan", "price, R", "next charge", "owed, R", "card ends")


def _subscriber(row: SubscriberRow) -> tuple[object, ...]:
    held = row.subscription
    return (
        _state(row),
        row.plan or "",
        _rand(row.price),
        row.next_charge_on or "",
        _rand(row.owed),
        (held.card_expires_on if held is not None else None) or "",
    )


def _rand(money: Money | None) -> object:
    return major(money.amount, money.currency) if money is not None else ""


def _payment(row: ListedPayment) -> ListRowView:
    cells = (
        ListCell(label="paid", moment=row.paid_at),
        ListCell(money=row.amount, tax=INCL_VAT, note="paid twice; goes back by itself" if row.twice else ""),
        ListCell(label="returned", money=row.returned, tax=INCL_VAT),
        ListCell(text=numbers.invoice_number(row.number), note=row.description),
        ListCell(text=f"{scheme_name(row.card_brand)} {row.card_last4}"),
    )
    return ListRowView(reader_id=row.reader_id, name=row.email, note="", cells=cells)


def _refund(row: RefundRow) -> ListRowView:
    note = numbers.credit_note_number(row.credit_note_number) if row.credit_note_number else ""
    cells = (
        ListCell(label="made", moment=row.made_at),
        ListCell(money=row.amount, tax=INCL_VAT, note=note),
        ListCell(text=row.progress.words, bad=row.progress in refunds.WENT_WRONG),
        ListCell(text=row.reason, note=f"by {row.by}"),
    )
    return ListRowView(reader_id=row.reader_id, name=row.email, note="", cells=cells)


def _document(row: DocumentRow) -> ListRowView:
    of = f"for {row.of_invoice}" if row.of_invoice else ""
    cells = (
        ListCell(text=row.number, note=of),
        ListCell(day=row.issued_on),
        ListCell(text=row.description, note=f"to {row.buyer}" if row.buyer else ""),
        ListCell(money=row.net, tax="excl. VAT"),
        ListCell(money=row.vat, tax="VAT"),
        ListCell(money=row.gross, tax=INCL_VAT),
    )
    return ListRowView(reader_id=row.reader_id, name=row.email, note="", cells=cells)


TABLES: dict[ListName, ListTable] = {
    ListName.READERS: ListTable(
        subscriber_rows.of_readers,
        ("Reader", "State", "Plan and price", "Next charge", "Owes", "Since"),
        _reader,
        ("reader", "mail", "external id", "since", *_SUBSCRIBER),
        lambda row: (row.reader_id, row.email, row.external_id or "", row.since, *_subscriber(row)),
    ),
    ListName.SUBSCRIPTIONS: ListTable(
        subscriber_rows.of_subscriptions,
        ("Reader", "State", "Plan and price", "Next charge", "Owes", "Started", "Last day"),
        _subscription,
        ("subscription", "reader", "mail", "external id", "started", "last day", *_SUBSCRIBER),
        lambda row: (
            *(
                row.subscription.id,
                row.reader_id,
                row.email,
                row.external_id or "",
                row.subscription.started_at,
            ),
            row.ends_on or "",
            *_subscriber(row),
        ),
    ),
    ListName.PAYMENTS: ListTable(
        payments.of_payments,
        ("Reader", "Paid", "Amount", "Returned", "Tax invoice", "Card"),
        _payment,
        ("payment", "reader", "mail", "paid", "amount, R", "returned, R", "invoice", "description", "charge"),
        lambda row: (
            *(row.payment_id, row.reader_id, row.email, row.paid_at, _rand(row.amount), _rand(row.returned)),
            *(numbers.invoice_number(row.number), row.description, row.charge_ref),
        ),
    ),
    ListName.REFUNDS: ListTable(
        refunds.of_refunds,
        ("Reader", "Made", "Amount", "State", "Why"),
        _refund,
        ("refund", "reader", "mail", "made", "amount, R", "state", "credit note", "reason", "by"),
        lambda row: (
            *(row.refund_id, row.reader_id, row.email, row.made_at, _rand(row.amount), row.progress.words),
            numbers.credit_note_number(row.credit_note_number) if row.credit_note_number else "",
            *(row.reason, row.by),
        ),
    ),
    ListName.INVOICES: ListTable(
        documents.of_documents,
        ("Reader", "Number", "Issued", "Description", "Excluding VAT", "VAT", "Including VAT"),
        _document,
        (
            "number",
            "issued",
            "for",
            "reader",
            "description",
            "buyer",
            "excluding VAT, R",
            "VAT, R",
            "including VAT, R",
            "VAT rate",
        ),
        lambda row: (
            *(
                row.number,
                row.issued_on,
                row.of_invoice or "",
                row.reader_id,
                row.description,
                row.buyer or "",
            ),
            *(_rand(row.net), _rand(row.vat), _rand(row.gross), percent(row.vat_basis_points)),
        ),
    ),
}
