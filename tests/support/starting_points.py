"""Starting points of tests. Each is reached once in a process by the product's own way, kept, and then restored.

blank → in_trial → notified → paid → paid_twice, owing, cancelled, disputed
                 → yearly → year_ending
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.support.world import START, World, local


@dataclass(frozen=True)
class Beginning:
    """The calendar of a starting point: the blank world, the trial and the second charge; and the reader with their card."""

    blank_at: datetime
    trial_at: datetime
    second_charge_at: datetime
    email: str
    card: str

    def on(self, day: int, hour: int) -> datetime:
        """The moment `day` days after the trial began, at this hour."""
        return (self.trial_at + timedelta(days=day)).replace(hour=hour, minute=0)


MARCH = Beginning(START, START, local(2027, 4, 16, 12), "thandi@example.com", "pm_card_visa")
"""A trial from Monday 1 March 2027, 10:00. The charges are on the 16th."""
MONTH_END = Beginning(
    local(2027, 1, 4, 10), local(2027, 1, 16, 10), local(2027, 2, 28, 12), "reader-0@example.com", "pm_card_visa__0"
)  # fmt: skip
"""A trial from 16 January 2027. The charges are on the last day of each month, which has the most calendar traps."""
JANUARY = Beginning(
    local(2027, 1, 17, 10), local(2027, 1, 17, 10), local(2027, 3, 1, 12), "pieter@example.com", "pm_card_visa"
)  # fmt: skip
"""A trial from 17 January 2027. The charges are on the first day of the month; a year ends with January 2028."""


@dataclass(frozen=True)
class Subscriber:
    """The reader of a starting point."""

    email: str
    reader_id: str
    subscription_id: str


def blank(_world: World, _begin: Beginning) -> None:
    """No reader has subscribed."""


def in_trial(world: World, begin: Beginning) -> None:
    """The trial has just begun, by the API."""
    world.advance_to(begin.trial_at)
    world.start_trial(begin.email, begin.card)


def notified(world: World, begin: Beginning) -> None:
    """The last evening of the trial: both trial notices have arrived."""
    world.advance_to(begin.on(14, hour=20))


def paid(world: World, begin: Beginning) -> None:
    """Noon on the day of the first charge: it succeeded, and the receipt has arrived."""
    world.advance_to(begin.on(15, hour=12))


def paid_twice(world: World, begin: Beginning) -> None:
    """Noon on the day of the second charge: it succeeded too."""
    world.advance_to(begin.second_charge_at)


def owing(world: World, begin: Beginning) -> None:
    """Noon on the day of the second charge: it was declined for insufficient funds, and a retry is due later."""
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.decline(card["gateway_ref"], "insufficient_funds")
    world.advance_to(begin.second_charge_at)


def cancelled(world: World, begin: Beginning) -> None:
    """Cancelled 20 days after the first charge; access lasts to the end of the paid period."""
    world.advance_to(begin.on(35, hour=12))
    path = f"/v1/subscriptions/{_subscription(world)}/cancel"
    world.api.post(path, json={}).raise_for_status()


def disputed(world: World, begin: Beginning) -> None:
    """The day after the first charge: the reader's bank disputes it, and the webhook has arrived."""
    world.advance_to(begin.on(16, hour=12))
    world.sandbox.banks("dispute", charge=world.charges()[-1]["id"])


def yearly(world: World, begin: Beginning) -> None:
    """Noon on the day of the first charge of a yearly plan."""
    world.advance_to(begin.trial_at)
    world.start_trial(begin.email, begin.card, plan="yearly")
    world.advance_to(begin.on(15, hour=12))


def year_ending(world: World, begin: Beginning) -> None:
    """Three months before the year ends: the next event is its first notice."""
    world.advance_to(begin.on(290, hour=12))


Live = Callable[[World, Beginning], None]
BEFORE: dict[Live, Live | None] = {
    blank: None,
    in_trial: blank,
    notified: in_trial,
    paid: notified,
    paid_twice: paid,
    owing: paid,
    cancelled: paid,
    disputed: paid,
    yearly: blank,
    year_ending: yearly,
}
"""Each point with the point before it."""
STARTING_POINTS = {point.__name__: point for point in BEFORE}


def go_to(world: World, name: str, begin: Beginning = MARCH) -> None:
    """Bring the world to this starting point."""
    _go_to(world, STARTING_POINTS[name], begin)


def subscriber(world: World, name: str, begin: Beginning = MARCH) -> Subscriber:
    """Bring the world to a starting point that has a reader; return the reader."""
    go_to(world, name, begin)
    (row,) = world.rows("SELECT id, reader_id FROM subscription")
    return Subscriber(begin.email, row["reader_id"], row["id"])


def fast_forward(world: World, to: datetime) -> None:
    """Advance to `to`; the time until then runs only once in a process. Call it right after a starting point or `once`."""
    world.once(f"until {to:%Y-%m-%d %H:%M:%S}", lambda: world.advance_to(to))


def _go_to(world: World, point: Live, begin: Beginning) -> None:
    kept = f"{point.__name__} {begin.trial_at:%Y-%m-%d}"
    if world.has_kept(kept):
        world.go_to(kept)
        return
    before = BEFORE[point]
    if before is None:
        world.make_blank(begin.blank_at)
    else:
        _go_to(world, before, begin)
    with world.as_usual():
        point(world, begin)
        world.settle()
        world.keep(kept)


def _subscription(world: World) -> Any:
    (row,) = world.rows("SELECT id FROM subscription")
    return row["id"]
