"""Two writers of one article at once: both are answered, and the last version is what holds."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from billing.access import articles
from billing.access.models import Article
from billing.access.policies import AccessTerms
from billing.platform.actors import ApiActor, StaffActor
from billing.rules.policies import AccessLevel
from tests.support.two_connections import until_one_waits
from tests.support.world import World

PROGRAM = ApiActor("cms")
KNOWN = {"title": "A bridge", "url": "https://paper.example/bridge", "section": "Town"}
BODY = KNOWN | {"published_at": "2027-03-01T06:00:00Z", "access": "subscriber"}


def article(world: World) -> Article:
    title, url, section = KNOWN.values()
    return Article(id="bridge", published_at=world.now, title=title, url=url, section=section)


def put(world: World) -> int:
    return world.api.put("/v1/articles/bridge", json=BODY).status_code


def versions(world: World) -> list[dict[str, Any]]:
    return world.rows(
        "SELECT access, free_hours, removed FROM article_version WHERE article_id = 'bridge' ORDER BY id"
    )


def test_two_who_add_one_article_at_once_are_both_answered(world: World) -> None:
    services = world.services
    with ThreadPoolExecutor(1) as other:
        with services.database.begin(services.site, world.now, PROGRAM) as ctx:
            articles.register(ctx, article(world), AccessTerms(AccessLevel.METERED))
            second = other.submit(put, world)
            until_one_waits(world)
        assert second.result() == 200
    assert world.rows("SELECT access FROM article WHERE id = 'bridge'") == [{"access": "subscriber"}]
    assert [row["access"] for row in versions(world)] == ["metered", "subscriber"]


def test_one_who_writes_while_it_is_removed_adds_it_again(world: World) -> None:
    services = world.services
    put(world)
    with ThreadPoolExecutor(1) as other:
        with services.database.begin(services.site, world.now, PROGRAM) as ctx:
            articles.remove(ctx, "bridge")
            ctx.session.flush()
            second = other.submit(put, world)
            until_one_waits(world)
        assert second.result() == 200
    assert [row["removed"] for row in versions(world)] == [False, True, False]


def test_a_program_that_writes_beside_staff_leaves_nothing_that_neither_asked_for(world: World) -> None:
    services = world.services
    asked = AccessTerms(AccessLevel.SUBSCRIBER)
    with services.database.begin(services.site, world.now, PROGRAM) as ctx:
        articles.register(ctx, article(world), AccessTerms(AccessLevel.METERED))
    with services.database.begin(services.site, world.now, PROGRAM) as ctx:
        read_before = ctx.session.get_one(Article, "bridge")
        with services.database.begin(services.site, world.now, StaffActor("x")) as other:
            articles.set_terms(other, "bridge", AccessTerms(AccessLevel.METERED, free_hours=24))
        assert articles.register(ctx, article(world), asked) is read_before
    (row,) = world.rows("SELECT access, free_hours FROM article WHERE id = 'bridge'")
    assert row == {"access": "subscriber", "free_hours": None}
    assert versions(world)[-1] == row | {"removed": False}
