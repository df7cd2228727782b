"""How a browser's meter stands, as the product itself tells it."""

from tests.support.http_client import http_client
from tests.support.world import World


def used_by(world: World, cookie: str) -> int:
    """How many metered articles the browser with this Cookie header has used. Asking counts nothing."""
    article = world.articles["metered"][0]
    with http_client(world.url, headers={"cookie": cookie}) as client:
        answer = client.get(f"/v1/access/{article}", params={"prefetch": "true"}).raise_for_status()
    return int(answer.json()["meter"]["used"])
