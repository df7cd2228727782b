"""An admin tries to refund by their own API key what needs two members (SEC-6)."""

import re
from collections.abc import Callable

import pytest

from billing.platform.typed import write_rand
from tests.security.test_two_members import ADMIN, BOSS, OTHER, ROOM, refunds, send, waiting
from tests.support.browser import Browser
from tests.support.cli import run_on
from tests.support.staff_members import SignIn, add, sign_in
from tests.support.starting_points import Subscriber
from tests.support.world import World

KEYS = "/staff/keys"
CEILINGS = {"days": "0", "starts": "0", "readers": "10"}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """One member alone decides about R300 a reader and a day, and R500 in all."""
    return make_world(second_person_limit=30000, second_person_day_limit=50000)


def make_key(browser: Browser, cents: int, *, name: str = "mine", reason: str = "") -> str:
    """The pages, to the secret of a key that may give money back."""
    browser.get(KEYS)
    page = browser.post(
        KEYS, name=name, scope="money", expires="", rand=write_rand(cents), reason=reason, **CEILINGS
    )
    found = re.search(r"mk_[0-9A-Za-z]+", page.text)
    return found.group(0) if found else ""


def refund_by_key(world: World, secret: str, reader_id: str, cents: int, once: str) -> int:
    """The status of a call with the key that gives money back."""
    (payment,) = world.rows("SELECT id FROM payment WHERE reader_id = :id", id=reader_id)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": once}
    body = {"amount": cents, "reason": "By my key."}
    answer = world.browser().http.post(f"/v1/payments/{payment['id']}/refunds", json=body, headers=headers)
    return answer.status_code


def test_one_admins_api_key_gives_no_more_than_they_may(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    admin = staff("admin")
    add(world, "finance", OTHER)
    assert make_key(admin, 123_456_700) == "", "it needs a reason"
    secret = make_key(admin, 123_456_700, reason="The new CRM.")
    assert refund_by_key(world, secret, yearly.reader_id, 50001, "1") == 403
    assert refunds(world) == []
    (approval,) = waiting(world)
    for other in (admin, sign_in(world, OTHER)):
        assert send(other, f"{ROOM}/{approval}/approve").status == 403
    boss = sign_in(world, add(world, "admin", BOSS).email)
    assert "The API key mine may give R1\xa0234\xa0567.00" in boss.get(ROOM).text
    assert "Approved" in boss.post(f"{ROOM}/{approval}/approve").text
    assert refund_by_key(world, secret, yearly.reader_id, 50001, "2") < 300
    assert refunds(world) == [50001]


def test_many_keys_of_one_admin_count_together_whatever_becomes_of_them(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    admin = staff("admin")
    first = make_key(admin, 50000)
    assert refund_by_key(world, first, yearly.reader_id, 50000, "1") < 300
    (key,) = world.rows("SELECT id FROM api_key WHERE name = 'mine'")
    admin.get(KEYS)
    admin.post(f"{KEYS}/{key['id']}/revoke")
    second = make_key(admin, 50000, name="again", reason="Once more.")
    assert refund_by_key(world, second, yearly.reader_id, 1, "2") == 403
    assert refunds(world) == [50000]


@pytest.mark.parametrize("cents", [50000, 50001])
def test_a_ceiling_is_raised_above_what_one_admin_decides_about_by_two(
    world: World, staff: SignIn, cents: int
) -> None:
    admin = staff("admin")
    make_key(admin, 10000)
    (key,) = world.rows("SELECT id FROM api_key WHERE name = 'mine'")
    for reason in ("", "It is the busy month."):
        admin.get(KEYS)
        page = admin.post(f"{KEYS}/{key['id']}/limit", rand=write_rand(cents), reason=reason, **CEILINGS)
    (row,) = world.rows("SELECT cents_a_day FROM api_key WHERE name = 'mine'")
    assert row["cents_a_day"] == (10000 if cents > 50000 else cents)
    assert len(waiting(world)) == (cents > 50000)
    if waiting(world):
        assert "rises only once another admin has approved it" in page.text
        run_on(world, "staff", "approve", waiting(world)[0])
        (row,) = world.rows("SELECT cents_a_day FROM api_key WHERE name = 'mine'")
        assert row["cents_a_day"] == cents


def test_the_secret_of_a_key_to_more_is_shown_to_no_admin_alone(world: World, staff: SignIn) -> None:
    made = run_on(world, "keys", "create", "--name", "crm", "--scopes", "money", "--cents-a-day", "50001")
    assert made.exit_code == 0, "a command counts as the second person"
    (key,) = world.rows("SELECT id, key_hash FROM api_key WHERE name = 'crm'")
    admin = staff("admin")
    admin.get(KEYS)
    page = admin.post(f"{KEYS}/{key['id']}/rotate", hours="0", expires="")
    assert page.status == 409
    assert "billing keys rotate" in page.words
    assert world.rows("SELECT id, key_hash FROM api_key WHERE name = 'crm'") == [key]
    assert run_on(world, "keys", "rotate", "crm").exit_code == 0


def test_of_a_key_to_money_the_other_admins_hear(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    add(world, "admin", BOSS)
    make_key(admin, 10000)
    world.settle()
    letter = world.letter(BOSS, "new API key that may give money back")
    for text in (letter.text, letter.html):
        assert "R100.00 incl. VAT" in text
        assert ADMIN in text
    assert not [one for one in world.letters(ADMIN) if "API key" in one.subject]
    admin.get(KEYS)
    admin.post(KEYS, name="reads", scope="access", expires="", rand="999999.99", **CEILINGS)
    world.settle()
    assert len([one for one in world.letters(BOSS) if "API key" in one.subject]) == 1
    assert waiting(world) == []


def test_the_ceiling_that_a_new_key_usually_has_is_one_admins_own(world: World, staff: SignIn) -> None:
    assert 'name="rand" inputmode="decimal" autocomplete="off" maxlength="14" required value="500.00"' in (
        staff("admin").get(KEYS).text
    )
    run_on(world, "keys", "create", "--name", "crm", "--scopes", "money")
    assert world.rows("SELECT cents_a_day FROM api_key WHERE name = 'crm'") == [{"cents_a_day": 50000}]
