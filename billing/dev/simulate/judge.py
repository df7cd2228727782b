"""Was anybody charged outside the calendar? Each reader's life against the sandbox's own list of charges. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from billing.dev.simulate.dates import (
    CENTS,
    GRACE_DAYS,
    MONTHS,
    MOVED_DAYS,
    charge_at,
    day_of,
    month_later,
    notices,
    start_of,
    trial_over,
)
from billing.dev.simulate.scenarios import ActKind

LATE = timedelta(days=1)
"""Within this a charge that nothing forbids must have been made, whatever fails meanwhile."""
SECOND = timedelta(seconds=1)
"""What the sandbox's instants are told to."""
ENDS = (ActKind.CANCEL, ActKind.WITHDRAW, ActKind.DISPUTE)
FAILS = (ActKind.CARD_FAILS, ActKind.CARD_GONE, ActKind.CUSTOMER_GONE)


@dataclass(frozen=True, slots=True)
class AcceptedAct:
    """Something that was accepted, and when."""

    at: datetime
    wish: ActKind
    detail: str = ""
    since: datetime | None = None
    """For a cancellation that was taken back, when it had been asked for."""


@dataclass(frozen=True, slots=True)
class ListedCharge:
    """A charge that went through, as the sandbox lists it; cents that went back since."""

    ref: str
    at: datetime
    cents: int
    returned: int = 0


@dataclass
class Life:
    """What a reader was promised, and what was accepted from them, from staff and from banks."""

    number: int
    plan: str
    deaf: bool
    works: bool
    """Whether the card, as it was at first, goes through without its owner."""
    takes_back: bool = True
    """Whether the bank lets money come back to the card."""
    started_on: date | None = None
    happened: list[AcceptedAct] = field(default_factory=list)

    def note(self, at: datetime, wish: ActKind, detail: str = "") -> None:
        """Write down what was accepted. An undone cancellation ends nothing; what was not announced meanwhile moves."""
        if wish is ActKind.UNDO:
            last = max(i for i, one in enumerate(self.happened) if one.wish is ActKind.CANCEL)
            asked = self.happened.pop(last)
            self.happened.append(AcceptedAct(at, wish, detail, since=asked.at))
        else:
            self.happened.append(AcceptedAct(at, wish, detail))


@dataclass(frozen=True, slots=True)
class Breach:
    """A charge that shouldn't be, or one that should."""

    number: int
    what: str


@dataclass
class _Terms:
    """When the next charge is due, and what of."""

    plan: str
    on: date
    anchor: date
    months: int = 0
    works: bool = True
    trial: bool = True

    def begin(self) -> None:
        """Paid: the next period. A year goes on by the month."""
        self.trial = False
        self.months += MONTHS[self.plan]
        self.on = month_later(self.anchor, self.months)
        self.plan = "monthly"

    def move(self, on: date) -> None:
        self.on = self.anchor = on
        self.months = 0

    def apply(self, one: AcceptedAct) -> None:
        """What changes the day, the amount, or whether the card can be charged."""
        match one.wish:
            case ActKind.DAYS:
                self.move(self.on + timedelta(days=int(one.detail)))
            case ActKind.UNDO if one.since is not None:
                self._go_on(one.since, one.at)
            case ActKind.PAUSE:
                self.move(month_later(self.on, int(one.detail)))
            case ActKind.YEAR:
                self.plan = "yearly"
            case ActKind.CARD_FAILS | ActKind.CARD_GONE | ActKind.CUSTOMER_GONE:
                self.works = False
            case ActKind.CARD_WORKS | ActKind.NEW_CARD | ActKind.REPLACED:
                self.works = True
            case ActKind.PAY_PAGE if one.detail == "another":
                self.works = True

    def _go_on(self, asked: datetime, undone: datetime) -> None:
        """Nothing is announced to who has cancelled: a trial whose notice could not be sent in time any more is charged eight
        days after the cancellation was taken back. A pause that was still ahead is planned again."""
        if self.trial and any(asked <= due and undone > last for due, last in notices(self.on)):
            self.move(day_of(undone) + timedelta(days=MOVED_DAYS))


