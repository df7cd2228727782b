"""Closing an account and having it erased."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from billing.rules.money import Money
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePage:
    """What closing the account does, before it is done. `problem`: why it can't be closed now; the other fields are empty then.
    `amount` goes back; `waits` is what must end before the erasure, `keeps` what stays and why."""

    template: ClassVar[str] = "erase.html"
    email: str
    problem: Text | None = None
    ends: bool = False
    amount: Money | None = None
    staff_decide: bool = False
    waits: tuple[Text, ...] = ()
    keeps: tuple[Text, ...] = ()
    erases_on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAskedPage:
    """The account is closed and will be erased; the reader is signed in again, and can take it back."""

    template: ClassVar[str] = "erase_asked.html"
    email: str
    erases_on: date
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosedPage:
    """The account was closed in this browser, which is signed out now."""

    template: ClassVar[str] = "account_closed.html"
