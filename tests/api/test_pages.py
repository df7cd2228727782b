"""Lists are read page by page, each row once, until nothing is left."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.starting_points import Subscriber
from tests.support.world import World, local

PAGE = 2


def read(world: World, path: str, name: str = "id") -> list[Any]:
    """All the pages of a list, by two."""
    rows: list[Any] = []
    after: dict[str, Any] = {}
    while True:
        answer = world.api.get(path, params={"limit": PAGE} | after).raise_for_status().json()
        rows += [row[name] for row in answer["data"]]
        if not answer["has_more"]:
            return rows
        assert len(answer["data"]) == PAGE
        after = {"after": rows[-1]}


@pytest.fixture
def reader(in_trial: Subscriber) -> str:
    return in_trial.reader_id


def test_readers(world: World, reader: str) -> None:
    others = [
        world.start_trial(f"other-{n}@example.com", f"pm_card_visa__{n}")["reader"]["id"] for n in (1, 2)
    ]
    assert sorted(read(world, "/v1/readers")) == sorted([reader, *others])


def test_what_happened_to_a_subscription(world: World, reader: str) -> None:
    subscription = world.rows("SELECT id FROM subscription")[0]["id"]
    for act in ("cancel", "resume", "cancel", "resume"):
        world.api.post(f"/v1/subscriptions/{subscription}/{act}", json={}).raise_for_status()
    happened = read(world, f"/v1/readers/{reader}/events")
    assert len(happened) == len(set(happened)) == 5


def test_invoices(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 5, 16, 9))
    assert len(set(read(world, f"/v1/readers/{paid.reader_id}/invoices"))) == len(world.charges()) == 3


def test_gifts(world: World, reader: str) -> None:
    for article in world.articles["subscriber"][:3]:
        body = {"reader_id": reader}
        world.api.post(f"/v1/articles/{article}/gifts", json=body).raise_for_status()
        world.advance(minutes=1)
    assert read(world, f"/v1/readers/{reader}/gifts", "article") == world.articles["subscriber"][2::-1]


def test_openings_and_sections(world: World) -> None:
    until = (world.now + timedelta(hours=1)).isoformat()
    opened = []
    for article in (world.articles["subscriber"] + world.articles["metered"])[:3]:
        body = {"article": article, "until": until, "reason": "Flood."}
        opened.append(world.api.post("/v1/openings", json=body).raise_for_status().json()["id"])
        world.advance(seconds=1)
    assert read(world, "/v1/openings") == opened[::-1]
    for section in ("zebra", "aloe", "karoo"):
        world.api.put(f"/v1/sections/{section}", json={"access": "free"}).raise_for_status()
    names = read(world, "/v1/sections", "section")
    assert names == sorted(set(names))
    assert {"zebra", "aloe", "karoo"} < set(names)
