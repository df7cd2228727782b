"""The mails about what a reader, or staff for a reader, chose: days, plans, pauses, prices. One dataclass each, as in `messages`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from emails.fields import Cents, Day, Message, Url
from emails.money_back import WithMoneyBack


@dataclass(frozen=True)
class Withdrawn(WithMoneyBack):
    """Acknowledges that the sale was taken back, with the moment of it (INT-1). `asked_text` is that moment in words;
    `unread_amount` is what of `amount` is for days not read, of charges after the first; `one_card`: all of it returns to one card."""

    kind: ClassVar[str] = "withdrawn"
    asked_text: str
    amount: Cents
    card_brand: str
    card_last4: str
    offer_url: Url
    unread_amount: Cents | None = None
    one_card: bool = True


@dataclass(frozen=True)
class MoreDays(Message):
    """Staff gave days: the trial or the paid period ends later. `last_day` is the last one that is free or paid."""

    kind: ClassVar[str] = "more_days"
    what: Literal["trial", "period"]
    last_day: Day
    next_charge_on: Day
    amount: Cents
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class Complimentary(Message):
    """Staff opened everything to a reader who has no subscription, through `last_day`."""

    kind: ClassVar[str] = "complimentary"
    last_day: Day
    account_url: Url


@dataclass(frozen=True)
class PriceNotice(Message):
    """A dearer or cheaper price, at least 30 days before it holds (CARD-8, CPA-8). `every` is "month" or "year"."""

    kind: ClassVar[str] = "price_notice"
    every: Literal["month", "year"]
    old_amount: Cents
    new_amount: Cents
    from_on: Day
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class TermNotice(Message):
    """A fixed term ends, 80 to 40 business days ahead: what comes then, and what may be chosen (CPA-2). `chosen` is what the
    reader has chosen already, with its price, such as "R750.00 incl. VAT a year"; the month then holds without that."""

    kind: ClassVar[str] = "term_notice"
    last_day: Day
    next_on: Day
    month_amount: Cents
    year_amount: Cents | None
    cancel_url: Url
    account_url: Url
    chosen: str | None = None


@dataclass(frozen=True)
class TermReminder(Message):
    """The charge that follows a fixed term, about a week and about four days ahead (CARD-8)."""

    kind: ClassVar[str] = "term_reminder"
    which: Literal["first", "second"]
    every: Literal["month", "year"]
    amount: Cents
    charge_on: Day
    card_brand: str
    card_last4: str
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class PlanSwitched(Message):
    """The reader chose another plan, which begins on `from_on`; until then it can be undone."""

    kind: ClassVar[str] = "plan_switched"
    every: Literal["month", "year"]
    amount: Cents
    from_on: Day
    after: str
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class Paused(Message):
    """A pause was asked for: reading stops after `last_day`, and goes on, with a charge, on `resumes_on`."""

    kind: ClassVar[str] = "paused"
    last_day: Day
    resumes_on: Day
    amount: Cents
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class PauseEnds(Message):
    """Announces the charge with which a pause ends, at least a week ahead."""

    kind: ClassVar[str] = "pause_ends"
    amount: Cents
    charge_on: Day
    card_brand: str
    card_last4: str
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class GoesOn(Message):
    """A choice was taken back before it began: everything goes on as it was."""

    kind: ClassVar[str] = "goes_on"
    what: Literal["pause", "plan"]
    next_charge_on: Day
    amount: Cents
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class TermLeft(WithMoneyBack):
    """The reader left a fixed term early: the last day, and what goes back for the days after it (CPA-2)."""

    kind: ClassVar[str] = "term_left"
    last_day: Day
    refund: Cents
    offer_url: Url


CHOICES: tuple[type[Message], ...] = (
    Withdrawn,
    MoreDays,
    Complimentary,
    PriceNotice,
    TermNotice,
    TermReminder,
    PlanSwitched,
    Paused,
    PauseEnds,
    GoesOn,
    TermLeft,
)
