"""A member's session was stolen or left open: the member and the admins see it and end it at once (SEC-3, 7.5.2, 7.4.5)."""

import re

from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.staff_members import SignIn, add, sign_in, sign_in_by_mail
from tests.support.world import World

SUPPORT = "support@paper.example"
MINE, ALL = "/staff/sessions", "/staff/members/sessions"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"


def second_browser(world: World) -> Browser:
    """The same member, five minutes later, on a phone."""
    world.advance(minutes=5)
    browser = sign_in(world, SUPPORT)
    world.execute(
        "UPDATE staff_session SET device = :device, ip = '196.25.1.9' WHERE ended_at IS NULL AND started_at ="
        " (SELECT max(started_at) FROM staff_session)",
        device=PHONE,
    )
    return browser


def buttons(page: Answer, room: str = MINE) -> list[str]:
    """What can be ended, one address each."""
    return re.findall(rf'action="({room}/sts_\w+/end)"', page.text)


def is_in(browser: Browser) -> bool:
    return browser.get("/staff").path == "/staff"


def send(browser: Browser, action: str) -> Answer:
    """A form that the page may not have."""
    token = browser.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]
    return Answer(browser.http.post(action, data={"csrf": token}, headers={"sec-fetch-site": "same-origin"}))


def test_a_member_sees_where_they_are_signed_in_and_ends_the_other(world: World, staff: SignIn) -> None:
    laptop = staff("support")
    phone = second_browser(world)
    page = laptop.get(MINE)
    for said in ("Test/1", "this browser", "Chrome on Android", "196.25.1.9", "last seen", "10:05"):
        assert said in page.words
    other, *more = buttons(page)
    assert not more, "this browser's own way out is at the top"
    assert laptop.post(other).path == MINE
    assert not is_in(phone)
    assert is_in(laptop)
    (line,) = world.rows(f"SELECT {BY}, after FROM audit_line WHERE act = 'staff_sign_out'")
    assert line["by"] == f"staff:{SUPPORT}"
    assert line["after"]["ended"] == 1


def test_signing_out_everywhere_ends_every_one_and_what_waits_for_its_code(
    world: World, staff: SignIn
) -> None:
    laptop = staff("support")
    phone = second_browser(world)
    laptop.get(MINE)
    assert laptop.post(f"{MINE}/end-all").path == "/staff/sign-in"
    assert not is_in(laptop)
    assert not is_in(phone)
    assert world.rows("SELECT id FROM staff_session WHERE ended_at IS NULL") == []


def test_anothers_session_is_as_unknown_as_one_that_never_was(world: World, staff: SignIn) -> None:
    laptop, admin = staff("support"), staff("admin")
    (theirs,) = world.rows(
        "SELECT s.id FROM staff_session s JOIN staff_member m ON m.id = s.staff_id"
        " WHERE m.role = 'admin' AND s.ended_at IS NULL"
    )
    answers = [
        send(laptop, f"{MINE}/{name}/end") for name in (theirs["id"], "sts_00000000000000000000000000")
    ]
    assert {(answer.status, answer.words) for answer in answers} == {(200, answers[0].words)}
    assert is_in(admin)
    for path in (ALL, f"{ALL}/{theirs['id']}/end"):
        assert (laptop.get(path) if path == ALL else send(laptop, path)).status == 403
    assert is_in(admin)


def test_an_admin_sees_all_and_ends_any(world: World, staff: SignIn) -> None:
    laptop, finance, admin = staff("support"), staff("finance"), staff("admin")
    page = admin.get(ALL)
    for who in ("support", "finance", "admin"):
        assert f"{who}@paper.example" in page.words
    assert len(buttons(page, ALL)) == 2
    (row,) = world.rows(
        "SELECT s.id FROM staff_session s JOIN staff_member m ON m.id = s.staff_id"
        " WHERE m.role = 'support' AND s.ended_at IS NULL"
    )
    admin.post(f"{ALL}/{row['id']}/end")
    assert not is_in(laptop)
    assert is_in(finance)
    assert "support@paper.example" not in admin.get(ALL).words


def test_what_is_over_is_not_listed(world: World, staff: SignIn) -> None:
    staff("support")
    world.advance(minutes=31)
    laptop = sign_in_by_mail(world, SUPPORT)
    assert buttons(laptop.get(MINE)) == []
    assert laptop.page.words.count("last seen") == 1


def test_another_role_and_being_sent_away_end_them_at_once(world: World, staff: SignIn) -> None:
    laptop, admin = staff("support"), staff("admin")
    admin.get("/staff/members")
    admin.post("/staff/members", email=SUPPORT, role="editor")
    assert not is_in(laptop)
    world.advance(minutes=1)
    laptop = sign_in(world, SUPPORT)
    (row,) = world.rows("SELECT id FROM staff_member WHERE email = :email", email=SUPPORT)
    admin.get("/staff/members")
    admin.post(f"/staff/members/{row['id']}/disable")
    assert not is_in(laptop)
    add(world, "support")
    assert not is_in(laptop), "nor does it live again when they come back"
