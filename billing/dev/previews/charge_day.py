"""The day of the month on which a reader pays, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from billing.dev.previews.values import LONG_ADDRESS, PRICE
from billing.rules.charge_day import DAYS, first_on, in_words
from billing.rules.money import Money
from billing.web.views.account import AccountPage, NextChargeRow
from billing.web.views.choices import Choices, DayOption, DayPage, DaysPage
from billing.web.views.frame import Frame, Page


def charge_day(paid: AccountPage, free: Choices, at: Frame) -> Iterator[tuple[str, Page, Frame]]:
    """The account, the days to choose from, the review of one."""
    offered = replace(free, charge_day="the 8th", can_choose_day=True)
    yield "account-charge-day", replace(paid, plan=offered), at
    moved = replace(free, charge_day="the 25th", can_undo_day=True)
    then = NextChargeRow(on=date(2027, 1, 25), amount=PRICE)
    yield "account-charge-day-moved", replace(paid, plan=moved, next_charge=then), at
    before = date(2027, 1, 8)
    options = tuple(
        DayOption(
            day=day,
            words=in_words(day),
            on=first_on(day, before),
            free_days=(first_on(day, before) - before).days,
        )
        for day in DAYS
        if day != before.day
    )
    last_day = before - timedelta(days=1)
    at = replace(at, path="/account/charge-day")
    yield "charge-days", DaysPage(email=LONG_ADDRESS, last_day=last_day, now="the 8th", options=options), at
    page = DayPage(
        email=LONG_ADDRESS,
        option=next(option for option in options if option.day == 25),
        amount=PRICE,
        vat=Money(978),
        last_day=last_day,
        undo_until=before,
        again_on=date(2027, 11, 23),
        consent_text="Yes, on 25 January 2027 charge my card R75.00 incl. VAT, and the same on the 25th of every month until I cancel.",
    )
    yield "charge-day", page, at
    yield "charge-day-problem", replace(page, error="Please tick the box to agree."), at
    moved_on = ("The next charge is now on Thursday 25 February 2027 instead of Monday 25 January 2027.",)
    yield "charge-day-changed", replace(page, changed=moved_on), at
