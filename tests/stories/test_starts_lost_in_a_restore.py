"""A returning reader opened the card page before the backup and confirmed the address after it. The restore loses
that start. Staff get a case. No link is mailed, and the card isn't kept, since it may be a stranger's.
"""

import pytest

from tests.reports.operator import broken
from tests.security.test_who_subscribes import FRESH, prove, steps
from tests.support.browser import Browser
from tests.support.restored import adopt, last_evening
from tests.support.world import World

RETURNING = "returning@example.com"


@pytest.fixture
def began(world: World) -> tuple[Browser, str]:
    """The reader's browser on the card page, and that page."""
    last_evening(world)
    world.browser().sign_in(RETURNING)
    browser = world.browser()
    return browser, steps(world, browser, RETURNING, paid=False)[1]


@pytest.mark.rare
@pytest.mark.parametrize("card_before", [False, True], ids=["card since", "card before"])
@pytest.mark.parametrize("email_verified", [False, True], ids=["never confirmed", "confirmed since"])
def test_a_start_that_waited_for_its_proof_is_a_case(
    world: World, began: tuple[Browser, str], card_before: bool, email_verified: bool
) -> None:
    browser, page = began
    if card_before:
        browser.get(world.sandbox.fill_in(page, FRESH))
    world.back_up()
    if not card_before:
        browser.get(world.sandbox.fill_in(page, FRESH))
    if email_verified:
        assert prove(world, browser, RETURNING).path == "/subscribe/started"
        world.settle()
    world.advance(minutes=20)
    cards = world.rows("SELECT id FROM payment_method WHERE brand = 'mastercard'")
    assert len(cards) == email_verified
    world.restore_backup()
    mails = len(world.letters(RETURNING))
    assert "1 reader began since" in adopt(world)
    world.settle()
    world.advance(days=2)
    (case,) = world.rows("SELECT what, link, reader_id FROM staff_case WHERE kind = 'lost_start'")
    (reader,) = world.rows("SELECT id FROM reader WHERE email = :it", it=RETURNING)
    assert (case["reader_id"], case["link"]) == (reader["id"], f"/staff/readers/{reader['id']}")
    assert "If the reader confirmed the address after that, what they began is lost" in case["what"]
    assert world.rows("SELECT state FROM card_setup WHERE email = :it", it=RETURNING) == [
        {"state": "awaits_proof"}
    ]
    assert len(world.letters(RETURNING)) == mails, "no link for a browser that is long gone"
    assert world.rows("SELECT id FROM payment_method WHERE brand = 'mastercard'") == []
    assert broken(world) == {}
