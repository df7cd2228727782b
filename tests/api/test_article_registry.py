"""The registry of articles: the publisher's facts about them, never their text."""

from typing import Any

from tests.support.world import World

BODY: dict[str, Any] = {
    "title": "The water nobody counted",
    "url": "https://news.example/water",
    "section": "Investigation",
    "access": "subscriber",
    "published_at": "2027-02-28T06:00:00+02:00",
}


def test_an_article_is_put_read_changed_opened_and_forgotten(world: World) -> None:
    path = "/v1/articles/water.2027-02"
    assert world.api.get(path).json()["code"] == "unknown_article"
    made = world.api.put(path, json=BODY)
    assert made.status_code == 200
    assert made.json() == BODY | {
        "id": "water.2027-02",
        "published_at": "2027-02-28T04:00:00Z",
        "access_from": "article",
        "free_hours": None,
        "open_after_days": None,
        "open_until": None,
        "open_reason": None,
    }
    assert world.api.get(path).json() == made.json()
    asked = world.api.get("/v1/access/water.2027-02").json()
    assert (asked["allowed"], asked["reason"]) == (False, "subscribe")

    world.api.put(path, json=BODY | {"access": "free", "title": "Water"}).raise_for_status()
    assert world.api.get("/v1/access/water.2027-02").json()["reason"] == "free", "from this moment on"
    world.api.put(path, json=BODY)
    world.api.post(
        f"{path}/open", json={"until": "2027-03-02T00:00:00Z", "reason": "drought"}
    ).raise_for_status()
    assert world.api.get("/v1/access/water.2027-02").json()["reason"] == "open"
    world.api.put(path, json=BODY | {"title": "Corrected"})
    assert world.api.get(path).json()["open_reason"] == "drought", "a correction does not close it"

    assert world.api.delete(path).status_code == 204
    assert world.api.delete(path).status_code == 404
    assert world.api.get("/v1/access/water.2027-02").status_code == 404


BAD_CHANGES: list[dict[str, Any]] = [
    {"access": "everybody"},
    {"free_hours": 0},
    {"free_hours": 8785},
    {"open_after_days": 3661},
    {"open_after_days": "soon"},
    {"title": ""},
    {"title": "x" * 301},
    {"url": "javascript:alert(1)"},
    {"url": "/relative"},
    {"published_at": "yesterday"},
    {"published_at": "2027-02-28T06:00:00"},
    {"body": "the whole text"},
    {"section": None},
]


def test_a_bad_article_is_refused_by_field_and_not_kept(world: World) -> None:
    for change in BAD_CHANGES:
        answer = world.api.put("/v1/articles/bad", json=BODY | change)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), change
        assert any(next(iter(change)) in error["at"] for error in answer.json()["errors"])
        assert world.api.get("/v1/articles/bad").status_code == 404
    before = world.rows("SELECT count(*) AS n FROM article")
    for article in ("-x", "a b", "é", "x" * 201):
        answer = world.api.put(f"/v1/articles/{article}", json=BODY)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), article
    assert world.api.put("/v1/articles/a/b", json=BODY).status_code == 404
    assert world.rows("SELECT count(*) AS n FROM article") == before
