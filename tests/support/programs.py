"""HTTP clients with their own API keys."""

import itertools
from datetime import datetime

import httpx

from billing.platform.actors import WORKER
from billing.rules.ceilings import Ceilings
from billing.staff.api_keys import create, named
from tests.support.world import World

SMALL = Ceilings()


def program(
    world: World, *scopes: str, ceilings: Ceilings = SMALL, expires_at: datetime | None = None
) -> httpx.Client:
    """A client whose new key has these scopes. The key is named after them, and numbered from the second on."""
    base = "-".join(scopes)
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        name = next(name for name in names if not named(ctx, name))
        secret = create(ctx, name, scopes, ceilings, expires_at)
    return with_secret(world, secret)


def with_secret(world: World, secret: str) -> httpx.Client:
    """A client that sends this secret."""
    client = world.http_client()
    client.headers["Authorization"] = f"Bearer {secret}"
    return client
