"""When and why a simulated subscription stops paying, or a trial ends unpaid, from what its reader did and what the bank took. Pure.

The reasons are those of `/staff/numbers`, written a second time from its definitions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from billing.dev.simulate.dates import (
    GRACE_DAYS,
    MOVED_DAYS,
    NOTICES,
    charge_at,
    day_from,
    day_of,
    month_later,
    start_of,
)
from billing.dev.simulate.judge import AcceptedAct, Life, PaidPeriod, ends, first_charge_on
from billing.dev.simulate.scenarios import ActKind

STOP_ORDER = "revocation_of_authorization"
AT_ONCE = (ActKind.WITHDRAW, ActKind.ERASE)
MOVES = 2
"""How often a first charge moves because the address refuses its notices, before the trial ends without it."""


class StopReason(StrEnum):
    """Why a subscription stopped paying."""

    READER = "reader"
    """The reader cancelled, or told the bank to stop."""
    PAYMENT = "payment"
    DISPUTE = "dispute"
    MAIL = "mail"
    """Only before the first payment, as no address begins to refuse mail; so never here."""
    STAFF = "staff"
    """A program ended it at once: simulated readers withdraw and close their accounts by one."""
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class PayingStop:
    """The instant from which nothing is paid any more, and why."""

    at: datetime
    reason: StopReason


@dataclass
class _Ahead:
    """What comes if nothing more happens: the first day after what is paid, and after a pause the day of the next charge."""

    life: Life
    paid_until: date
    free_from: date | None = None
    """The first of the free days up to a chosen day of charge, which are for those who stay."""
    resumes_on: date | None = None
    leaves: PayingStop | None = None
    disputed: bool = False

    @property
    def stop(self) -> PayingStop:
        """When it stops without a further charge."""
        if self.leaves is not None:
            return self.leaves
        if self.resumes_on is not None:
            return PayingStop(start_of(self.paid_until), StopReason.PAUSE)
        if _is_stop_ordered(self.life, charge_at(self.paid_until)):
            return PayingStop(charge_at(self.paid_until), StopReason.READER)
        return PayingStop(start_of(self.paid_until + timedelta(days=GRACE_DAYS)), StopReason.PAYMENT)

    def apply(self, act: AcceptedAct) -> None:
        """Apply an act that ends it later, or moves the next charge."""
        if ends(act, self.life.accepted):
            self._leave(act)
            return
        match act.kind:
            case ActKind.DAYS:
                days, self.free_from = timedelta(days=int(act.detail)), None
                self.paid_until += days
                self.resumes_on = self.resumes_on and self.resumes_on + days
            case ActKind.PAUSE:
                self.resumes_on = month_later(self.paid_until, int(act.detail))
            case ActKind.CHARGE_DAY:
                self.free_from, self.paid_until = self.paid_until, day_from(self.paid_until, act.detail)

    def _leave(self, act: AcceptedAct) -> None:
        """What is paid is read to its end. The first to end it is the reason."""
        is_dispute = act.kind is ActKind.DISPUTE
        self.disputed = self.disputed or is_dispute
        if self.leaves is None:
            keeps_free_days = self.free_from is None or day_of(act.at) >= self.free_from
            end_on = self.paid_until if keeps_free_days else self.free_from or self.paid_until
            reason = StopReason.DISPUTE if is_dispute else StopReason.READER
            self.leaves = PayingStop(max(act.at, start_of(end_on)), reason)


def stops(life: Life, paid: list[PaidPeriod]) -> Iterator[PayingStop]:
    """Each stop of a subscription with these paid periods: pauses between two of them, and the one after the last, if no charge comes."""
    for period, following in pairwise(paid):
        acts = (act for act in _since(life, period) if act.at < following.charge.at)
        stop = _stop(life, acts, period.ends_on)
        if stop.reason is StopReason.PAUSE:
            yield stop
    if paid:
        yield _stop(life, _since(life, paid[-1]), paid[-1].ends_on)


def unpaid_trial_ends_at(life: Life) -> datetime:
    """When a trial ends that nothing is paid for. Raises ValueError for a reader who never began."""
    first = first_charge_on(life)
    moved = (ActKind.DAYS, ActKind.PAUSE, ActKind.CHARGE_DAY)  # the first charge has moved by them already
    acts = [act for act in sorted(life.accepted, key=lambda act: act.at) if act.kind not in moved]
    if not life.unreachable:
        return _stop(life, acts, first).at
    refused = _moved_by_refusals(first, acts)
    return min(_stop(life, acts, refused).at, charge_at(refused))


def _moved_by_refusals(on: date, acts: Iterable[AcceptedAct]) -> date:
    """The day of a first charge whose notices the address refuses. When the second is due, the first is missing, and the charge moves.
    After a cancellation none is due."""
    cancelled = min((act.at for act in acts if act.kind is ActKind.CANCEL), default=None)
    _, (second_due, _) = NOTICES
    for _ in range(MOVES):
        missing = charge_at(on) - timedelta(days=second_due)
        if cancelled is not None and cancelled <= missing:
            break
        on = day_of(missing) + timedelta(days=MOVED_DAYS)
    return on


def _stop(life: Life, acts: Iterable[AcceptedAct], paid_until: date) -> PayingStop:
    """The stop after these acts. What comes after it, such as a dispute, isn't its reason."""
    ahead = _Ahead(life, paid_until)
    for act in acts:
        if ahead.stop.at <= act.at:
            break
        if act.kind in AT_ONCE:
            return PayingStop(act.at, StopReason.STAFF)
        if act.kind is ActKind.LOSE and ahead.disputed:
            return PayingStop(act.at, StopReason.DISPUTE)
        ahead.apply(act)
    return ahead.stop


def _since(life: Life, period: PaidPeriod) -> Iterator[AcceptedAct]:
    """Acts after a charge, in order. A dispute is of a charge, so one in the same second came after it."""
    for act in sorted(life.accepted, key=lambda act: act.at):
        if act.at > period.charge.at or (act.kind is ActKind.DISPUTE and act.at == period.charge.at):
            yield act


def _is_stop_ordered(life: Life, due: datetime) -> bool:
    """Whether the bank answers a charge at that instant with its customer's order to stop."""
    is_ordered = False
    for act in sorted(life.accepted, key=lambda act: act.at):
        if act.at <= due:
            match act.kind:
                case ActKind.CARD_FAILS:
                    is_ordered = act.detail == STOP_ORDER
                case ActKind.CARD_WORKS | ActKind.NEW_CARD | ActKind.REPLACED:
                    is_ordered = False
    return is_ordered