@dataclass(frozen=True, slots=True)
class _Paid:
    """A charge in its place: the first day of what it paid for, and the first day after that."""

    charge: ListedCharge
    begins_on: date
    ends_on: date


def judge(life: Life, taken: Iterable[ListedCharge], until: datetime, *, staff_know: bool) -> list[Breach]:
    """What breaks the calendar from the start of a life to `until`, and money that a withdrawal should have brought back, and
    didn't. Where the bank doesn't let it back, staff must know."""
    charges = sorted(taken, key=lambda one: (one.at, one.ref))
    if life.started_on is None or life.deaf:
        return [Breach(life.number, f"{_words(one)}, and nothing may be") for one in charges]
    first, paid = trial_over(life.started_on), list[_Paid]()
    terms = _Terms(life.plan, first, first, works=life.works)
    outside = list(_walk(life, terms, charges, until, paid))
    kept = [] if staff_know and not life.takes_back else _kept(life, paid)
    return [Breach(life.number, what) for what in (*outside, *kept)]


def _walk(
    life: Life, terms: _Terms, charges: list[ListedCharge], until: datetime, places: list[_Paid]
) -> Iterator[str]:
    """From due day to due day; each charge that was due gets its place. What is left of the charges when no further one is due
    was outside."""
    waiting = sorted(life.happened, key=lambda one: one.at)
    ended_at = min((_over(one) for one in waiting if one.wish in ENDS), default=None)
    while True:
        while waiting and waiting[0].at <= charge_at(terms.on):
            terms.apply(waiting.pop(0))
        opens, closes = charge_at(terms.on), start_of(terms.on + timedelta(days=GRACE_DAYS))
        if opens > until or (ended_at is not None and ended_at <= opens):
            break
        last = closes if ended_at is None else min(closes, ended_at)
        paid = charges[0] if charges and opens <= charges[0].at < last else None
        troubled = any(one.wish in FAILS and one.at <= opens + LATE for one in waiting)
        if terms.works and not troubled and opens + LATE <= min(last, until):
            if paid is None:
                yield f"not charged for {terms.on}, and nothing forbade it"
            elif paid.at >= opens + LATE:
                yield f"{_words(paid)}, late for {terms.on}"
        if paid is None:
            break
        charges.pop(0)
        if paid.cents != CENTS[terms.plan]:
            yield f"{_words(paid)}, and not {CENTS[terms.plan]}"
        begins_on = terms.on
        terms.begin()
        places.append(_Paid(paid, begins_on, terms.on))
    for one in charges:
        yield f"{_words(one)}, and by the calendar nothing is due then (next {terms.on})"


def _over(one: AcceptedAct) -> datetime:
    """From when on nothing may be charged. A bank objects to a charge, so one in the same second was the earlier."""
    return one.at + SECOND if one.wish is ActKind.DISPUTE else one.at


def _words(one: ListedCharge) -> str:
    return f"{one.ref} took {one.cents} cents on {one.at:%Y-%m-%d %H:%M}Z"


def _kept(life: Life, paid: list[_Paid]) -> Iterator[str]:
    """A withdrawal brings back the first charge, and of each later one what was paid for days not read: the day on which the
    reader withdrew is one of them."""
    withdrew = next((one.at for one in life.happened if one.wish is ActKind.WITHDRAW), None)
    if withdrew is None:
        return
    for n, one in enumerate(paid):
        days, unread = (one.ends_on - one.begins_on).days, (one.ends_on - day_of(withdrew)).days
        due = one.charge.cents if n == 0 else -(-one.charge.cents * min(unread, days) // days)
        if one.charge.returned < due:
            yield f"withdrew, and {due - one.charge.returned} cents of {one.charge.ref} are kept"
