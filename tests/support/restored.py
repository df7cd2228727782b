"""A backup from the last evening of three trials, to restore after their first charges."""

from billing.rules.absence import LISTED_WITHIN
from tests.reports.operator import broken
from tests.support import ledger_checks
from tests.support.cli import run_on
from tests.support.starting_points import fast_forward
from tests.support.world import World, local

READERS = ("one@example.com", "two@example.com", "three@example.com")


def last_evening(world: World) -> World:
    """Bring three readers to the last evening of their trials, and take a backup."""

    def live() -> None:
        for number, email in enumerate(READERS):
            world.start_trial(email, f"pm_card_visa__{number}")
        world.advance_to(local(2027, 3, 15, 20))

    world.once("the last evening of three trials", live)
    world.back_up()
    return world


def first_charges(world: World) -> World:
    """Take a backup on the last evening of three trials, and go on to noon on the day of their first charges."""
    last_evening(world)
    fast_forward(world, local(2027, 3, 16, 12))
    return world


def adopt(world: World) -> str:
    """Run `billing adopt` and return its output. Afterwards it is the time when the worker asks Stripe again and charging resumes."""
    done = run_on(world, "adopt", "--yes")
    assert done.exit_code == 0, done.output
    world.skip_to(world.now + LISTED_WITHIN)
    return done.output


def all_kept(world: World) -> None:
    """Assert that no promise is broken and that our books match Stripe's."""
    assert broken(world) == {}
    ledger_checks.check(world)
