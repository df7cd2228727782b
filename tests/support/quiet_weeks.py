"""Weeks of a story in which nothing happens that its test is about."""

from datetime import datetime, timedelta

from tests.support.world import World


def go_on(world: World, to: datetime, *, days: int = 1) -> None:
    """Do what is due, skip the time until `days` days before `to`, and live these days. What came due meanwhile is done late."""
    world.settle()
    world.skip_to(max(world.now, to - timedelta(days=days)))
    world.advance_to(to)
