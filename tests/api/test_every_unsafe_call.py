"""Every unsafe API call takes an Idempotency-Key: a repeat gives the same answer and does nothing more."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.starting_points import Subscriber
from tests.support.world import World

KEY = {"Idempotency-Key": "once"}
ARTICLE = {
    "title": "What the river carries",
    "url": "https://example.com/river",
    "section": "news",
    "access": "subscriber",
    "published_at": "2027-03-01T08:00:00Z",
}


def body_of(world: World, path: str) -> dict[str, Any] | None:
    until = (world.now + timedelta(hours=2)).isoformat()
    bodies: dict[str, dict[str, Any]] = {
        "articles/river": ARTICLE,
        "articles/river/open": {"until": until, "reason": "Flood."},
        "openings": {"section": "news", "until": until, "reason": "Flood."},
        "sections/sport": {"access": "free"},
        "clock/advance": {"seconds": 3600},
    }
    return bodies.get(path)


@pytest.mark.parametrize(
    ("method", "path", "prepare"),
    [
        ("PUT", "articles/river", ()),
        ("DELETE", "articles/river", ("articles/river",)),
        ("POST", "articles/river/open", ("articles/river",)),
        ("POST", "articles/river/close", ("articles/river", "articles/river/open")),
        ("POST", "openings", ("articles/river",)),
        ("PUT", "sections/sport", ()),
        ("DELETE", "sections/sport", ("sections/sport",)),
        ("POST", "clock/advance", ()),
    ],
)
def test_the_same_key_is_the_same_call(
    world: World, method: str, path: str, prepare: tuple[str, ...]
) -> None:
    def ask(method: str, path: str, **headers: str) -> Any:
        return world.api.request(method, f"/v1/{path}", json=body_of(world, path), headers=headers)

    for before in prepare:
        ask("POST" if before.endswith("open") else "PUT", before).raise_for_status()
    first = ask(method, path, **KEY)
    assert first.is_success, first.text
    kept, now = world.rows("SELECT * FROM audit_line ORDER BY 1"), world.now
    again = ask(method, path, **KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (world.rows("SELECT * FROM audit_line ORDER BY 1"), world.now) == (kept, now)


def test_a_gift_taken_back_twice_with_one_key(world: World, in_trial: Subscriber) -> None:
    reader = in_trial.reader_id
    locked = world.articles["subscriber"][0]
    gift = world.api.post(f"/v1/articles/{locked}/gifts", json={"reader_id": reader}).raise_for_status()
    address = f"/v1/gifts/{gift.json()['id']}"
    answers = [world.api.delete(address, headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert answers[1].headers["idempotent-replayed"] == "true"
