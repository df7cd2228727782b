"""Stretches of a story in which nothing happens that its test is about: the clock leaps over them."""

from datetime import datetime, timedelta

from tests.support.world import World


def leap_to(world: World, at: datetime, *, days: int = 0) -> None:
    """Do what is due, move the clock without a worker until `days` days before `at`, and live these days.

    What fell due on the way is done late, where the leap ends: no charge, notice or greylisted mail whose time matters may be among it."""
    world.settle()
    world.skip_to(max(world.now, at - timedelta(days=days)))
    world.advance_to(at)


def leap_over_charge(world: World, day: datetime) -> None:
    """Leap to the morning of this day, and live until noon: what is due on it is charged at its hour."""
    leap_to(world, day.replace(hour=8, minute=30))
    world.advance_to(day.replace(hour=12, minute=0))
