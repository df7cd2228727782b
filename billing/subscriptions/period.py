"""The periods of a subscription: counted from its anchor, under numbers that never repeat, extended or not."""

from dataclasses import replace
from datetime import date

from billing.rules import periods
from billing.rules.periods import Period
from billing.subscriptions.models import Subscription


def nth(subscription: Subscription, number: int, months: int) -> Period:
    """The period with this number; raises NoSuchPeriod for one before the anchor."""
    found = periods.nth(subscription.charge_on, number - subscription.anchor_number + 1, months)
    return replace(found, number=number)


def containing(subscription: Subscription, on: date, months: int) -> Period:
    """The period in which the day `on` lies; raises NoSuchPeriod before the anchor."""
    found = periods.containing(subscription.charge_on, on, months)
    return replace(found, number=found.number + subscription.anchor_number - 1)
