"""Programs with an API key of their own."""

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
    """A program whose key has these scopes, by which it is named too; a second one has a number besides."""
    _tokens, of_scopes = world.services.site.tokens, "-".join(scopes)
    names = itertools.chain([of_scopes], (f"{of_scopes}-{number}" for number in itertools.count(2)))
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        name = next(one for one in names if not named(ctx, one))
        secret = create(ctx, name, scopes, ceilings, expires_at)
    return with_secret(world, secret)


def with_secret(world: World, secret: str) -> httpx.Client:
    """A program that sends this secret."""
    client = world.http_client()
    client.headers["Authorization"] = f"Bearer {secret}"
    return client
