"""Register articles by the API, as a publisher's site does."""

from collections.abc import Callable

from tests.support.world import World

Put = Callable[..., str]
"""`put("bridge", "metered", free_hours=24)` registers an article, published now, and returns its id."""


def registering(world: World) -> Put:
    """Return a function that registers articles in this world."""

    def put(article: str, access: str | None = None, section: str = "Town", **more: object) -> str:
        body = {
            "title": f"About the {article}",
            "url": f"https://news.example/{article}",
            "section": section,
            "access": access,
            "published_at": world.now.isoformat(),
            **more,
        }
        world.api.put(f"/v1/articles/{article}", json=body).raise_for_status()
        return article

    return put


def metered(world: World, count: int) -> list[str]:
    """Register `count` metered articles, published in February; return their ids."""
    put = registering(world)
    return [put(f"story-{number}", "metered", published_at="2027-02-01T00:00:00Z") for number in range(count)]
