"""Each starting point is as named, and is restored as it was kept."""

from collections.abc import Callable

import pytest

from billing.platform import logs
from billing.platform.tokens import Tokens
from tests.support import ledger_checks
from tests.support.starting_points import MARCH, MONTH_END, STARTING_POINTS, Beginning, go_to, subscriber
from tests.support.world import World

STANDS = {
    "in_trial": ("trialing", 0),
    "notified": ("trialing", 0),
    "paid": ("active", 1),
    "paid_twice": ("active", 2),
    "owing": ("past_due", 1),
    "cancelled": ("active", 1),
    "disputed": ("active", 1),
    "yearly": ("active", 1),
    "year_ending": ("active", 1),
}


@pytest.mark.parametrize("begin", [MARCH, MONTH_END], ids=["march", "month end"])
@pytest.mark.parametrize("name", STANDS)
def test_it_is_what_it_says_each_time(world: World, name: str, begin: Beginning) -> None:
    ends = []
    for _ in range(2):
        reader = subscriber(world, name, begin)
        stands = world.subscription(reader.subscription_id)
        assert (stands["status"], len(world.charges())) == STANDS[name]
        assert (stands["cancel_requested_at"] is not None) is (name in ("cancelled", "disputed"))
        assert len(world.sandbox.disputes()) == (name == "disputed")
        ledger_checks.check(world)
        ends.append((world.now, world.subjects(reader.email), ledger_checks.end_state(world), reader))
    assert ends[0] == ends[1]


def test_at_the_blank_one_nobody_is_there(world: World) -> None:
    go_to(world, "paid")
    go_to(world, "blank")
    assert world.rows("SELECT id FROM reader") == []
    assert world.charges() == []
    assert world.letters() == []
    assert set(STARTING_POINTS) == {"blank", *STANDS}


def test_the_log_names_people_by_its_keys_whatever_a_test_before_built(
    make_world: Callable[..., World],
) -> None:
    make_world()
    before = logs.name_of("thandi@example.com")
    logs.set_naming_keys(Tokens("the keys of another installation in this process"))
    make_world()
    assert logs.name_of("thandi@example.com") == before
