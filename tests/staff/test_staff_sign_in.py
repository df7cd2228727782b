"""Staff sign-in: a mailed link, then a single-use code; and how a session ends."""

from datetime import timedelta

import pyotp
import pytest

from billing.platform.actors import WORKER, Command
from billing.staff import codes, members
from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages
from tests.support.staff_members import SignIn, add, code_of, follow_link, sign_in, sign_in_by_mail
from tests.support.starting_points import Subscriber
from tests.support.world import World

SUPPORT = "support@paper.example"
CODE = "/staff/sign-in/authenticator"


def is_in(browser: Browser) -> bool:
    return browser.get("/staff").path == "/staff"


def test_the_first_sign_in_sets_up_the_authenticator(world: World) -> None:
    add(world, "support")
    browser = world.browser()
    follow_link(world, browser, SUPPORT)
    assert "Set up your authenticator" in browser.page.words
    assert "<svg" in browser.page.text
    key = browser.page.text.partition('enrol-key">')[2].partition("<")[0].replace(" ", "")
    assert pyotp.TOTP(key).at(world.now) == code_of(world, SUPPORT)
    page = browser.post(CODE, code=pyotp.TOTP(key).at(world.now))
    assert "Find a reader" in page.words
    assert world.rows("SELECT code_nonce FROM staff_member")[0]["code_nonce"] not in key

    world.advance(minutes=5)
    follow_link(world, again := world.browser(), SUPPORT)
    assert "Set up" not in again.page.words
    assert key[:4] not in again.page.text


def test_the_short_way_that_other_tests_take_ends_where_the_mail_leads(world: World) -> None:
    """So those tests also hold for members who signed in by themselves."""
    ends = []
    for way in (sign_in_by_mail, sign_in):
        email = add(world, "support", f"{way.__name__}@paper.example").email
        browser = way(world, email)
        assert is_in(browser)
        (cookie,) = [each for each in browser.http.cookies.jar if each.name == "masthead-staff"]
        assert (cookie.domain, cookie.path) == ("127.0.0.1", "/")
        rows = world.rows(
            "SELECT s.started_at, s.seen_at, s.ended_at, s.complete, s.ip, s.device, m.enrolled_at, m.last_step"
            " FROM staff_session s JOIN staff_member m ON m.id = s.staff_id WHERE m.email = :email ORDER BY s.id",
            email=email,
        )
        lines = world.rows(
            "SELECT act, outcome, reason, after, ip FROM audit_line WHERE actor_id = :by ORDER BY id",
            by=email,
        )
        ends.append((sorted(map(str, rows)), lines))
    assert ends[0] == ends[1]


def test_an_address_that_is_not_staff_gets_the_same_page_and_no_mail(
    world: World, in_trial: Subscriber
) -> None:
    add(world, "support")
    asked = []
    for email in (SUPPORT, in_trial.email, "nobody@example.com"):
        browser = world.browser()
        browser.get("/staff/sign-in")
        asked.append((browser.post("/staff/sign-in", email=email).path, browser.page.words))
    assert len(set(asked)) == 1
    world.settle()
    links = [link for letter in world.letters() for link in letter.links if "/staff/" in link]
    assert len(links) >= 1
    assert {letter.recipient for letter in world.letters() if "/staff/" in letter.text} == {SUPPORT}


def test_a_link_works_once_for_ten_minutes_and_the_code_of_the_mail_on_another_device(world: World) -> None:
    add(world, "support")
    browser = world.browser()
    follow_link(world, browser, SUPPORT)
    link = world.mailed_link(SUPPORT, "/staff/sign-in/link/")
    assert browser.get(link).status == 410, "it has been used"

    browser.get("/staff/sign-in")
    browser.post("/staff/sign-in", email=SUPPORT)
    world.settle()
    phone = world.browser()
    shown = phone.get(world.mailed_link(SUPPORT, "/staff/sign-in/link/"))
    assert "Type this code where you began" in shown.words
    code = "".join(
        letter for letter in shown.text.partition("big-code")[2].partition("<")[0] if letter.isdigit()
    )[:8]
    assert browser.post("/staff/sign-in/code", code="00000000").status == 422
    assert browser.post("/staff/sign-in/code", code=code).path == CODE

    browser.get("/staff/sign-in")
    browser.post("/staff/sign-in", email=SUPPORT)
    world.settle()
    world.advance(minutes=11)
    assert browser.get(world.mailed_link(SUPPORT, "/staff/sign-in/link/")).status == 410


def test_a_code_works_once(world: World) -> None:
    add(world, "support")
    sign_in_by_mail(world, SUPPORT)
    used = code_of(world, SUPPORT)
    browser = world.browser()
    follow_link(world, browser, SUPPORT)
    assert browser.post(CODE, code=used).status == 422
    assert "has been used" in browser.page.words
    assert browser.post(CODE, code=code_of(world, SUPPORT, steps=-1)).status == 422, (
        "an older one is over too"
    )
    assert browser.post(CODE, code=code_of(world, SUPPORT, steps=1)).path == "/staff", (
        "the phone is a little ahead"
    )
    other = world.browser()
    follow_link(world, other, SUPPORT)
    assert other.post(CODE, code=code_of(world, SUPPORT, steps=2)).status == 422, "a minute ahead is too far"


