"""Readers' pages about another address."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from billing.readers.address_change import STOP_LIFE
from emails.languages import Text

STOP_DAYS = STOP_LIFE // timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPage:
    """The form for another address. `refuses`: the present one refuses our mail. `waiting`: another was typed, which has until then to
    confirm it. `closes`: the account is being closed, so there is no form."""

    template: ClassVar[str] = "address.html"
    stop_days: ClassVar[int] = STOP_DAYS
    email: str
    refuses: bool = False
    waiting: tuple[str, datetime] | None = None
    closes: bool = False
    typed: str = ""
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSentPage:
    """Check the mail at the new address. The same for one that has an account (6.3.8)."""

    template: ClassVar[str] = "address_sent.html"
    to: str
    until: datetime
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressConfirmPage:
    """The button that makes `email` the account's address. `here`: this browser may press it; else the code is typed where it was
    asked for. `old` is shown there alone."""

    template: ClassVar[str] = "address_confirm.html"
    email: str
    here: bool
    old: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressStopPage:
    """What the old address can stop. `confirmed`: the account has another address now. `stopped`: it is done; `put_back`: the old address
    is the account's again. `until` is the last day."""

    template: ClassVar[str] = "address_stop.html"
    email: str
    asked_at: datetime
    until: date
    confirmed: bool
    stopped: bool = False
    put_back: bool = False
