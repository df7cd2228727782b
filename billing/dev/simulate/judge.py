"""Check each reader's charges, from the sandbox's list, against the promised calendar. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from billing.dev.simulate.dates import (
    CENTS,
    COOLING_OFF_DAYS,
    GRACE_DAYS,
    MONTHS,
    MOVED_DAYS,
    charge_at,
    day_from,
    day_of,
    month_later,
    notices,
    start_of,
    trial_over,
)
from billing.dev.simulate.scenarios import ActKind

LATE = timedelta(days=1)
"""The longest delay of a charge that nothing forbids, whatever fails meanwhile."""
SECOND = timedelta(seconds=1)
"""The resolution of the sandbox's timestamps."""
ENDS = (ActKind.CANCEL, ActKind.WITHDRAW, ActKind.DISPUTE, ActKind.ERASE)
PAYS = (ActKind.PAY_CARD, ActKind.PAY_PAGE)
FAILS = (ActKind.CARD_FAILS, ActKind.CARD_GONE, ActKind.CUSTOMER_GONE)


@dataclass(frozen=True, slots=True)
class AcceptedAct:
    """An act that was accepted."""

    at: datetime
    kind: ActKind
    detail: str = ""
    since: datetime | None = None
    """For an undone cancellation, when it was made."""


@dataclass(frozen=True, slots=True)
class ListedCharge:
    """A successful charge, as the sandbox lists it; `returned` are the cents refunded since."""

    ref: str
    at: datetime
    cents: int
    returned: int = 0


@dataclass
class Life:
    """What a reader was promised, and the accepted acts of the reader, of staff and of banks."""

    number: int
    plan: str
    unreachable: bool
    chargeable: bool
    """Whether the first card can be charged without its owner."""
    refundable: bool = True
    """Whether the bank accepts refunds to the card."""
    started_on: date | None = None
    accepted: list[AcceptedAct] = field(default_factory=list)

    def record(self, at: datetime, kind: ActKind, detail: str = "") -> None:
        """Record an accepted act. Undoing removes the cancellation; a charge that wasn't announced meanwhile moves."""
        if kind is ActKind.UNDO:
            last = max(i for i, act in enumerate(self.accepted) if act.kind is ActKind.CANCEL)
            cancelled = self.accepted.pop(last)
            self.accepted.append(AcceptedAct(at, kind, detail, since=cancelled.at))
        else:
            self.accepted.append(AcceptedAct(at, kind, detail))


@dataclass(frozen=True, slots=True)
class Breach:
    """A forbidden charge, or a missing one."""

    number: int
    what: str


@dataclass
class _Terms:
    """The next charge: its plan and due day."""

    plan: str
    on: date
    anchor: date
    months: int = 0
    chargeable: bool = True
    trial: bool = True

    def begin_next_period(self) -> None:
        """Go on to the next period after a payment. A year is followed by months."""
        self.trial = False
        self.months += MONTHS[self.plan]
        self.on = month_later(self.anchor, self.months)
        self.plan = "monthly"

    def move(self, on: date) -> None:
        self.on = self.anchor = on
        self.months = 0

    def apply(self, act: AcceptedAct) -> None:
        """Apply an act that changes the day, the amount, or whether the card can be charged."""
        match act.kind:
            case ActKind.DAYS:
                self.move(self.on + timedelta(days=int(act.detail)))
            case ActKind.UNDO if act.since is not None:
                self._undo(act.since, act.at)
            case ActKind.PAUSE:
                self.move(month_later(self.on, int(act.detail)))
            case ActKind.YEAR:
                self.plan = "yearly"
            case ActKind.CHARGE_DAY:
                self._move_to_day(act.detail)
            case ActKind.CARD_FAILS | ActKind.CARD_GONE | ActKind.CUSTOMER_GONE:
                self.chargeable = False
            case ActKind.CARD_WORKS | ActKind.NEW_CARD | ActKind.REPLACED:
                self.chargeable = True
            case ActKind.PAY_PAGE if act.detail == "another":
                self.chargeable = True

    def _move_to_day(self, day: str) -> None:
        """The next charge comes on the first such day of a month, later ones on that day of each month."""
        self.move(day_from(self.on, day))
        if day == "last":  # counted from a December, which has a 31st
            self.anchor, self.months = date(self.on.year - 1, 12, 31), self.on.month

    def _undo(self, cancelled: datetime, undone: datetime) -> None:
        """No notice is sent while a trial is cancelled. If that made one too late, the charge moves to eight days after the
        cancellation was undone."""
        if self.trial and any(cancelled <= due and undone > last for due, last in notices(self.on)):
            self.move(day_of(undone) + timedelta(days=MOVED_DAYS))


@dataclass(frozen=True, slots=True)
class PaidPeriod:
    """A charge with its period: the first day, and the first day after it."""

    charge: ListedCharge
    begins_on: date
    ends_on: date


