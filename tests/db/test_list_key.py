"""The key of the lists: made once, found again under the right secret key, and taken over from a database that had none."""

import pytest

from billing.mail import suppressions
from billing.mail.models import SuppressionReason
from billing.platform import list_key
from billing.platform.errors import RefusesToStart
from billing.platform.settings import Settings
from billing.platform.tokens import Tokens
from billing.rules.addresses import canonical
from tests.support.cli import run_on
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.world import World

NEW_KEY = "another secret for tests, made when the first leaked 9876"
OPTED_OUT = "left@example.com"
READERS = ("one@example.com", "two@example.com", "three@example.com")


def from_before(world: World, key: str = SECRET_KEY) -> None:
    """Let the database be one whose lists were hashed with this secret key, before they had a key of their own."""
    for email in READERS:
        subscription = world.start_trial(email, f"pm_card_visa__{READERS.index(email)}")["subscription"]["id"]
        digest = Tokens(key).digest("trial-address", canonical(email))
        world.execute(
            "UPDATE trial_claim SET digest = :digest WHERE kind = 'address' AND subscription_id = :id",
            digest=digest,
            id=subscription,
        )
    world.execute("UPDATE installation SET list_key = ''")
    world.execute("DELETE FROM list_salt")


def sealed(world: World, settings: Settings) -> Tokens:
    with world.parts.database.transaction() as session:
        list_key.seal_first(session, settings)
        return list_key.opened(session, settings)


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


def test_a_database_from_before_goes_on_with_the_key_of_then(world: World) -> None:
    from_before(world)
    assert sealed(world, given(world, SECRET_KEY)).list_key == SECRET_KEY
    again = world.try_trial(READERS[0], "pm_card_mastercard")
    assert again.status_code == 409


def test_it_is_found_also_where_the_secret_key_changes_with_the_release(world: World) -> None:
    from_before(world)
    assert sealed(world, given(world, NEW_KEY, previous=SECRET_KEY)).list_key == SECRET_KEY


def test_a_key_that_recognises_no_claim_is_refused(world: World) -> None:
    from_before(world)
    with pytest.raises(list_key.WrongSecretKey, match="is the key that this database was made with"):
        sealed(world, given(world, NEW_KEY))


def left_without_proof(world: World) -> None:
    """Let the database be one from before whose only list is an opt-out."""
    with world.parts.database.transaction() as session:
        suppressions.suppress(
            session,
            Tokens(SECRET_KEY),
            OPTED_OUT,
            scope=suppressions.ALL,
            reason=SuppressionReason.STAFF,
            source="a letter",
            at=world.now,
        )
    world.execute("DELETE FROM api_key")
    world.execute("UPDATE installation SET list_key = ''")
    world.execute("DELETE FROM list_salt")


def the_seal(world: World) -> str:
    (row,) = world.rows("SELECT list_key FROM installation")
    return str(row["list_key"])


@pytest.mark.parametrize(
    ("installation", "words"), [("other", "belongs to the installation main"), ("main", "--key-is-right")]
)
def test_a_migration_that_is_refused_locks_the_right_one_out_of_nothing(
    world: World, installation: str, words: str
) -> None:
    left_without_proof(world)
    refused = run_on(world, "migrate", BILLING_SECRET_KEY=NEW_KEY, BILLING_INSTALLATION=installation)
    assert words in str(refused.exception)
    assert the_seal(world) == ""


def test_in_doubt_an_operator_says_that_the_key_is_right(world: World) -> None:
    left_without_proof(world)
    assert run_on(world, "migrate").exit_code == 1
    done = run_on(world, "migrate", "--key-is-right")
    assert done.exit_code == 0, done.output
    assert Tokens(SECRET_KEY).unseal(list_key.PURPOSE, the_seal(world)) == SECRET_KEY
    world.restart()
    with world.parts.database.transaction() as session:
        assert suppressions.stopped(session, world.parts.site.tokens, [OPTED_OUT])


def test_what_claims_disprove_is_refused_whatever_an_operator_says(world: World) -> None:
    from_before(world)
    refused = run_on(world, "migrate", "--key-is-right", BILLING_SECRET_KEY=NEW_KEY)
    assert "is the key that this database was made with" in str(refused.exception)
    assert the_seal(world) == ""


def test_without_one_nothing_starts(world: World) -> None:
    world.execute("UPDATE installation SET list_key = ''")
    with (
        world.parts.database.transaction() as session,
        pytest.raises(RefusesToStart, match="billing migrate"),
    ):
        list_key.opened(session, world.settings)


def test_the_key_in_the_database_is_sealed(world: World) -> None:
    (row,) = world.rows("SELECT list_key FROM installation")
    key = world.parts.site.tokens.list_key
    assert key not in row["list_key"]
    assert Tokens(NEW_KEY).unseal(list_key.PURPOSE, row["list_key"]) is None
    assert Tokens(SECRET_KEY).unseal(list_key.PURPOSE, row["list_key"]) == key
