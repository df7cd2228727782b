"""Many readers at once, for races and kills: in their trial, or with their first charge due."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support import proof_size
from tests.support.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)
FEW, MANY = 4, proof_size.ROUNDS
ROUNDS = pytest.mark.parametrize("rounds", [FEW, pytest.param(MANY, marks=pytest.mark.prove)])


def trials(world: World, count: int) -> list[str]:
    """Start `count` trials; return the subscriptions' ids."""
    with ThreadPoolExecutor(8) as clients:
        started = list(
            clients.map(
                lambda number: world.start_trial(f"reader-{number}@example.com", f"pm_card_visa__{number}"),
                range(count),
            )
        )
    return [answer["subscription"]["id"] for answer in started]


def due(world: World, count: int) -> list[str]:
    """Start `count` trials and go to the instant of their first charges, which are not made yet; return the subscriptions' ids."""
    started = _until_a_second_before(world, count)
    world.skip_to(CHARGE_AT)
    return started


def due_once(world: World, count: int) -> list[str]:
    """The same, lived once in a process. The rules of `World.once` apply."""
    name = f"{count} trials, to the second before the first charges"
    started = world.once(name, lambda: _until_a_second_before(world, count))
    world.skip_to(CHARGE_AT)
    return started


def _until_a_second_before(world: World, count: int) -> list[str]:
    started = trials(world, count)
    world.advance_to(CHARGE_AT - timedelta(seconds=1))
    return started


def all_of(world: World) -> list[str]:
    """The ids of all subscriptions."""
    return [row["id"] for row in world.rows("SELECT id FROM subscription ORDER BY id")]


def kinds_of(world: World, subscription_id: str) -> Counter[str]:
    """The number of mails to the reader by kind, without those about the trial."""
    rows = world.rows(
        "SELECT m.kind FROM message m JOIN subscription s ON s.reader_id = m.reader_id WHERE s.id = :id"
        " AND m.kind NOT IN ('trial_started', 'trial_notice')",
        id=subscription_id,
    )
    return Counter(row["kind"] for row in rows)


def cancel(world: World, subscription_id: str, **body: Any) -> httpx.Response:
    """Cancel by the API."""
    return world.api.post(f"/v1/subscriptions/{subscription_id}/cancel", json=body)
