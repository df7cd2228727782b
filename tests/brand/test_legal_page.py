"""An admin publishes legal texts on a page: a text or the publisher's own page; every version stays, and nothing typed is lost."""

import pytest

from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.world import World

ROOM = "/staff/brand/legal"
REASON = "thirty days"


@pytest.fixture
def admin(staff: SignIn) -> Browser:
    browser = staff("admin")
    browser.get(ROOM)
    return browser


def documents(world: World) -> int:
    return len(world.rows("SELECT * FROM legal_document"))


def test_a_text_is_in_force_at_once_and_the_earlier_one_stays(world: World, admin: Browser) -> None:
    admin.post(ROOM, kind="terms", words="# Our terms", reason="the first")
    first = documents(world)
    page = admin.post(ROOM, kind="terms", words="# Fewer words", reason=REASON)
    assert documents(world) == first + 1
    assert page.path == ROOM
    reader = world.browser()
    assert "Fewer words" in reader.get("/terms").words
    number = world.rows("SELECT max(number) AS newest FROM legal_document WHERE kind = 'terms'")[0]["newest"]
    assert f'href="/terms/{number - 1}"' in page.text
    assert "Our terms" in reader.get(f"/terms/{number - 1}").words
    [line] = world.rows("SELECT subject FROM audit_line WHERE act = 'legal' AND reason = :why", why=REASON)
    assert line["subject"] == "terms"


def test_the_publishers_own_page_is_linked(world: World, admin: Browser) -> None:
    address = "https://www.paper.example/refunds"
    page = admin.post(ROOM, kind="refunds", url=address, reason=REASON)
    assert f'href="{address}"' in page.text
    assert "your own page" in page.words


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"kind": "terms", "reason": REASON}, "Give a text, or the address of a page."),
        ({"kind": "terms", "words": "# Twice", "url": "https://a.example/", "reason": REASON}, "Give a text"),
        ({"kind": "terms", "words": "# No reason", "reason": ""}, "Say why"),
        ({"kind": "terms", "url": "http://a.example/", "reason": REASON}, "must begin with https://"),
        ({"kind": "rules", "words": "# Rules", "reason": REASON}, "Choose a document."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    world: World, admin: Browser, typed: dict[str, str], words: str
) -> None:
    before = documents(world)
    page = admin.post(ROOM, **typed)
    assert page.status == 422
    assert words in page.words
    assert typed.get("words", "") in page.text
    assert typed.get("url", "") in page.text
    assert documents(world) == before


def test_it_takes_a_fresh_code_and_the_text_waits_for_it(world: World, admin: Browser) -> None:
    before = documents(world)
    world.advance(minutes=11)
    admin.get(ROOM)
    page = admin.post(ROOM, kind="terms", words="# Long work", reason=REASON)
    assert page.status == 403
    assert "# Long work" in page.text
    assert documents(world) == before
