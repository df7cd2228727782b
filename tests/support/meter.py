"""The meter: as the API reports it to a browser, and as it is stored."""

from tests.support.http_client import http_client
from tests.support.world import World


def used_by(world: World, cookie: str) -> int:
    """The number of metered articles that the browser with this Cookie header has used. The query itself doesn't count."""
    article = world.articles["metered"][0]
    with http_client(world.url, headers={"cookie": cookie}) as client:
        answer = client.get(f"/v1/access/{article}", params={"prefetch": "true"}).raise_for_status()
    return int(answer.json()["meter"]["used"])


def counted(world: World, visitor: str | None = None) -> list[str]:
    """The articles counted for a visitor, or for all, in order."""
    rows = world.rows(
        "SELECT jsonb_object_keys(readings) AS article FROM meter_month WHERE CAST(:v AS text) IS NULL OR visitor = :v ORDER BY 1",
        v=visitor,
    )
    return [str(row["article"]) for row in rows]


def used(world: World) -> list[int]:
    """How many articles each visitor has used in each month, the fewest first."""
    return sorted(len(row["readings"]) for row in world.rows("SELECT readings FROM meter_month"))
