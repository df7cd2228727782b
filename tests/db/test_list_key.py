"""The list key: made once, and opened by the right secret key."""

import pytest

from billing.platform import list_key
from billing.platform.errors import RefusesToStart
from billing.platform.settings import Settings
from billing.platform.tokens import Tokens
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.world import World

NEW_KEY = "another secret for tests, made when the first leaked 9876"


def sealed(world: World, settings: Settings) -> Tokens:
    with world.services.database.transaction() as session:
        list_key.seal_first(session, settings)
        return list_key.load_tokens(session, settings)


def given(world: World, key: str, previous: str = "") -> Settings:
    return settings_for(
        world.url_of_database, secret_key=key, previous_secret_keys=previous.replace(",", "%2C")
    )


def test_a_new_database_gets_a_random_one(world: World) -> None:
    world.execute("DELETE FROM api_key")
    world.execute("UPDATE installation SET list_key = ''")
    found = sealed(world, given(world, SECRET_KEY))
    assert len(found.list_key) >= 43
    assert found.list_key != SECRET_KEY
    assert sealed(world, given(world, SECRET_KEY)).list_key == found.list_key, "it is made once"


def test_without_one_nothing_starts(world: World) -> None:
    world.execute("UPDATE installation SET list_key = ''")
    with (
        world.services.database.transaction() as session,
        pytest.raises(RefusesToStart, match="billing migrate"),
    ):
        list_key.load_tokens(session, world.settings)


def test_the_key_in_the_database_is_sealed(world: World) -> None:
    (row,) = world.rows("SELECT list_key FROM installation")
    key = world.services.site.tokens.list_key
    assert key not in row["list_key"]
    assert Tokens(NEW_KEY).unseal(list_key.PURPOSE, row["list_key"]) is None
    assert Tokens(SECRET_KEY).unseal(list_key.PURPOSE, row["list_key"]) == key
