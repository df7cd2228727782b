"""Newsletters of two accounts that become one: what each had said, old links, and issues that were sent."""

import pytest

from billing.newsletters import links
from tests.support.another_address import change
from tests.support.merging import SECOND, do_merge
from tests.support.newsroom import Newsroom
from tests.support.starting_points import Subscriber
from tests.support.world import World


def states(world: World, reader_id: str) -> dict[str, str]:
    rows = world.rows("SELECT newsletter_id, state FROM signup WHERE reader_id = :id", id=reader_id)
    return {row["newsletter_id"]: row["state"] for row in rows}


def test_newsletters_are_the_union_and_a_no_of_either_holds(world: World, paid: Subscriber) -> None:
    room = Newsroom(world)
    goes = room.add_reader(SECOND)
    names = [row["id"] for row in world.rows("SELECT id FROM newsletter ORDER BY id LIMIT 3")]
    only_there, left_there, left_here = names
    for name in names:
        room.join(SECOND, name)
    for name in (left_there, left_here):
        room.join(paid.email, name)
    for reader, name in ((goes, left_there), (paid.reader_id, left_here)):
        link = _unsubscribe(world, reader, name)
        world.http_client().post(link).raise_for_status()
    old_link = _unsubscribe(world, goes, left_here)
    do_merge(world, paid.reader_id, goes)
    assert states(world, paid.reader_id) == {
        only_there: "confirmed",
        left_there: "left",
        left_here: "left",
    }
    assert "confirmed" not in states(world, goes).values()
    room.join(paid.email, left_here)
    world.http_client().post(old_link).raise_for_status()
    assert states(world, paid.reader_id)[left_here] == "left", "a link in an old newsletter still stops it"
    browser = world.browser()
    browser.http.post(f"{old_link}/back").raise_for_status()
    assert states(world, paid.reader_id)[left_here] == "confirmed"
    assert "yours again" in browser.get(f"{old_link}/back").words


CASES = [
    (here, there) for here in (None, "pending", "confirmed", "left") for there in (None, "confirmed", "left")
]


@pytest.mark.parametrize(("here", "there"), CASES)
def test_newsletters_by_what_each_account_had_said(world: World, here: str | None, there: str | None) -> None:
    room = Newsroom(world)
    stays, goes = room.add_reader("here@example.com"), room.add_reader("there@example.com")
    for email, said in (("here@example.com", here), ("there@example.com", there)):
        if said:
            room.join(email)
        if said == "left":
            room.leave(email)
    if here == "pending":
        world.execute("UPDATE signup SET state = 'pending', ask_id = 'ask' WHERE reader_id = :id", id=stays)
    do_merge(world, stays, goes)
    rows = world.rows("SELECT state FROM signup WHERE reader_id = :id", id=stays)
    expected = next((said for said in ("left", "confirmed", "pending") if said in (here, there)), None)
    assert [row["state"] for row in rows] == [expected] * bool(expected)


def _unsubscribe(world: World, reader_id: str, newsletter: str) -> str:
    query = "SELECT id FROM signup WHERE reader_id = :id AND newsletter_id = :list"
    (row,) = world.rows(query, id=reader_id, list=newsletter)
    return links.unsubscribe_url(world.services.site, row["id"])


def test_newsletters_that_were_sent_move_too(world: World, paid: Subscriber) -> None:
    """Those to an address that the other account had before, too."""
    room = Newsroom(world)
    goes = room.add_reader("before@example.com")
    room.join("before@example.com")
    room.send()
    change(world, "before@example.com", SECOND)
    room.send()
    world.advance(days=8)
    do_merge(world, paid.reader_id, goes)
    rows = world.rows("SELECT reader_id, address FROM delivery ORDER BY number")
    assert [(row["reader_id"], row["address"]) for row in rows] == [
        (paid.reader_id, "before@example.com"),
        (paid.reader_id, SECOND),
    ]
    last = room.add_reader("last@example.com")
    do_merge(world, last, paid.reader_id)
    assert [row["reader_id"] for row in world.rows("SELECT reader_id FROM delivery")] == [last, last]
