"""What the database refuses around an erasure: rewriting beyond it, and adding to an erased reader."""

import psycopg
import pytest

from tests.support.erasures import ask_for
from tests.support.starting_points import Subscriber
from tests.support.world import World


def run(world: World, *statements: str) -> None:
    with psycopg.connect(world.services.database.address) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_the_door_is_for_the_open_erasure_its_reader_and_its_columns(world: World, paid: Subscriber) -> None:
    world.start_trial("other@example.com", "pm_card_mastercard")
    erasure = ask_for(world, paid.reader_id)
    door = f"SELECT set_config('masthead.erasing', '{erasure}', true)"
    mine, other = f"reader_id = '{paid.reader_id}'", f"reader_id <> '{paid.reader_id}'"
    refused = [
        (door, f"UPDATE consent SET email = '' WHERE {other}"),
        (door, f"UPDATE consent SET email = 'else@example.com' WHERE {mine}"),
        (door, f"UPDATE consent SET email = '', amount = 1 WHERE {mine}"),
        (door, f"DELETE FROM consent WHERE {mine}"),
        (door, "UPDATE ledger_entry SET amount = 0"),
        ("SELECT set_config('masthead.erasing', 'era_other', true)", f"UPDATE consent SET email = '' WHERE {mine}"),
        (f"UPDATE consent SET email = '' WHERE {mine}",),
    ]  # fmt: skip
    for statements in refused:
        with pytest.raises(psycopg.errors.CheckViolation):
            run(world, *statements)
    run(world, door, f"UPDATE consent SET email = '', ip = '', device = '' WHERE {mine}")
    world.advance(days=2)
    with pytest.raises(psycopg.errors.CheckViolation):  # it is done
        run(world, door, f"UPDATE consent SET device = '' WHERE {mine}")


def test_nothing_is_added_to_an_erased_reader(world: World, paid: Subscriber) -> None:
    ask_for(world, paid.reader_id)
    world.advance(days=2)
    added = (
        "INSERT INTO reader_session (id, token_hash, reader_id, started_at, seen_at, ip, device, email_verified)"
        f" VALUES ('ses_1', 'x', '{paid.reader_id}', now(), now(), '196.25.1.9', 'Phone', false)"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="is erased"):
        run(world, added)
