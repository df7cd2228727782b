"""The five lists: their filters, and the filters that come with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from billing.rules.periods import last_of_month
from billing.staff.lists.documents import DocumentFilter, TaxDocumentKind
from billing.staff.lists.fields import Days, Filter
from billing.staff.lists.payments import PaymentFilter, Returned
from billing.staff.lists.readers import ReaderFilter
from billing.staff.lists.refunds import RefundFilter, RefundProgress
from billing.staff.lists.subscriptions import SubscriptionFilter, SubscriptionStanding
from billing.staff.roles import Permission


class ListName(StrEnum):
    """A list."""

    READERS = "readers"
    SUBSCRIPTIONS = "subscriptions"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    INVOICES = "invoices"


@dataclass(frozen=True, slots=True)
class ListKind:
    """What a list has of its own. `built_in`: filters that come with it, by name, for a civil day."""

    title: str
    filter: type[Filter]
    sees: Permission
    exports: Permission
    built_in: Callable[[date], Mapping[str, Filter]]


def week_of(today: date) -> Days:
    """Monday to Sunday."""
    monday = today - timedelta(days=today.weekday())
    return Days(monday, monday + timedelta(days=6))


def month_of(day: date) -> Days:
    """The first day of a month to the last."""
    return Days(day.replace(day=1), last_of_month(day.year, day.month))


def _month_before(today: date) -> Days:
    return month_of(today.replace(day=1) - timedelta(days=1))


LISTS: dict[ListName, ListKind] = {
    ListName.READERS: ListKind(
        "Readers",
        ReaderFilter,
        Permission.FIND,
        Permission.EXPORT,
        lambda today: {
            "Mail bounces": ReaderFilter(bounced=True),
            "Card ends this month": ReaderFilter(card_ends=month_of(today).last),
            "New this week": ReaderFilter(since=week_of(today)),
        },
    ),
    ListName.SUBSCRIPTIONS: ListKind(
        "Subscriptions",
        SubscriptionFilter,
        Permission.FIND,
        Permission.EXPORT,
        lambda today: {
            "Trials ending this week": SubscriptionFilter(
                state=SubscriptionStanding.TRIAL, due=week_of(today)
            ),
            "Payment overdue": SubscriptionFilter(state=SubscriptionStanding.OVERDUE),
            "Card ends this month": SubscriptionFilter(card_ends=month_of(today).last),
            "Cancelled this week": SubscriptionFilter(cancelled=week_of(today)),
        },
    ),
    ListName.PAYMENTS: ListKind(
        "Payments",
        PaymentFilter,
        Permission.INVOICES,
        Permission.INVOICES,
        lambda today: {
            "This week": PaymentFilter(since=week_of(today)),
            "This month, something returned": PaymentFilter(
                since=month_of(today), returned=Returned.SOMETHING
            ),
        },
    ),
    ListName.REFUNDS: ListKind(
        "Refunds",
        RefundFilter,
        Permission.INVOICES,
        Permission.INVOICES,
        lambda today: {
            "On its way": RefundFilter(state=RefundProgress.UNDER_WAY),
            "Failed": RefundFilter(state=RefundProgress.FAILED),
            "Came back from the bank": RefundFilter(state=RefundProgress.BOUNCED),
            "This month": RefundFilter(since=month_of(today)),
        },
    ),
    ListName.INVOICES: ListKind(
        "Tax invoices and credit notes",
        DocumentFilter,
        Permission.INVOICES,
        Permission.INVOICES,
        lambda today: {
            "Tax invoices of this month": DocumentFilter(since=month_of(today)),
            "Tax invoices of last month": DocumentFilter(since=_month_before(today)),
            "Credit notes of this month": DocumentFilter(TaxDocumentKind.CREDIT_NOTES, month_of(today)),
            "Credit notes of last month": DocumentFilter(TaxDocumentKind.CREDIT_NOTES, _month_before(today)),
        },
    ),
}
