"""The periods of a subscription: counted from its anchor, under numbers that never repeat, extended, switched or not."""

from datetime import date

from billing.rules import periods
from billing.rules.periods import NoSuchPeriod, Period, add_months
from billing.subscriptions.models import Subscription


def nth(subscription: Subscription, number: int, months: int) -> Period:
    """The period with this number, where each lasts `months`; raises NoSuchPeriod for one before the anchor's."""
    s = subscription
    ahead = number - s.anchor_number
    if ahead < 0 or months < 1:
        raise NoSuchPeriod(f"{s.id} has no period {number} of {months} months since period {s.anchor_number}")
    start = s.anchor_months + ahead * months
    return Period(number, add_months(s.charge_on, start), add_months(s.charge_on, start + months))


def containing(subscription: Subscription, on: date, months: int) -> Period:
    """The period in which the day `on` lies; raises NoSuchPeriod before the anchor's."""
    s = subscription
    if on < add_months(s.charge_on, s.anchor_months):
        raise NoSuchPeriod(f"{on.isoformat()} is before period {s.anchor_number} of {s.id}")
    by_month = periods.containing(s.charge_on, on).number - 1
    return nth(s, s.anchor_number + (by_month - s.anchor_months) // months, months)


def first_from(subscription: Subscription, on: date, months: int) -> Period:
    """The first period that begins on the day `on` or later."""
    s = subscription
    if on <= add_months(s.charge_on, s.anchor_months):
        return nth(s, s.anchor_number, months)
    found = containing(s, on, months)
    return found if found.start_on == on else nth(s, found.number + 1, months)
