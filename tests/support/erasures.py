"""Erasures in tests: asked for at once, and what is left of a reader in the database."""

import sqlalchemy as sa

from billing.personal_data import ask, register
from billing.platform.actors import ReaderActor
from tests.support.world import World


def ask_for(world: World, reader_id: str) -> str:
    """Close a reader's account as the reader does, on the page; the erasure's id."""
    actor = ReaderActor(reader_id)
    with world.services.database.begin(world.services.site, world.now, actor) as ctx:
        return ask.ask(ctx, reader_id).id


def left_over(world: World, reader_id: str) -> list[str]:
    """The tables in which a reader has personal data, by the register."""
    found = []
    with world.services.database.transaction() as session:
        for one in register.TABLES:
            if one.left_over:
                query = sa.text(f"SELECT EXISTS ({one.left_over_of(':reader_id')})")
                if session.execute(query, {"reader_id": reader_id}).scalar_one():
                    found.append(one.table)
    return found


def mentions(world: World, *words: str) -> list[str]:
    """Where any of these words stands: table and column, of all columns that hold text."""
    columns = world.rows(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        " AND c.data_type IN ('text', 'character varying', 'jsonb', 'ARRAY') ORDER BY 1, 2"
    )
    found = []
    for column in columns:
        table, name = column["table_name"], column["column_name"]
        for word in words:
            query = f"""SELECT 1 FROM "{table}" WHERE position(lower(:word) IN lower("{name}"::text)) > 0 LIMIT 1"""
            if world.rows(query, word=word):
                found.append(f"{table}.{name}: {word}")
    return found
