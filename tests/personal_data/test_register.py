"""The register of personal data knows every table, and every text in a table with rows of readers."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from billing.personal_data.personal_table import PersonalTable
from billing.personal_data.register import OF_NOBODY, TABLES, reasons
from billing.platform.retention import RULES
from billing.tables import metadata
from tests.support.starting_points import Subscriber
from tests.support.world import World

REGISTERED = {one.table: one for one in TABLES}
NAMELESS = [table for tables in OF_NOBODY.values() for table in tables]
STAFF_AND_PROGRAMS = OF_NOBODY["of staff and programs, not of readers"]
RULED = {rule.table for rule in RULES} | {"meter_month", "gift_reading", "signup"}
"""Tables whose old rows are deleted."""


def test_every_table_is_registered_or_of_nobody() -> None:
    assert sorted([*REGISTERED, *NAMELESS]) == sorted(metadata.tables)


def free_text(table: sa.Table) -> Iterator[str]:
    """Columns that may hold anything: no ids, no references, no enums."""
    for column in table.columns:
        is_text = isinstance(column.type, sa.String | JSONB | ARRAY) and not isinstance(column.type, sa.Enum)
        is_name = column.name == "id" or (
            column.name.endswith("_id") and column.name not in ("actor_id", "external_id")
        )
        if is_text and not is_name and not column.foreign_keys:
            yield column.name


@pytest.mark.parametrize("table", sorted(REGISTERED))
def test_every_text_is_blanked_or_kept_for_a_reason(table: str) -> None:
    one = REGISTERED[table]
    known = set(one.blank) | set(one.kept) | set(one.also)
    assert known <= set(metadata.tables[table].columns.keys())
    if not one.delete:
        enums = {"closed_by_kind", "state", "email"}
        assert set(free_text(metadata.tables[table])) - known - enums == set()
    assert all(reason.strip() for reason in one.keep.values())


@pytest.mark.parametrize("table", NAMELESS)
def test_no_table_of_nobody_has_a_column_about_a_reader(table: str) -> None:
    columns = metadata.tables[table].columns.keys()
    assert "reader_id" not in columns
    if table not in STAFF_AND_PROGRAMS:
        assert [
            name for name in columns if name in ("email", "ip", "device", "recipient", "browser_hash")
        ] == []


def test_the_preview_gives_every_reason() -> None:
    assert set(reasons()) == {reason for one in TABLES for reason in one.keep.values()}


@pytest.mark.parametrize("one", TABLES, ids=lambda one: one.table)
def test_each_is_kept_by_a_rule_or_for_a_reason(one: PersonalTable) -> None:
    assert one.retention or one.table in RULED


def test_a_readers_rows_can_be_read_from_each_table(world: World, paid: Subscriber) -> None:
    given = {"reader_id": paid.reader_id, "address": paid.email}
    found = {one.table for one in TABLES if world.rows(one.select, **given)}
    assert found >= {"reader", "consent", "payment_method", "subscription", "invoice", "payment", "message"}


BY_INDEX = (
    *("address_change", "card_setup", "consent", "message", "payment", "reader", "signup"),
    "signup_change",
    "start_origin",
)
"""Large tables, whose rows of one reader must not be looked for among all."""


@pytest.mark.parametrize("table", BY_INDEX)
def test_a_readers_rows_are_found_by_an_index(world: World, paid: Subscriber, table: str) -> None:
    given = {"reader_id": paid.reader_id, "address": paid.email}
    with world.services.database.transaction() as session:
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = session.execute(sa.text(f"EXPLAIN {REGISTERED[table].select}"), given).scalars().all()
    assert [line for line in plan if "Seq Scan" in line] == []
