"""One installation for several stories: each has readers and articles of its own."""

from collections.abc import Callable

import pytest

from tests.support.world import World

Put = Callable[..., str]


@pytest.fixture
def put(world: World) -> Put:
    """`put("bridge", "metered", free_hours=24)` registers an article, published now; its id."""

    def register(article: str, access: str | None = None, section: str = "Town", **more: object) -> str:
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

    return register
