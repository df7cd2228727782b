"""An admin, or who has taken over one's browser, tries to shut the other admins out alone (SEC-6)."""

import pytest

from tests.security.test_two_members import send, waiting
from tests.support.browser import Browser
from tests.support.cli import run_on
from tests.support.staff_members import SignIn, add, sign_in
from tests.support.world import World

ADMIN, BOSS, THIRD = (f"{name}@paper.example" for name in ("admin", "boss", "third"))
TEAM, ROOM = "/staff/members", "/staff/approvals"
REASON = "Left the paper."
CHANGES = {"disable": {}, "reset": {}, "role": {"role": "support"}}


def state(world: World, email: str) -> tuple[str, bool, bool]:
    """Role, whether disabled, whether with an authenticator."""
    [row] = world.rows(
        "SELECT role, disabled_at, enrolled_at FROM staff_member WHERE email = :email", email=email
    )
    return row["role"], row["disabled_at"] is not None, row["enrolled_at"] is not None


@pytest.fixture
def boss(world: World) -> str:
    """The id of another admin, who has an authenticator."""
    member = add(world, "admin", BOSS)
    sign_in(world, BOSS)
    return member.id


@pytest.fixture
def admin(staff: SignIn, boss: str) -> Browser:
    return staff("admin")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_another_admin_waits_for_a_third(
    world: World, admin: Browser, boss: str, change: str
) -> None:
    add(world, "admin", THIRD)
    before = state(world, BOSS)
    path, fields = f"{TEAM}/{boss}/{change}", CHANGES[change]
    admin.get(TEAM)
    unreasoned = admin.post(path, **fields)
    assert unreasoned.status == 422
    assert waiting(world) == []
    admin.get(TEAM)
    page = admin.post(path, reason=REASON, **fields)
    assert "waits for a second member" in page.text
    assert "Waits for a second admin" in page.words
    assert BOSS in page.words
    assert state(world, BOSS) == before
    world.settle()
    assert BOSS in world.letter(THIRD, "waits for your approval").text
    assert not [mail for mail in world.letters(BOSS) if "approval" in mail.subject]
    admin.get(TEAM)
    assert "waits for approval already" in admin.post(path, reason=REASON, **fields).words
    [approval] = waiting(world)
    for email in (ADMIN, BOSS):
        assert send(sign_in_later(world, email), f"{ROOM}/{approval}/approve").status == 403, email
    assert send(sign_in_later(world, BOSS), f"{ROOM}/{approval}/decline").status == 403, "not their own"
    third = sign_in_later(world, THIRD)
    third.get(ROOM)
    assert "Approved" in third.post(f"{ROOM}/{approval}/approve").text
    after = {
        "disable": ("admin", True, True),
        "reset": ("admin", False, False),
        "role": ("support", False, True),
    }
    assert state(world, BOSS) == after[change]
    [line] = world.rows(
        "SELECT reason FROM audit_line WHERE subject = :id AND act LIKE 'staff_%' AND reason <> ''", id=boss
    )
    assert line["reason"] == REASON


def sign_in_later(world: World, email: str) -> Browser:
    """With the next code of the member's authenticator."""
    world.advance(minutes=1)
    return sign_in(world, email)


def test_signing_another_admin_out_is_immediate(world: World, admin: Browser, boss: str) -> None:
    add(world, "admin", THIRD)
    there = sign_in_later(world, BOSS)
    admin.get(TEAM)
    admin.post(f"{TEAM}/{boss}/sign-out")
    assert there.get("/staff").path == "/staff/sign-in"
    assert waiting(world) == []


def test_of_two_admins_each_can_stop_the_other(world: World, admin: Browser, boss: str) -> None:
    admin.get(TEAM)
    admin.post(f"{TEAM}/{boss}/disable")
    assert state(world, BOSS) == ("admin", True, True)


def test_what_has_become_untrue_is_not_done(world: World, admin: Browser, boss: str) -> None:
    add(world, "admin", THIRD)
    admin.get(TEAM)
    admin.post(f"{TEAM}/{boss}/disable", reason=REASON)
    run_on(world, "staff", "add", BOSS, "--role", "support")
    third = sign_in_later(world, THIRD)
    third.get(ROOM)
    third.post(f"{ROOM}/{waiting(world)[0]}/approve")
    assert state(world, BOSS) == ("support", False, True)
    assert world.rows("SELECT state FROM approval") == [{"state": "changed"}]


def test_a_command_on_the_machine_waits_for_nobody(world: World, admin: Browser, boss: str) -> None:
    add(world, "admin", THIRD)
    assert run_on(world, "staff", "disable", BOSS).exit_code == 0
    assert state(world, BOSS) == ("admin", True, True)
