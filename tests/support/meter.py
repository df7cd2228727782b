"""A browser's meter, as the API reports it."""

from tests.support.http_client import http_client
from tests.support.world import World


def used_by(world: World, cookie: str) -> int:
    """The number of metered articles that the browser with this Cookie header has used. The query itself doesn't count."""
    article = world.articles["metered"][0]
    with http_client(world.url, headers={"cookie": cookie}) as client:
        answer = client.get(f"/v1/access/{article}", params={"prefetch": "true"}).raise_for_status()
    return int(answer.json()["meter"]["used"])
