"""A returning reader opened the card page before the backup and confirmed the address after it. The restore loses
that start. Staff get a case. No link is mailed, and the card isn't kept, since it may be a stranger's.
"""

import pytest

from tests.reports.operator import broken
from tests.security.test_who_subscribes import FRESH, prove, steps
from tests.support.browser import Browser
from tests.support.restored import adopt, last_evening
from tests.support.world import World

CONFIRMS = {"never@example.com": False, "since@example.com": True}
"""Two returning readers; who of them confirms the address after the backup."""


@pytest.fixture
def began(world: World) -> dict[str, tuple[Browser, str]]:
    """Each reader's browser on the card page, and that page."""
    last_evening(world)
    found = {}
    for email in CONFIRMS:
        world.browser().sign_in(email)
        browser = world.browser()
        found[email] = browser, steps(world, browser, email, paid=False)[1]
    return found


def give_cards(world: World, began: dict[str, tuple[Browser, str]]) -> None:
    for number, (browser, page) in enumerate(began.values()):
        browser.get(world.sandbox.fill_in(page, f"{FRESH}__{number}"))


@pytest.mark.rare
@pytest.mark.parametrize("card_before", [False, True], ids=["card since", "card before"])
def test_a_start_that_waited_for_its_proof_is_a_case_whether_or_not_it_was_confirmed(
    world: World, began: dict[str, tuple[Browser, str]], card_before: bool
) -> None:
    if card_before:
        give_cards(world, began)
    world.back_up()
    if not card_before:
        give_cards(world, began)
    for email, confirms in CONFIRMS.items():
        if confirms:
            assert prove(world, began[email][0], email).path == "/subscribe/started"
    world.settle()
    world.advance(minutes=20)
    kept = "SELECT r.email FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE m.brand = 'mastercard'"
    assert [row["email"] for row in world.rows(kept)] == [email for email, it in CONFIRMS.items() if it]
    world.restore_backup()
    mails = {email: len(world.letters(email)) for email in CONFIRMS}
    assert "2 readers began since" in adopt(world)
    world.settle()
    world.advance(days=2)
    lost = world.rows("SELECT what, link, reader_id FROM staff_case WHERE kind = 'lost_start'")
    assert len(lost) == len(CONFIRMS)
    for email in CONFIRMS:
        (reader,) = world.rows("SELECT id FROM reader WHERE email = :it", it=email)
        (case,) = (each for each in lost if each["reader_id"] == reader["id"])
        assert case["link"] == f"/staff/readers/{reader['id']}", email
        assert "If the reader confirmed the address after that, what they began is lost" in case["what"], (
            email
        )
        setups = world.rows("SELECT state FROM card_setup WHERE email = :it", it=email)
        assert setups == [{"state": "awaits_proof"}], email
        assert len(world.letters(email)) == mails[email], f"no link for a browser that is long gone: {email}"
    assert world.rows(kept) == []
    assert broken(world) == {}
