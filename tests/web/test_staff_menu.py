"""The head of staff's pages: each room stands in it once, and the page's own room is marked."""

import pytest

from billing.staff.roles import Role
from billing.web.staff.guard import HOME, ROOMS, rooms_of
from billing.web.views.staff_menu import DAILY, FEW, MENUS, here, menus
from tests.support.staff_members import SignIn
from tests.support.world import World

ALL = (HOME, *((address, name) for _, address, name in ROOMS))


@pytest.mark.parametrize("role", list(Role))
def test_each_room_stands_in_the_head_once(role: Role) -> None:
    rooms = rooms_of(role)
    found = menus(rooms)
    assert sorted(room for menu in found for room in menu.rooms) == sorted(rooms)
    assert all(len(menu.rooms) > 1 for menu in found if menu.name), "a menu of one room is that room"
    assert (len(found) == 1) is (len(rooms) <= FEW)


def test_the_head_names_no_room_that_is_none() -> None:
    named = {*DAILY, *(address for _, addresses in MENUS for address in addresses)}
    assert named <= {address for address, _ in ALL}


def test_a_room_that_no_menu_names_stands_in_the_last() -> None:
    assert menus((*ALL, ("/staff/new", "New")))[-1].rooms[-1] == ("/staff/new", "New")


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("/staff", "/staff"),
        ("/staff/find?q=thandi", "/staff"),
        ("/staff/readers/rdr_1/cancel?x=1", "/staff"),
        ("/staff/requests/req_1", "/staff/requests"),
        ("/staff/plans?from=/staff/books", "/staff/plans"),
        ("/staff/plansandmore", ""),
        ("/staff/sessions", ""),
    ],
)
def test_a_page_belongs_to_a_room(path: str, room: str) -> None:
    assert here(ALL, path) == room


def test_pages_of_readers_belong_to_a_room_of_their_own_where_there_is_one() -> None:
    rooms = (*ALL, ("/staff/readers", "Readers"))
    assert here(rooms, "/staff/readers/rdr_1") == here(rooms, "/staff/readers") == "/staff/readers"


def test_the_head_marks_the_room_at_a_desk_and_in_the_phones_menu(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    for path in ("/staff", "/staff/members", "/staff/requests"):
        assert admin.get(path).text.count(f'<a href="{path}" aria-current="page">') == 2
        assert admin.page.text.count('aria-current="page"') == 2, "and no other"
