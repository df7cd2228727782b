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
    """Where any of these words stands, in whichever column of whichever table of `information_schema`."""
    tables = world.rows(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
    )
    query = "SELECT word FROM unnest(CAST(:words AS text[])) AS word WHERE EXISTS (SELECT FROM {0} WHERE position(lower(word) IN lower({0}::text)) > 0)"
    return [
        f"{table}: {row['word']}"
        for table in (each["table_name"] for each in tables)
        for row in world.rows(query.format(f'"{table}"'), words=list(words))
    ]
