"""The shape of an act: a preview in words and rand, and `do`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules.card_numbers import without_card_numbers
from billing.rules.money import Money
from billing.staff.roles import Permission

AT_ONCE = "What was charged after the moment of asking leaves at once, and can’t be undone."


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act would do, in sentences; the label of its button; and what counts towards limits."""

    words: tuple[str, ...]
    button: str
    cents: int = 0
    """What staff give back of their own will. What is owed anyway doesn't count."""
    days: int = 0
    reader_reads: bool = False
    """Whether the reader reads the reason too: a credit note must state one."""
    otherwise: str = ""
    """What a member may do instead where a limit of their role forbids the act."""


class Act(Protocol):
    """Something done for one reader. Its fields are what was asked for, and don't depend on the actor."""

    @property
    def what(self) -> Permission: ...

    @property
    def reader_id(self) -> str: ...

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What it would do now. Raises the refusal that doing it would raise."""
        ...

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Do it; the id of the row it was done to. The caller has locked the reader."""
        ...


def customer_facing_reason(reason: str) -> str:
    """A reason as the reader reads it on a credit note: one line, without card numbers."""
    return without_card_numbers(" ".join(reason.split()))


def format_zar(cents: int) -> str:
    """An amount in words, VAT included."""
    return Money(cents).with_vat_words()


def days_in_words(days: int) -> str:
    """A number of days."""
    return "one day" if days == 1 else f"{days or 'no'} days"


def day(on: date) -> str:
    """A civil day in words."""
    return f"{on:%A} {on.day} {on:%B %Y}"


def moment(site: Site, at: datetime) -> str:
    """An instant in words, in the publisher's zone."""
    local = at.astimezone(site.zone)
    return f"{day(local.date())} at {local:%H:%M}"
