"""Where each table would go on a cluster with Citus, derived from the schema alike in the models and in the migrated database."""

from contextlib import closing

import pytest
import sqlalchemy as sa

from billing.platform.db import Database
from billing.tables import metadata
from tests.support.distribution import (
    LOCAL,
    OTHER_KEYS,
    TRIGGERED,
    Place,
    TablePlan,
    Unclassified,
    distribution_table,
    plan_tables,
)

WHOLE = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"
WITH_TRIGGERS = """
SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal AND NOT relispartition
"""


def with_table(*parts: sa.schema.SchemaItem) -> TablePlan:
    """The plan of one more table."""
    more = sa.MetaData()
    for table in metadata.tables.values():
        table.to_metadata(more)
    sa.Table("one_more", more, *parts)
    return plan_tables(more)["one_more"]


def reader_id(*, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "reader_id", sa.Text, sa.ForeignKey("reader.id"), primary_key=primary_key, nullable=False
    )


def test_the_models_and_the_migrated_database_say_the_same(database_url: str) -> None:
    migrated = sa.MetaData()
    with closing(Database(database_url)) as database, database.engine.connect() as connection:
        whole = set(connection.scalars(sa.text(WHOLE))) - {"alembic_version"}
        migrated.reflect(connection, only=list(whole))
        triggered = set(connection.scalars(sa.text(WITH_TRIGGERS)))
    plans = plan_tables(metadata)
    assert plan_tables(migrated) == plans
    assert {name for name in triggered if plans[name].place is Place.DISTRIBUTED} == TRIGGERED


def test_what_is_listed_exists() -> None:
    assert set(OTHER_KEYS) | LOCAL | TRIGGERED <= set(metadata.tables)
    assert not LOCAL & (set(OTHER_KEYS) | TRIGGERED)


def test_a_new_table_without_a_reader_is_asked_about() -> None:
    with pytest.raises(Unclassified, match="one_more"):
        with_table(sa.Column("id", sa.Text, primary_key=True))


def test_a_key_with_the_reader_in_it_is_ready() -> None:
    plan = with_table(reader_id(primary_key=True), sa.Column("id", sa.Text, primary_key=True))
    assert plan == TablePlan("one_more", Place.DISTRIBUTED, "reader_id")
    assert plan.is_ready


def test_a_unique_key_over_all_readers_is_in_the_way() -> None:
    plan = with_table(
        sa.Column("id", sa.Text, primary_key=True), reader_id(), sa.Column("phone", sa.Text, unique=True)
    )
    assert (plan.joins, plan.obstacles) == (("primary key",), ("unique phone",))


def test_a_unique_index_of_an_expression_is_in_the_way() -> None:
    index = sa.Index("one_place", sa.text("lower(id)"), unique=True)
    plan = with_table(sa.Column("id", sa.Text, primary_key=True), reader_id(), index)
    assert plan.obstacles == ("unique lower(id)",)


def test_what_belongs_to_a_readers_row_gets_the_reader_through_it() -> None:
    plan = with_table(
        sa.Column("invoice_id", sa.Text, sa.ForeignKey("invoice.id"), primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("plan_id", sa.Text, sa.ForeignKey("plan.id")),
    )
    assert (plan.key, plan.through) == ("reader_id", "invoice_id")
    assert plan.joins == ("primary key", "foreign key invoice_id")
    assert not plan.obstacles, "a reference table may be referred to"


def test_distributed_tables_refer_neither_to_local_ones_nor_to_those_of_another_key() -> None:
    plan = with_table(
        reader_id(primary_key=True),
        sa.Column("staff_id", sa.Text, sa.ForeignKey("staff_member.id")),
        sa.Column("event_id", sa.Text, sa.ForeignKey("inbound_event.id")),
    )
    assert plan.obstacles == ("foreign key event_id to inbound_event", "foreign key staff_id to staff_member")


def test_what_a_readers_table_refers_to_is_a_reference_table() -> None:
    assert {plan.name for plan in plan_tables(metadata).values() if plan.place is Place.REFERENCE} >= {
        "plan",
        "price",
    }


def test_the_page_has_a_row_for_each_table() -> None:
    page = distribution_table(metadata)
    assert all(f"`{name}`" in page for name in metadata.tables)