def judge(life: Life, taken: Iterable[ListedCharge], until: datetime, *, staff_know: bool) -> list[Breach]:
    """All breaches of the calendar up to `until`, and refunds that a withdrawal should have caused and didn't.

    If the bank accepts no refund, staff must know (`staff_know`)."""
    paid = list[PaidPeriod]()
    outside = list(_walk(life, taken, until, paid))
    kept = [] if staff_know and not life.refundable else _kept(life, paid)
    return [Breach(life.number, what) for what in (*outside, *kept)]


def periods_paid(life: Life, taken: Iterable[ListedCharge], until: datetime) -> list[PaidPeriod]:
    """The charges up to `until` that the calendar knows, each with its period."""
    paid = list[PaidPeriod]()
    for _ in _walk(life, taken, until, paid):
        pass  # breaches are `judge`'s
    return paid


def first_charge_on(life: Life) -> date:
    """The day of the first charge, as accepted acts have moved it. Raises ValueError for a reader who never began."""
    if life.started_on is None:
        raise ValueError(f"reader {life.number} never began")
    first = trial_over(life.started_on)
    terms = _Terms(life.plan, first, first)
    for act in sorted(life.accepted, key=lambda act: act.at):
        if act.at <= charge_at(terms.on):
            terms.apply(act)
    return terms.on


def _walk(
    life: Life, taken: Iterable[ListedCharge], until: datetime, paid_periods: list[PaidPeriod]
) -> Iterator[str]:
    """Go from due day to due day, assign each due charge to its period, and yield breaches. Charges left over at the end are outside
    the calendar."""
    charges = sorted(taken, key=lambda charge: (charge.at, charge.ref))
    if life.started_on is None or life.unreachable:
        yield from (f"{_words(charge)}, and nothing may be" for charge in charges)
        return
    first = trial_over(life.started_on)
    terms = _Terms(life.plan, first, first, chargeable=life.chargeable)
    waiting = sorted(life.accepted, key=lambda act: act.at)
    ended_at = min((_ends_charging(act, waiting) for act in waiting if ends(act, waiting)), default=None)
    while True:
        while waiting and waiting[0].at <= charge_at(terms.on):
            terms.apply(waiting.pop(0))
        opens, closes = charge_at(terms.on), start_of(terms.on + timedelta(days=GRACE_DAYS))
        if opens > until or (ended_at is not None and ended_at <= opens):
            break
        last = closes if ended_at is None else min(closes, ended_at)
        paid = charges[0] if charges and opens <= charges[0].at < last else None
        failing = any(act.kind in FAILS and act.at <= opens + LATE for act in waiting)
        if terms.chargeable and not failing and opens + LATE <= min(last, until):
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
        terms.begin_next_period()
        paid_periods.append(PaidPeriod(paid, begins_on, terms.on))
    for charge in charges:
        yield f"{_words(charge)}, and by the calendar nothing is due then (next {terms.on})"


def ends(act: AcceptedAct, accepted: Iterable[AcceptedAct]) -> bool:
    """Whether nothing may be charged after this act. Undoing is refused while a dispute is open, so it comes after the decision, and
    charges go on."""
    if act.kind is ActKind.DISPUTE:
        return not any(later.kind is ActKind.UNDO and later.at > act.at for later in accepted)
    return act.kind in ENDS


def _ends_charging(act: AcceptedAct, accepted: list[AcceptedAct]) -> datetime:
    """From when on nothing may be charged. A dispute is about a charge, and a reader may pay and then leave in one moment: a charge in
    the same second came first."""
    before = accepted[: accepted.index(act)]
    has_paid = any(other.at == act.at and other.kind in PAYS for other in before)
    return act.at + SECOND if act.kind is ActKind.DISPUTE or has_paid else act.at


def _words(charge: ListedCharge) -> str:
    return f"{charge.ref} took {charge.cents} cents on {charge.at:%Y-%m-%d %H:%M}Z"


def _closed(life: Life, paid: list[PaidPeriod]) -> datetime | None:
    """When the account was closed, if it was soon enough for a withdrawal and no bank has the money."""
    closed = next((act.at for act in life.accepted if act.kind is ActKind.ERASE), None)
    if closed is None or not paid or any(act.kind is ActKind.DISPUTE for act in life.accepted):
        return None
    return closed if (day_of(closed) - day_of(paid[0].charge.at)).days <= COOLING_OFF_DAYS else None


def _kept(life: Life, paid: list[PaidPeriod]) -> Iterator[str]:
    """A withdrawal refunds the first charge in full, and of each later one the share of unread days, including the day of the
    withdrawal. Closing the account within the days of a withdrawal does the same."""
    withdrew = next((act.at for act in life.accepted if act.kind is ActKind.WITHDRAW), _closed(life, paid))
    if withdrew is None:
        return
    for n, period in enumerate(paid):
        charge, days = period.charge, (period.ends_on - period.begins_on).days
        unread = (period.ends_on - day_of(withdrew)).days
        due = charge.cents if n == 0 else -(-charge.cents * min(unread, days) // days)
        if charge.returned < due:
            yield f"withdrew, and {due - charge.returned} cents of {charge.ref} are kept"
