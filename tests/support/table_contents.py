"""The contents of all tables, to prove that an act left no trace."""

from collections.abc import Iterable

from tests.support.world import World

OF_THE_CALL = ("api_key_use", "api_key_reader", "bulk_read")
"""Tables that record every API call, even a refused one."""


def contents(world: World, *, but: tuple[str, ...] = ()) -> dict[str, tuple[int, str]]:
    """For every table the number of rows and a hash over them; without the tables in `but` and OF_THE_CALL."""
    names = sorted(set(_tables(world)) - {*but, *OF_THE_CALL})
    assert len(names) > 15
    each = (
        f"SELECT '{name}' AS name, count(*) AS n,"
        f" md5(coalesce(string_agg(md5(CAST(t AS text)), '' ORDER BY md5(CAST(t AS text))), '')) AS h FROM \"{name}\" t"
        for name in names
    )
    return {row["name"]: (row["n"], row["h"]) for row in world.rows(" UNION ALL ".join(each))}


def changed(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> list[str]:
    """The names of the tables that differ."""
    return [name for name in before if before[name] != after[name]]


def all_text(world: World) -> str:
    """Every row of every table as text, to search for data that must not be stored."""
    each = (f'SELECT CAST(t AS text) AS line FROM "{name}" t' for name in _tables(world))
    return "\n".join(row["line"] for row in world.rows(" UNION ALL ".join(each)))


def _tables(world: World) -> Iterable[str]:
    """Table names from the database's catalogue, so that tables unknown to the product are included; partitions belong to theirs."""
    found = world.rows(
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition"
    )
    return [row["name"] for row in found]
