"""Stretches of time in which nothing that a test asserts is due."""

from datetime import datetime

from tests.support.world import World


def let_pass(world: World, until: datetime) -> None:
    """Go to `until` without a stop for each hourly and daily job on the way; they are done once, at the end."""
    world.skip_to(until)
    world.settle()
