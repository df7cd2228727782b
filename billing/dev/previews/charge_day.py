"""The day of the month on which a reader pays, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from billing.dev.previews.values import LONG_ADDRESS, PRICE
from billing.notices.charge_day import day_in_words
from billing.readers import consents
from billing.rules.charge_day import DAYS, first_on
from billing.rules.money import Money
from billing.web.views.account import AccountPage, NextChargeRow
from billing.web.views.charge_day import DayOption, DayPage, DaysPage
from billing.web.views.choices import Choices
from billing.web.views.frame import Frame, Page
from emails.languages import say


def charge_day(paid: AccountPage, free: Choices, at: Frame) -> Iterator[tuple[str, Page, Frame]]:
    """The account, the days to choose from, the review of one."""
    offered = replace(free, charge_day=day_in_words(8), can_choose_day=True)
    yield "account-charge-day", replace(paid, plan=offered), at
    moved = replace(free, charge_day=day_in_words(25), can_undo_day=True)
    then = NextChargeRow(on=date(2027, 1, 25), amount=PRICE)
    yield "account-charge-day-moved", replace(paid, plan=moved, next_charge=then), at
    before = date(2027, 1, 8)
    options = tuple(
        DayOption(
            day=day,
            words=day_in_words(day),
            on=first_on(day, before),
            free_days=(first_on(day, before) - before).days,
        )
        for day in DAYS
        if day != before.day
    )
    last_day = before - timedelta(days=1)
    at = replace(at, path="/account/charge-day")
    yield (
        "charge-days",
        DaysPage(email=LONG_ADDRESS, last_day=last_day, now=day_in_words(8), options=options),
        at,
    )
    page = DayPage(
        email=LONG_ADDRESS,
        option=next(option for option in options if option.day == 25),
        amount=PRICE,
        vat=Money(978),
        last_day=last_day,
        free_from=before,
        again_on=date(2027, 11, 23),
        consent_text=consents.for_charge_day(PRICE, day_in_words(25), date(2027, 1, 25)).words,
    )
    yield "charge-day", page, at
    yield (
        "charge-day-problem",
        replace(page, error=say("Please tick the box to agree, or go back: nothing has changed.")),
        at,
    )
    moved_on = (
        say(
            "The next charge is now on %(now)s instead of %(was)s.",
            now=date(2027, 2, 25),
            was=date(2027, 1, 25),
        ),
    )
    yield "charge-day-changed", replace(page, changed=moved_on), at
