"""Passkeys of members: each stands for a code of the authenticator, at the sign-in and before a sensitive act."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.security.test_two_members import send
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator, options_on
from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.world import World

ADMIN, SUPPORT = "admin@paper.example", "support@paper.example"
MINE, ROOM = "/staff/sessions", "/staff/passkeys"
USE = "/staff/sign-in/passkey"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Masthead on a host with a name: passkeys are bound to names."""
    world = make_world()
    return make_world(public_url=world.url.replace("127.0.0.1", "localhost"))


@pytest.fixture
def device(world: World) -> Authenticator:
    return Authenticator(world.settings.public_url)


def add(member: Browser, device: Authenticator, name: str = "my laptop") -> Browser:
    member.get(MINE)
    page = member.post(f"{ROOM}/new")
    assert page.status == 200, page.words
    page = member.post(ROOM, credential=device.create(options_on(page)), name=name)
    assert page.path == MINE, page.words
    return member


def half_in(world: World, email: str) -> Browser:
    """After the mailed link; its path alone is followed, on the host that the browser is on."""
    browser = world.browser()
    browser.get("/staff/sign-in")
    browser.post("/staff/sign-in", email=email)
    world.settle()
    browser.get(urlsplit(world.mailed_link(email, "/staff/sign-in/link/")).path)
    browser.post("/staff/sign-in/confirm")
    return browser


def test_a_passkey_stands_for_the_code_after_the_mailed_link(
    world: World, staff: SignIn, device: Authenticator
) -> None:
    member = add(staff("support"), device)
    assert "my laptop" in member.page.words
    assert "not used yet" in member.page.words
    world.settle()
    assert "my laptop" in world.letter(SUPPORT, "A passkey was added").text
    there = half_in(world, SUPPORT)
    options = options_on(there.page)
    assert options["userVerification"] == "required"
    assert len(options["allowCredentials"]) == 1
    assert there.post(USE, credential=device.get(options)).path == "/staff"
    assert "last used" in there.get(MINE).words
    world.settle()
    assert world.letter(SUPPORT, "A new browser signed in"), "as with a code"
    [line] = world.rows("SELECT after FROM audit_line WHERE act = 'sign_in' AND after ? 'passkey'")
    assert line["after"]["passkey"] == "my laptop"


def test_it_opens_nothing_without_the_mailed_link(world: World, staff: SignIn, device: Authenticator) -> None:
    add(staff("support"), device)
    there = half_in(world, SUPPORT)
    credential = device.get(options_on(there.page))
    stranger = world.browser()
    stranger.get("/staff/sign-in")
    assert send(stranger, USE, credential=credential).path == "/staff/sign-in"
    assert send(half_in(world, SUPPORT), USE, credential=credential).status == 422, (
        "another session's challenge"
    )
    assert send(stranger, "/sign-in/passkey", credential=credential).status == 422, "nor is it a reader's"


def test_a_device_that_did_not_check_its_user_is_refused(
    world: World, staff: SignIn, device: Authenticator
) -> None:
    member = staff("support")
    member.get(MINE)
    device.flags = PRESENT
    page = member.post(f"{ROOM}/new")
    assert member.post(ROOM, credential=device.create(options_on(page))).status == 422
    device.flags = PRESENT | VERIFIED
    add(member, device)
    there = half_in(world, SUPPORT)
    device.flags = PRESENT
    answer = there.post(USE, credential=device.get(options_on(there.page)))
    assert answer.status == 422
    assert "That passkey did not work here" in answer.words
    [line] = world.rows("SELECT reason FROM audit_line WHERE act = 'sign_in' AND outcome = 'refused'")
    assert line["reason"] == "the passkey did not work"


def test_a_colleagues_passkey_opens_nothing_of_mine(
    world: World, staff: SignIn, device: Authenticator
) -> None:
    other = Authenticator(world.settings.public_url)
    add(staff("admin"), device)
    add(staff("support"), other)
    there = half_in(world, SUPPORT)
    credential = device.get(options_on(there.page))
    assert send(there, USE, credential=credential).status == 422


def test_a_passkey_answers_where_a_fresh_code_is_asked_for_and_what_was_typed_stays(
    world: World, staff: SignIn, device: Authenticator
) -> None:
    admin = add(staff("admin"), device)
    world.advance(minutes=11)
    admin.get("/staff/members")
    asked = admin.post("/staff/members", email="new@paper.example", role="support", reason="starts")
    assert asked.status == 403
    options = options_on(asked)
    credential = device.get(options)
    kept = {"email": "new@paper.example", "role": "support", "reason": "starts"}
    proof = {"proof_way": "/staff/members", "proof_acts": "yes", "proof_passkey": credential}
    done = send(admin, "/staff/confirm", **proof, **kept)
    assert "new@paper.example" in done.words
    world.advance(minutes=11)
    admin.get("/staff/members")
    again = send(admin, "/staff/confirm", **proof, **kept)
    assert again.status == 422, "a challenge works once"
    assert "starts" in again.text, "what was typed stays"


def test_adding_and_removing_one_asks_for_a_fresh_code(
    world: World, staff: SignIn, device: Authenticator
) -> None:
    member = add(staff("support"), device)
    [row] = world.rows("SELECT id FROM staff_passkey")
    remove = f"{ROOM}/{row['id']}/remove"
    world.advance(minutes=11)
    member.get(MINE)
    for path in (f"{ROOM}/new", ROOM, remove):
        assert send(member, path).status == 403, path
    assert len(world.rows("SELECT * FROM staff_passkey")) == 1
    admin = staff("admin")
    admin.get(MINE)
    assert send(admin, remove).status == 404, "another member's counts as unknown"
    fresh = staff("support")
    fresh.get(MINE)
    assert fresh.post(remove).path == MINE
    assert world.rows("SELECT * FROM staff_passkey") == []
    world.settle()
    assert world.letter(SUPPORT, "A passkey was removed")


def test_a_new_authenticator_ends_them(world: World, staff: SignIn, device: Authenticator) -> None:
    add(staff("support"), device)
    admin = staff("admin")
    [row] = world.rows("SELECT id FROM staff_member WHERE email = :email", email=SUPPORT)
    admin.get("/staff/members")
    admin.post(f"/staff/members/{row['id']}/reset")
    assert world.rows("SELECT * FROM staff_passkey") == []


def test_a_member_has_ten_at_most(world: World, staff: SignIn, device: Authenticator) -> None:
    member = staff("support")
    for number in range(10):
        page = member.get(MINE)
        page = member.post(f"{ROOM}/new")
        member.post(ROOM, credential=device.create(options_on(page)), name=f"key {number}")
    assert "No more can be added" in member.get(MINE).words
    assert send(member, f"{ROOM}/new").path == MINE
    assert len(world.rows("SELECT * FROM staff_passkey")) == 10
