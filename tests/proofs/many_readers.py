"""Readers who have started, as races and kills find them: in their trial, or on the day of their first charge."""

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
    """Subscriptions in their trial."""
    with ThreadPoolExecutor(8) as clients:
        started = list(
            clients.map(
                lambda number: world.start_trial(f"reader-{number}@example.com", f"pm_card_visa__{number}"),
                range(count),
            )
        )
    return [one["subscription"]["id"] for one in started]


def due(world: World, count: int) -> list[str]:
    """Subscriptions whose first charge is due at the held present; nothing done about it yet."""
    started = trials(world, count)
    world.advance_to(CHARGE_AT - timedelta(seconds=1))
    world.skip_to(CHARGE_AT)
    return started


def all_of(world: World) -> list[str]:
    """Every subscription there is."""
    return [row["id"] for row in world.rows("SELECT id FROM subscription ORDER BY id")]


def kinds_of(world: World, subscription_id: str) -> Counter[str]:
    """How often the reader was told what, apart from the trial."""
    rows = world.rows(
        "SELECT m.kind FROM message m JOIN subscription s ON s.reader_id = m.reader_id WHERE s.id = :id"
        " AND m.kind NOT IN ('trial_started', 'trial_notice')",
        id=subscription_id,
    )
    return Counter(row["kind"] for row in rows)


def cancel(world: World, subscription_id: str, **body: Any) -> httpx.Response:
    """Cancel, now, by the API."""
    return world.api.post(f"/v1/subscriptions/{subscription_id}/cancel", json=body)
