"""The drill: a backup taken while a billing run charges is restored into a new database a day later. Nobody is charged twice,
and nobody is missed."""

from collections import Counter
from pathlib import Path

import pytest

from billing.timetable import tick
from tests.proofs.many_readers import cancel
from tests.support.backups import back_up, restore_and_move
from tests.support.databases import Databases
from tests.support.hung_run import hung_run
from tests.support.proof_size import sized
from tests.support.restored import adopt, all_kept
from tests.support.world import World, local

EACH_DAY = 8
DURING = sized(at_length=300, usual=EACH_DAY)
"""Readers whose charges are under way at the backup. At length they are more than one batch."""


def starts(world: World, day: int, readers: int) -> list[str]:
    """Trials that start on a day of March; their subscriptions' ids."""
    world.advance_to(local(2027, 3, day, 11))
    names = [f"{day}_{number}" for number in range(readers)]
    return [
        world.start_trial(f"reader-{name}@example.com", f"pm_card_visa__{name}")["subscription"]["id"]
        for name in names
    ]


def charges_by_subscription(world: World) -> Counter[str]:
    """How often each subscription was charged, as Stripe knows it."""
    return Counter(charge["metadata"]["subscription"] for charge in world.charges())


@pytest.mark.prove
def test_a_backup_from_the_middle_of_a_run_is_restored_a_day_later(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.empty() as restored, databases.fresh() as url, World(url) as world:
        before = starts(world, 1, EACH_DAY)
        during = starts(world, 2, DURING)
        after = starts(world, 3, EACH_DAY)
        world.advance_to(local(2027, 3, 17, 8, 59))
        assert charges_by_subscription(world) == Counter(before)
        world.skip_to(local(2027, 3, 17, 9))
        with hung_run(world, at="charge.answered"):
            backup = back_up(world, tmp_path)
        leavers = [before[0], during[0], after[0]]
        world.settle()
        for leaver in leavers[:2]:
            cancel(world, leaver).raise_for_status()
        world.advance_to(local(2027, 3, 18, 12))
        cancel(world, leavers[2]).raise_for_status()
        world.advance_to(local(2027, 3, 18, 20))
        assert charges_by_subscription(world) == Counter(before + during + after)

        said = restore_and_move(world, backup, restored)
        assert "Nobody is charged until `billing adopt`" in said
        states = {
            row["state"]: row["n"]
            for row in world.rows("SELECT state, count(*) AS n FROM attempt GROUP BY 1")
        }
        assert states["charged"] >= len(before)
        assert states["open"] > 0, "the backup is from the middle of the run"
        tick(world.services)
        assert charges_by_subscription(world) == Counter(before + during + after)
        for leaver in leavers:  # entered again, as `operate.md` says
            cancel(world, leaver).raise_for_status()
        assert "taken in" in adopt(world)
        world.settle()
        assert charges_by_subscription(world) == Counter(before + during + after)
        assert world.rows("SELECT 1 FROM attempt WHERE state = 'open'") == []
        all_kept(world)

        world.advance_to(local(2027, 4, 19, 12))
        stay = [each for each in before + during + after if each not in leavers]
        assert charges_by_subscription(world) == Counter(before + during + after + stay)
        all_kept(world)
