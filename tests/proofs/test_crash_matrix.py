"""`kill -9` at every stop point of every deed: restarted, it ends as if nobody had been killed. The points are read from the
code, so a new one without a deed that passes it is found here."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from billing.payments.books import Books
from billing.payments.gateway import Gateway
from billing.stop_points import ASKED
from tests.pg import Databases
from tests.proofs import books, chapters
from tests.proofs.deeds import DEEDS, Deed
from tests.proofs.nursery import Nursery, Order
from tests.proofs.own_calendar import keep_promises
from tests.proofs.points import all_points, other_doors
from tests.proofs.town import NOT_A_PROCESS, Town
from tests.world import World, local

DEEDS_EACH, TIMES_EACH = 3, 2
"""Each point is died at in so many deeds, and there so many times: as it is passed for the first time, and the second."""
EVERY_DEATH = bool(os.environ.get("MASTHEAD_EVERY_DEATH"))
"""Die at each point in every deed that passes it."""
LOOKS = (*NOT_A_PROCESS, "timetable.")
"""Points of those who only look whether there is work."""
REHEARSALS = 5
ELSEWHERE = {
    "reports.exports.write": "reads, for a file of the bookkeeper's",
    "reports.reckonings._put_off": "follows an answer of Stripe's that is missing: tests/reports",
    "bell.ring": "says that a worker is there, and nothing follows from it: tests/reports/test_alarms.py",
    "reports.doctor._answer": "follows a promise that is broken: tests/reports",
    "payments.pay_page._another_key": "follows an error of Stripe's own: tests/proofs/test_fault_matrix.py",
    "payments.send_refunds._put_off": "follows a row that breaks us: tests/payments",
    "newsletters.optin.forget_unanswered": "deletes what is old, in one statement",
    "renewals.charge_open._note": "puts back what was not sent: tests/renewals/test_stripe_away.py",
    "renewals.charge_open._put_off": "puts off what breaks us: tests/renewals/test_a_batch.py",
    "renewals.run.put_off": "puts off what breaks us: tests/renewals/test_a_batch.py",
    "reports.catch_up._look_for_movements": "looks in Stripe's books of another day: tests/reports",
    "StripeBooks.movements_of": "the same",
}
"""Transactions that no deed passes, with the reason."""
DOORS = {
    "advance.py": "an advisory lock",
    "crew.py": "advisory locks",
    "payments/pace.py": "an advisory lock",
    "web/api/caller.py": "an advisory lock",
    "migrate.py": "migrations are one transaction each",
    "reports/doctor.py": "only reads",
}
TOLD_OTHERWISE = {"visits", "history"}
"""Visits to card pages that led nowhere, and in the history who did it: the reader, or Stripe's word."""


@dataclass
class Stage:
    """Where deeds are done and cut short."""

    town: Town
    nursery: Nursery
    orders: dict[str, Order] = field(default_factory=dict)
    passed: dict[str, list[str]] = field(default_factory=dict)

    def rehearse(self) -> None:
        """Do each deed once, in a process that lives, to see which points it passes."""
        for deed in DEEDS:
            self.town.recall(deed.chapter)
            self.orders[deed.name] = Order(deed.before(self.town.world))
            self.town.world.twin.settle()  # or news on its way would still be stored when all is as it was
            self.town.keep(deed.name)
            self.passed[deed.name] = self._points_of(deed)

    def _points_of(self, deed: Deed) -> list[str]:
        """A deed that waits for Stripe's word may come before it, and then only looks: it is done over until it does something."""
        for _ in range(REHEARSALS):
            counted = [each for each in self.live(deed) or () if not each.startswith(LOOKS)]
            if counted:
                return counted
        raise AssertionError(f"«{deed.name}» passes no point, so dying in it proves nothing")

    def live(self, deed: Deed, die_at: str | None = None, time: int = 1) -> list[str] | None:
        """The deed, in a process of its own: the points it passed, or None when it died."""
        self.town.recall(deed.name)
        return self.nursery.live(replace(self.orders[deed.name], die_at=die_at, time=time))

    def deaths(self, deed: Deed) -> list[tuple[str, int]]:
        """Where to die in this deed: each point is died at in the first deeds that pass it, and there at most twice."""
        found = []
        for name, times in Counter(self.passed[deed.name]).items():
            before = sum(name in self.passed[each.name] for each in DEEDS[: DEEDS.index(deed)])
            if EVERY_DEATH or before < DEEDS_EACH:
                found += [(name, time) for time in range(1, min(times, TIMES_EACH) + 1)]
        last = dict.fromkeys(reversed(self.passed[deed.name]))
        return found or [(name, 1) for name in list(last)[:DEEDS_EACH]]

    def end(self, deed: Deed) -> dict[str, Any]:
        """People do it, for the first time or again; workers do what is left; how it all stands then."""
        world = self.town.world
        if deed.again is not None:
            deed.again(world)
        world.settle()
        world.twin.trouble()
        world.twin.faults()
        world.advance(days=1)
        books.check(world)
        keep_promises(world)
        state = books.end_state(world, without=TOLD_OTHERWISE)
        return books.without_moments(state) if deed.late else state


@pytest.fixture(scope="module")
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.fresh() as url, World(url, local(2027, 1, 4, 10), charge_concurrency=1) as world:
        town = Town(world)
        chapters.write(town)
        town.recall("blank")
        with Nursery(world.settings) as nursery:
            stage = Stage(town, nursery)
            stage.rehearse()
            yield stage
        town.close()
        world.twin.exchanges.clear()


@pytest.mark.prove
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_killed_anywhere_it_ends_as_if_nobody_had_been(stage: Stage, deed: Deed) -> None:
    stage.town.recall(deed.name)
    undisturbed = stage.end(deed)
    for name, time in stage.deaths(deed):
        assert stage.live(deed, name, time) is None, f"{name} was not passed again"
        assert stage.end(deed) == undisturbed, f"killed where {name}, time {time}"


@pytest.mark.prove
def test_every_point_in_the_code_is_died_at(stage: Stage) -> None:
    passed = {point for points in stage.passed.values() for point in points}
    forgotten = {point for point in all_points() - passed if not point.startswith(tuple(ELSEWHERE))}
    assert forgotten == set(), "no deed in tests/proofs/deeds.py passes these"
    assert {name for name in ELSEWHERE if any(point.startswith(name) for point in passed)} == set()


def test_nothing_commits_or_asks_stripe_past_the_stop_points() -> None:
    assert other_doors() == set(DOORS)
    for port, adapter in ((Gateway, "StripeGateway"), (Books, "StripeBooks")):
        asked = {name for name in vars(port) if not name.startswith("_")}
        assert {f"{adapter}.{name} {ASKED}" for name in asked} <= all_points()
