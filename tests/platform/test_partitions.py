"""Tables have a partition for each month, which the timetable makes and drops; no row is lost on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from billing.platform import migrate, partitions, retention
from billing.platform.claims import only_one
from billing.platform.db import Database, instant
from billing.platform.partitions import EVENTS, METER, MONTHLY
from billing.tables import metadata

MARCH = datetime(2027, 3, 16, 9, tzinfo=UTC)
EVENT = """INSERT INTO inbound_event (id, acquirer, event_ref, event_type, object_ref, created_at, received_at, next_attempt_at, tries,
    failures, settled_at) VALUES (%(id)s, 'a', %(id)s, 'x', 'x', %(at)s, %(at)s, %(at)s, 0, 0, %(settled)s)"""
WHERE = "SELECT tableoid::regclass::text FROM inbound_event WHERE id = %(id)s"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def store(database: Database, name: str, at: datetime, *, settled: bool = True) -> str:
    """Insert an event; return its partition."""
    with database.transaction() as session:
        line = session.connection()
        line.exec_driver_sql(EVENT, {"id": name, "at": at, "settled": at if settled else None})
        return str(line.exec_driver_sql(WHERE, {"id": name}).scalar_one())


def partition_of(database: Database, name: str) -> str | None:
    with database.transaction() as session:
        return session.connection().exec_driver_sql(WHERE, {"id": name}).scalar_one_or_none()


def present(database: Database) -> set[str]:
    with database.transaction() as session:
        return set(
            session.connection()
            .exec_driver_sql(
                "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE relkind = 'r'"
            )
            .scalars()
        )


def next_due(database: Database) -> datetime | None:
    with database.transaction() as session:
        return instant(session, partitions.NEXT_DUE)


@contextmanager
def reading_transaction(database: Database, table: str) -> Iterator[None]:
    """Another connection has read the table, in a transaction that stays open."""
    with database.engine.connect() as line:
        line.exec_driver_sql(f"SELECT 1 FROM {table} LIMIT 1")
        yield


def test_this_month_and_the_next_are_made_and_then_each_month_one_more(database: Database) -> None:
    assert present(database) == {f"{table.name}_default" for table in MONTHLY}
    due = next_due(database)
    assert due is not None
    assert due < MARCH
    assert partitions.keep_up(database, MARCH) == 6
    assert present(database) == {
        f"{table.name}_{month}" for table in MONTHLY for month in ("default", "2027_03", "2027_04")
    }
    assert next_due(database) == datetime(2027, 4, 1, tzinfo=UTC)
    assert partitions.keep_up(database, MARCH) == 0
    assert partitions.keep_up(database, datetime(2027, 4, 1, tzinfo=UTC)) == 3
    assert next_due(database) == datetime(2027, 3, 1, tzinfo=UTC) + METER.keep
    assert migrate.differences(database) is None


def test_a_row_goes_to_the_partition_of_its_month_in_utc(database: Database) -> None:
    partitions.keep_up(database, MARCH)
    end = datetime(2027, 4, 1, tzinfo=UTC)
    assert store(database, "evt_last", end - timedelta(microseconds=1)) == "inbound_event_2027_03"
    assert store(database, "evt_first", end) == "inbound_event_2027_04"
    assert store(database, "evt_other", MARCH - timedelta(days=400)) == "inbound_event_default"


def test_a_month_is_dropped_at_its_time_without_the_rows_that_are_needed(database: Database) -> None:
    partitions.keep_up(database, MARCH)
    store(database, "evt_settled", MARCH)
    store(database, "evt_waits", MARCH, settled=False)
    gone = datetime(2027, 3, 1, tzinfo=UTC) + EVENTS.keep
    partitions.keep_up(database, gone - timedelta(microseconds=1))
    assert partition_of(database, "evt_settled") == "inbound_event_2027_03"
    assert next_due(database) == gone
    assert partitions.keep_up(database, gone) == 2, "the deliveries' month too"
    assert "inbound_event_2027_03" not in present(database)
    assert partition_of(database, "evt_settled") is None
    assert partition_of(database, "evt_waits") == "inbound_event_default"
    later = gone + timedelta(days=30)
    assert retention.delete_expired(database, later) == 0
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE inbound_event SET settled_at = %(at)s", {"at": gone})
    assert retention.delete_expired(database, later) == 1
    assert partition_of(database, "evt_waits") is None


def test_what_came_while_no_worker_was_there_stays_where_it_is(database: Database) -> None:
    assert store(database, "evt_1", MARCH) == "inbound_event_default"
    assert partitions.keep_up(database, MARCH) == 5
    assert "inbound_event_2027_03" not in present(database)
    assert store(database, "evt_2", MARCH) == "inbound_event_default"
    assert next_due(database) == datetime(2027, 4, 1, tzinfo=UTC)
    assert retention.delete_expired(database, MARCH + EVENTS.keep + timedelta(days=1)) == 2


def test_a_table_in_use_is_left_for_the_next_tick(database: Database) -> None:
    partitions.keep_up(database, MARCH)
    store(database, "evt_1", MARCH)
    gone = datetime(2027, 3, 1, tzinfo=UTC) + EVENTS.keep
    with reading_transaction(database, "inbound_event"):
        assert partitions.keep_up(database, gone) == 7, "all but the events'"
        assert partition_of(database, "evt_1") == "inbound_event_2027_03"
    due = next_due(database)
    assert due is not None
    assert due <= gone
    assert partitions.keep_up(database, gone) == 3
    assert partition_of(database, "evt_1") is None


def test_one_worker_does_it(database: Database) -> None:
    with only_one(database, partitions.TURN):
        assert partitions.keep_up(database, MARCH) == 0
    assert partitions.keep_up(database, MARCH) == 6


def test_only_partitions_have_no_model() -> None:
    assert partitions.is_partition("inbound_event_2027_03")
    assert partitions.is_partition("meter_month_default")
    others = [*metadata.tables, "inbound_event_2027", "reader_2027_03"]
    assert not any(partitions.is_partition(name) for name in others)
