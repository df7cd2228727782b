"""Old rows are deleted by the timetable; rows that are still needed stay."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from billing.platform import retention
from billing.platform.db import instant
from billing.tables import metadata
from tests.support.world import World, local


def counts(world: World) -> dict[str, int]:
    return {
        each.table: world.rows(f"SELECT count(*) AS n FROM {each.table}")[0]["n"] for each in retention.RULES
    }


def a_busy_day(world: World) -> None:
    """A reader signs in, and an app starts a trial with an Idempotency-Key."""
    browser = world.browser()
    browser.sign_in("thandi@example.com")
    reader = world.rows("SELECT id FROM reader")[0]["id"]
    answer = world.api.post(
        f"/v1/readers/{reader}/notes", json={"words": "Kind."}, headers={"Idempotency-Key": "n-1"}
    )
    assert answer.status_code == 201, answer.text
    world.start_trial("app@example.com", "pm_card_visa__9")
    world.settle()


def test_each_goes_in_its_time_and_not_before(world: World) -> None:
    a_busy_day(world)
    full = counts(world)
    assert {name for name, count in full.items() if count} >= {
        "sign_in_link",
        "rate_count",
        "reader_session",
        "api_answer",
        "inbound_event",
    }
    world.advance_to(local(2027, 3, 3, 9))
    assert counts(world) == full
    world.advance_to(local(2027, 3, 5, 9))
    left = counts(world)
    assert (left["sign_in_link"], left["rate_count"]) == (0, 0)
    world.advance_to(local(2027, 4, 12, 9))
    left = counts(world)
    assert left["api_answer"] == 0
    assert left["reader_session"] == full["reader_session"], (
        "evidence of who signed in, should the charge be disputed"
    )
    world.skip_to(local(2028, 2, 28, 9))  # ten months of charges are no matter here
    world.settle()
    assert counts(world)["reader_session"] == full["reader_session"]
    world.advance_to(local(2028, 3, 3, 9))
    assert counts(world)["reader_session"] == 0
    assert world.rows("SELECT count(*) AS n FROM reader")[0]["n"] == 2
    assert world.rows("SELECT count(*) AS n FROM consent")[0]["n"] == 1


@pytest.mark.prove
def test_the_repeated_call_still_gets_its_answer_a_month_later(world: World) -> None:
    reader = world.start_trial("thandi@example.com")["reader"]["id"]
    call: dict[str, Any] = {
        "url": f"/v1/readers/{reader}/notes",
        "json": {"words": "Kind."},
        "headers": {"Idempotency-Key": "n-1"},
    }
    first = world.api.post(**call)
    world.advance(days=29)
    again = world.api.post(**call)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (
        201,
        first.json(),
        "true",
    )


def test_in_batches_and_events_that_wait_stay(world: World) -> None:
    many = retention.BATCH * 2 + 7
    with world.services.database.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO inbound_event (id, acquirer, event_ref, event_type, object_ref, created_at, received_at, next_attempt_at, tries, failures,"
                " settled_at) SELECT 'hook_' || n, 'a', 'evt_' || n, 'x', 'x', '2020-01-01', :at, :later, 0, 0, CASE WHEN n > 2 THEN cast(:at AS timestamptz) END"
                " FROM generate_series(1, :many) n"
            ),
            {"at": world.now, "later": world.now + timedelta(days=900), "many": many},
        )
    with world.services.database.transaction() as session:
        due = instant(session, retention.NEXT_DUE)
    assert due == local(2027, 5, 31, 3)
    assert retention.delete_expired(world.services.database, world.now + timedelta(days=91)) == many - 2
    assert counts(world)["inbound_event"] == 2


def test_the_names_are_those_of_tables_and_columns_with_an_index_to_find_them(world: World) -> None:
    leading = (
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
        " WHERE indrelid = CAST(:place AS regclass)"
    )
    for each in retention.RULES:
        assert each.table in metadata.tables
        assert each.column in {row["attname"] for row in world.rows(leading, place=each.place)}, each
