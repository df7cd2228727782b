"""Months in which nothing happens that a test asserts: the clock leaps over them."""

from datetime import datetime

from tests.support.world import World


def leap_to(world: World, at: datetime) -> None:
    """Do what is due, move the clock to `at` without a worker, and do then what fell due on the way.

    No charge, notice or greylisted mail may fall due on the way whose time matters."""
    world.settle()
    world.skip_to(at)
    world.settle()


def leap_over_charge(world: World, day: datetime) -> None:
    """Leap to the morning of this day, and live until noon: what is due on it is charged at its hour."""
    leap_to(world, day.replace(hour=8, minute=30))
    world.advance_to(day.replace(hour=12, minute=0))