def test_five_wrong_codes_lock_for_a_quarter_of_an_hour(world: World) -> None:
    add(world, "support")
    browser = world.browser()
    follow_link(world, browser, SUPPORT)
    for _ in range(4):
        assert browser.post(CODE, code="000000").status == 422
    assert "not taken until 10:15 on Monday 1 March 2027" in browser.post(CODE, code="000000").words
    assert "not taken until 10:15" in browser.post(CODE, code=code_of(world, SUPPORT)).words
    world.advance(minutes=14)
    follow_link(world, browser, SUPPORT)
    assert browser.post(CODE, code=code_of(world, SUPPORT)).status == 422
    world.advance(minutes=2)
    assert browser.post(CODE, code=code_of(world, SUPPORT)).path == "/staff"
    lines = world.rows("SELECT outcome, reason FROM audit_line WHERE act = 'sign_in' ORDER BY id")
    assert [line["outcome"] for line in lines] == ["refused"] * 7 + ["done"]


def test_thirty_idle_minutes_end_it_and_twelve_hours_in_any_case(world: World, staff: SignIn) -> None:
    browser = staff("support")
    world.advance(minutes=29)
    assert is_in(browser)
    world.advance(minutes=30)
    assert is_in(browser)
    world.advance(minutes=31)
    assert not is_in(browser)

    busy = sign_in_by_mail(world, SUPPORT)
    began = world.now
    while world.now < began + timedelta(hours=12) - timedelta(minutes=25):
        world.skip_to(world.now + timedelta(minutes=25))
        assert is_in(busy), world.now
    world.advance_to(began + timedelta(hours=12, seconds=1))
    assert not is_in(busy)


def test_who_is_disabled_is_out_at_once_and_cannot_come_back(world: World, staff: SignIn) -> None:
    browser = staff("support")
    with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
        members.disable(ctx, members.by_address(ctx.session, SUPPORT))
    assert not is_in(browser)
    before = len(world.letters(SUPPORT))
    browser.get("/staff/sign-in")
    browser.post("/staff/sign-in", email=SUPPORT)
    world.settle()
    assert len(world.letters(SUPPORT)) == before

    add(world, "support")
    world.advance(minutes=1)
    assert is_in(sign_in_by_mail(world, SUPPORT))


def test_a_lost_phone_is_replaced_and_the_old_secret_is_worth_nothing(world: World, staff: SignIn) -> None:
    browser = staff("support")
    old = code_of(world, SUPPORT, steps=1)
    with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
        members.reset_codes(ctx, members.by_address(ctx.session, SUPPORT))
    assert not is_in(browser)
    follow_link(world, browser, SUPPORT)
    assert "Set up your authenticator" in browser.page.words
    assert browser.post(CODE, code=old).status == 422
    assert browser.post(CODE, code=code_of(world, SUPPORT)).path == "/staff"


def test_staff_and_readers_are_kept_apart(world: World) -> None:
    reader = in_trial_by_pages(world)
    assert reader.get("/account").status == 200
    assert reader.get("/staff").path == "/staff/sign-in", "a reader's session opens nothing here"

    support = sign_in_by_mail(world, add(world, "support").email)
    assert support.get("/account").path == "/sign-in", "nor does a staff session open an account"
    cookie = next(each for each in support.http.cookies.jar if each.name == "masthead-staff")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    secret = cookie.value
    reader.http.cookies.set("masthead-session", str(secret))
    assert reader.get("/account").path == "/sign-in"


def test_half_a_sign_in_opens_nothing(world: World) -> None:
    add(world, "admin", "boss@paper.example")
    browser = world.browser()
    follow_link(world, browser, "boss@paper.example")
    for path in ("/staff", "/staff/members", "/staff/audit", "/staff/requests"):
        assert browser.get(path).path == "/staff/sign-in"
    world.advance(minutes=11)
    assert browser.get(CODE).path == "/staff/sign-in", "and after ten minutes it must begin anew"


def test_signing_in_leads_back_to_the_page_that_was_asked_for(world: World) -> None:
    add(world, "admin", "boss@paper.example")
    browser = world.browser()
    assert browser.get("/staff/audit").path == "/staff/sign-in"
    follow_link(world, browser, "boss@paper.example")
    assert browser.post(CODE, code=code_of(world, "boss@paper.example")).path == "/staff/audit"
    browser.get("/staff")
    browser.post("/staff/sign-out")
    assert browser.get("/staff").path == "/staff/sign-in"


def test_there_is_no_default_account_and_no_way_round_the_mail(world: World) -> None:
    assert world.rows("SELECT * FROM staff_member") == []
    token = world.services.site.tokens.token("staff-demo", "demo")
    assert world.browser().get(f"/staff/demo/{token}").status == 404


@pytest.mark.parametrize("typed", ["", "12", "abcdef", "٣٤٥٦٧٨", "000000 OR 1"])
def test_nonsense_is_a_wrong_code(world: World, typed: str) -> None:
    member = add(world, "support")
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        found = codes.check(ctx, member.id, typed, ())
    assert (found.is_right, found.locked_until) == (False, None)
