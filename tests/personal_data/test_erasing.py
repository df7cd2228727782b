"""A reader who closes the account is erased: nothing that names them stays, and nothing that the law asks for goes."""

from datetime import date
from pathlib import Path

from billing.reports import exports
from tests.support.erasures import ask_for, left_over, mentions
from tests.support.independent_calendar import assert_promises_kept
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def export(world: World, folder: Path) -> dict[str, bytes]:
    """The bookkeeper's files of March, by name."""
    paths = exports.write(world.services.database, folder, date(2027, 3, 1), date(2027, 3, 31))
    return {path.name: path.read_bytes() for path in paths}


def test_everything_that_names_the_reader_is_gone(world: World, paid: Subscriber, tmp_path: Path) -> None:
    world.advance_to(local(2027, 3, 31, 14))  # past the days in which the first charge goes back
    ask_for(world, paid.reader_id)
    world.advance_to(local(2027, 4, 1, 9))  # March's revenue is recognised by then
    before = export(world, tmp_path / "before")
    assert left_over(world, paid.reader_id)
    world.advance(days=2)
    assert left_over(world, paid.reader_id) == []
    assert mentions(world, paid.email) == []
    assert export(world, tmp_path / "after") == before
    (row,) = world.rows("SELECT email FROM reader WHERE id = :id", id=paid.reader_id)
    assert row["email"] == f"{paid.reader_id}@erased.invalid"
    (customer,) = world.sandbox.objects("customer")
    assert customer.get("deleted") is True
    assert_promises_kept(world)
