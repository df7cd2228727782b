"""How newsletters grow: who joined and left in a period and in the one before it, by newsletter and over time."""

from datetime import date

from tests.reports.numbers.asked import figures, row, tables
from tests.support.newsroom import Newsroom
from tests.support.world import World, local

FIRST, LAST = date(2027, 3, 8), date(2027, 3, 14)


def test_who_joined_and_left_is_counted_by_newsletter_and_period(world: World) -> None:
    news = Newsroom(world)
    other = next(
        each["id"]
        for each in world.rows("SELECT id FROM newsletter ORDER BY id")
        if each["id"] != news.list_id
    )
    for name, newsletter in (("a", None), ("b", None), ("c", None), ("e", other)):
        news.add_reader(f"{name}@example.com")
        news.join(f"{name}@example.com", newsletter)
    world.advance_to(local(2027, 3, 3, 10))
    news.leave("c@example.com")
    world.advance_to(local(2027, 3, 11, 10))
    news.add_reader("d@example.com")
    news.join("d@example.com")
    for name in ("b", "e"):
        news.leave(f"{name}@example.com")
    world.advance_to(local(2027, 3, 12, 10))
    news.join("c@example.com")
    world.advance_to(local(2027, 3, 15, 10))
    growth = figures(world, FIRST, LAST)["newsletter-growth"]
    assert (growth.value, growth.before) == (2 - 2, 4 - 1)
    shown = tables(world, FIRST, LAST)
    assert row(shown["newsletters"], news.list_id) == (2, 1, 1, 3 - 1)
    assert row(shown["newsletters"], other) == (0, 1, -1, 1)
    over_time = {day: counts for day, *counts in shown["newsletter-growth"].rows if any(counts)}
    assert over_time == {date(2027, 3, 11): [1, 2], date(2027, 3, 12): [1, 0]}
