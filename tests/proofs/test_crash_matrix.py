"""`kill -9` at every stop point of every crash case. After a restart the end is the same as without the kill. The
points are read from the code, so a new point without a crash case fails here.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from billing.acquirer.balance_port import Books
from billing.acquirer.port import Gateway
from billing.platform.stop_points import ASKED
from tests.proofs.crash_cases import CRASH_CASES, CrashCase
from tests.support import ledger_checks
from tests.support.databases import Databases
from tests.support.fork_server import ForkServer, Order
from tests.support.independent_calendar import assert_promises_kept
from tests.support.power_cut import NOT_A_PROCESS
from tests.support.proof_size import EVERY_DEATH
from tests.support.starting_points import MONTH_END, go_to
from tests.support.stop_point_names import all_points, other_doors
from tests.support.world import World, local

OFTEN = 2
TIMES_EACH = OFTEN if EVERY_DEATH else 1
"""In a crash case each of its points is died at so many times: as it is passed for the first time, and the second."""
REHEARSALS = 5
ELSEWHERE = {
    "payments.balance_mirror.learn_reference": "writes down what the bank calls a payout, asked for each morning: tests/reports/test_bookkeeper_files.py",
    "reports.numbers.days.keep_again": "counts kept days anew from ledger and history, by a command: tests/reports/numbers",
    "personal_data.data_requests.": "makes an archive, again after a crash: tests/personal_data/test_archive.py",
    "reconcile.schedule._postpone": "follows an answer of Stripe's that is missing: tests/reports",
    "reports.doctor._handle_breach": "follows a promise that is broken: tests/reports",
    "reconcile.lost_cards._unproved": "opens a case, once a card: tests/stories/test_starts_lost_in_a_restore.py",
    "reports.doctor._give_back": "the same",
    "reports.watch.check_others": "opens a case, and finds it again a minute later: tests/reports/test_runs_that_hang.py",
    "payments.payment_page._another_key": "follows an error of Stripe's own: tests/proofs/test_fault_matrix.py",
    "cards.start_with_saved_card._another_key": "follows an error of Stripe's own, or a refusal: tests/readers/test_trial_by_app_again.py",
    "refunds.send._put_off": "follows a row that breaks us: tests/payments",
    "reconcile.recover.recover_due": "follows an answer of Stripe's that is missing: tests/stories/test_restored_backup.py",
    "reconcile.recover._unless_it_breaks": "follows a row that can't be written: tests/stories/test_recovering_through_trouble.py",
    "refunds.unexplained_charges.": "gives back what breaks a promise until a person has explained it: tests/stories/test_unexplained_charges.py",
    "unexplained.": "the same",
    "staff.bulk.run._note_failure": "follows a row that breaks us: tests/staff/test_many_by_workers.py",
    "newsletters.optin.delete_unconfirmed": "deletes what is old, in one statement",
    "billing_run.drain_attempts._settle_answers": "puts back what was not sent: tests/billing_run/test_stripe_away.py",
    "billing_run.drain_attempts.postpone": "puts off what breaks us: tests/billing_run/test_a_batch.py",
    "billing_run.run.postpone": "puts off what breaks us: tests/billing_run/test_a_batch.py",
    "reconcile.catch_up._keep_movements": "looks in Stripe's books of another day: tests/reports",
    "StripeBooks.movements_of": "the same",
    "reconcile.catch_up.poll_cards_that_end": "for an acquirer that doesn't say so itself: tests/acquirer/test_two_acquirers.py",
    "reconcile.catch_up._card": "the same",
}
"""Transactions that no crash case passes, with the reason."""
DOORS = {
    "platform/claims.py": "advisory locks",
    "acquirer/rate_limit.py": "an advisory lock",
    "web/api/caller.py": "an advisory lock",
    "platform/migrate.py": "migrations are one transaction each",
    "reports/doctor.py": "only reads",
    "timetable.py": "only reads",
    "platform/clock.py": "only reads",
    "cli/migration_plan.py": "only reads",
}
RECORDED_OTHERWISE = {"visits", "history"}
"""Differences that are allowed: visits to card pages without a result, and who acted, the reader or a webhook."""


@dataclass
class Stage:
    """Where crash cases are done and cut short."""

    world: World
    fork_server: ForkServer
    orders: dict[str, Order] = field(default_factory=dict)
    passed: dict[str, list[str]] = field(default_factory=dict)

    def rehearse(self) -> None:
        """Do each crash case once without a kill, and record the points it passes."""
        for crash_case in CRASH_CASES:
            go_to(self.world, crash_case.starting_point, MONTH_END)
            self.orders[crash_case.name] = Order(crash_case.before(self.world))
            self.world.sandbox.settle()  # or news on its way would still be stored when all is as it was
            self.world.keep(crash_case.name)
            self.passed[crash_case.name] = self._points_of(crash_case)

    def _points_of(self, crash_case: CrashCase) -> list[str]:
        """A crash case that waits for a webhook may run before it, and then finds no work. It is repeated until it does
        something.
        """
        for _ in range(REHEARSALS):
            counted = [each for each in self.live(crash_case) or () if not each.startswith(NOT_A_PROCESS)]
            if counted:
                return counted
        raise AssertionError(f"«{crash_case.name}» passes no point, so dying in it proves nothing")

    def live(self, crash_case: CrashCase, die_at: str | None = None, time: int = 1) -> list[str] | None:
        """The crash case, in a process of its own: the points it passed, or None when it died."""
        self.world.go_to(crash_case.name)
        return self.fork_server.live(replace(self.orders[crash_case.name], die_at=die_at, time=time))

    def deaths(self, crash_case: CrashCase) -> list[tuple[str, int]]:
        """The points to kill at in this crash case: each point in the first crash case that passes it, or in all, and the case's
        own."""
        found = []
        passed = Counter(self.passed[crash_case.name])
        assert set(crash_case.always) <= set(passed), "a point that it must die at wasn't passed"
        for name, times in passed.items():
            before = sum(
                name in self.passed[each.name] for each in CRASH_CASES[: CRASH_CASES.index(crash_case)]
            )
            always = name in crash_case.always
            if EVERY_DEATH or always or not before:
                most = OFTEN if always else TIMES_EACH
                found += [(name, time) for time in range(1, min(times, most) + 1)]
        last = dict.fromkeys(reversed(self.passed[crash_case.name]))
        return found or [(name, 1) for name in list(last)[:1]]

    def end(self, crash_case: CrashCase) -> dict[str, Any]:
        """Let people act, for the first time or again, and workers do the rest. Return the final state."""
        world = self.world
        if crash_case.again is not None:
            crash_case.again(world)
        world.settle()
        world.sandbox.trouble()
        world.sandbox.faults()
        world.advance(days=1)
        ledger_checks.check(world)
        assert_promises_kept(world)
        state = ledger_checks.end_state(world, without=RECORDED_OTHERWISE)
        return ledger_checks.without_moments(state) if crash_case.late else state


@pytest.fixture(scope="module")
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.fresh() as url, World(url, local(2027, 1, 4, 10), charge_concurrency=1) as world:
        go_to(world, "blank", MONTH_END)
        with ForkServer(world.settings) as fork_server:
            stage = Stage(world, fork_server)
            stage.rehearse()
            yield stage
        world.sandbox.exchanges.clear()


@pytest.mark.prove
@pytest.mark.parametrize("crash_case", CRASH_CASES, ids=lambda crash_case: crash_case.name)
def test_killed_anywhere_it_ends_as_if_nobody_had_been(stage: Stage, crash_case: CrashCase) -> None:
    stage.world.go_to(crash_case.name)
    undisturbed = stage.end(crash_case)
    for name, time in stage.deaths(crash_case):
        assert stage.live(crash_case, name, time) is None, f"{name} was not passed again"
        assert stage.end(crash_case) == undisturbed, f"killed where {name}, time {time}"


@pytest.mark.prove
def test_every_point_in_the_code_is_died_at(stage: Stage) -> None:
    passed = {point for points in stage.passed.values() for point in points}
    forgotten = {point for point in all_points() - passed if not point.startswith(tuple(ELSEWHERE))}
    assert forgotten == set(), "no crash case in tests/proofs/crash_cases.py passes these"
    assert {name for name in ELSEWHERE if any(point.startswith(name) for point in passed)} == set()


def test_nothing_commits_or_asks_stripe_past_the_stop_points() -> None:
    assert other_doors() == set(DOORS)
    for port, adapter in ((Gateway, "StripeGateway"), (Books, "StripeBooks")):
        asked = {name for name, method in vars(port).items() if not name.startswith("_") and callable(method)}
        assert {f"{adapter}.{name} {ASKED}" for name in asked} <= all_points()
