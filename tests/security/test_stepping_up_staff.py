"""A member's open browser or stolen session: important acts require the authenticator first (SEC-2)."""

from datetime import timedelta

import pytest

from tests.support.browser import Browser
from tests.support.staff_members import SignIn, add, code_of, sign_in
from tests.support.starting_points import Subscriber
from tests.support.world import World

ADMIN = "admin@paper.example"
CONFIRM = "/staff/confirm"


@pytest.fixture
def stale(world: World, staff: SignIn) -> Browser:
    """An admin's browser, eleven minutes after the code was typed."""
    browser = staff("admin")
    world.advance(minutes=11)
    return browser


def prove(world: World, browser: Browser, code: str = "") -> Browser:
    """Type the code that the authenticator shows."""
    browser.post(CONFIRM, proof_code=code or code_of(world, ADMIN))
    return browser


def members(world: World) -> list[object]:
    """Who works here, as what."""
    return [
        tuple(row.values())
        for row in world.rows("SELECT email, role, disabled_at FROM staff_member ORDER BY 1")
    ]


def test_a_member_is_added_after_a_fresh_code_with_what_was_typed_before_it(
    world: World, stale: Browser
) -> None:
    before = members(world)
    stale.get("/staff/members")
    page = stale.post("/staff/members", email="new@paper.example", role="finance")
    assert page.status == 403
    assert "nothing of what you typed is lost" in page.words
    assert members(world) == before
    page = prove(world, stale).page
    assert (page.status, page.path) == (200, "/staff/members")
    assert ("new@paper.example", "finance", None) in members(world)


def test_a_wrong_code_does_nothing_loses_nothing_and_five_sign_out(world: World, stale: Browser) -> None:
    before = members(world)
    elsewhere = sign_in(world, ADMIN)
    stale.get("/staff/members")
    stale.post("/staff/members", email="new@paper.example", role="finance")
    for _ in range(4):
        assert prove(world, stale, "000000").page.status == 422
        assert 'value="new@paper.example"' in stale.page.text
    page = prove(world, stale, "000000").page
    assert page.path == "/staff/sign-in"
    assert "this browser is signed out and nothing was done" in page.text
    assert stale.get("/staff").path == "/staff/sign-in"
    assert elsewhere.get("/staff").path == "/staff", "the member's other sessions go on"
    assert members(world) == before
    lines = world.rows("SELECT outcome FROM audit_line WHERE act = 'prove'")
    assert [line["outcome"] for line in lines] == ["refused"] * 5


def test_the_mails_about_five_wrong_codes_say_that_it_was_in_a_browser_that_is_signed_in(
    world: World, stale: Browser
) -> None:
    boss = add(world, "admin", "boss@paper.example").email
    stale.get(CONFIRM)
    for _ in range(5):
        prove(world, stale, "000000")
    world.settle()
    mails = {to: world.letter(to, "Five wrong codes") for to in (ADMIN, boss)}
    for to, mail in mails.items():
        for text in (mail.text, mail.html):
            said = " ".join(text.split())
            assert "browser that was signed in" in said
            assert "We have signed that browser out" in said
            assert ("/staff/sessions" if to == ADMIN else "/staff/members") in said
            for untrue in ("sign-in link", "mailbox", "there is nothing to do"):
                assert untrue not in said


def test_codes_that_were_locked_at_a_sign_in_end_no_session(world: World, stale: Browser) -> None:
    world.execute("UPDATE staff_member SET locked_until = :until", until=world.now + timedelta(minutes=15))
    world.execute("UPDATE staff_browser SET locked_until = :until", until=world.now + timedelta(minutes=15))
    stale.get(CONFIRM)
    page = prove(world, stale).page
    assert page.status == 422
    assert "You stay signed in" in page.words
    assert stale.get("/staff").path == "/staff"


def test_the_session_gets_a_new_secret_and_lives_no_longer(world: World, stale: Browser) -> None:
    (before,) = world.rows("SELECT id, token_hash, started_at FROM staff_session WHERE complete")
    stolen = world.browser().with_cookies(stale.cookies)
    stale.get("/staff/audit.csv")
    prove(world, stale)
    (after,) = world.rows("SELECT id, token_hash, started_at FROM staff_session WHERE complete")
    assert after["token_hash"] != before["token_hash"]
    assert (after["id"], after["started_at"]) == (before["id"], before["started_at"])
    assert stolen.get("/staff").path == "/staff/sign-in", "whoever copied the cookie is out"
    assert stale.get("/staff").path == "/staff"


@pytest.mark.parametrize(
    ("file", "page"),
    [("/staff/audit.csv?who=x", "/staff/audit"), ("/staff/books/journal.csv?month=2027-02", "/staff/books")],
)
def test_a_file_is_given_out_after_a_fresh_code_and_the_way_leads_back_to_its_page(
    world: World, stale: Browser, file: str, page: str
) -> None:
    answer = stale.get(file)
    assert answer.path == CONFIRM
    assert "text/csv" not in answer.response.headers["content-type"]
    assert world.rows("SELECT * FROM audit_line WHERE act LIKE 'export%'") == []
    back = prove(world, stale).page
    assert back.response.url.raw_path.decode() == f"{page}?{file.partition('?')[2]}"
    assert "text/csv" in stale.get(file).response.headers["content-type"]


def test_money_above_what_support_gives_needs_it_and_small_sums_do_not(
    world: World, yearly: Subscriber, staff: SignIn
) -> None:
    browser = staff("admin")
    world.advance(minutes=11)
    (payment,) = world.rows("SELECT id FROM payment")
    path = f"/staff/readers/{yearly.reader_id}/refund"
    browser.get(f"{path}?payment={payment['id']}")
    browser.post(path, amount="400.00", step="preview")
    page = browser.post(path, amount="400.00", reason="The printer broke.\nTwice.", step="confirm")
    assert page.status == 403
    assert world.rows("SELECT * FROM refund") == []
    page = prove(world, browser).page
    assert page.path == f"/staff/readers/{yearly.reader_id}", page.words
    (made,) = world.rows("SELECT amount, reason FROM refund")
    assert made == {"amount": 40000, "reason": "The printer broke. Twice."}

    world.advance(minutes=11)
    browser.get(f"{path}?payment={payment['id']}")
    browser.post(path, amount="75.00", step="preview")
    assert browser.post(path, amount="75.00", reason="Kind.", step="confirm").status == 200
    assert len(world.rows("SELECT * FROM refund")) == 2


@pytest.mark.parametrize("act", ["reset", "disable"])
def test_members_are_changed_after_a_fresh_code(world: World, stale: Browser, act: str) -> None:
    (row,) = world.rows("SELECT id FROM staff_member")
    stale.get("/staff/members")
    stale.post("/staff/members", email="kim@paper.example", role="support")
    prove(world, stale)
    (row,) = world.rows("SELECT id FROM staff_member WHERE email = 'kim@paper.example'")
    world.advance(minutes=11)
    stale.get("/staff/members")
    assert stale.post(f"/staff/members/{row['id']}/{act}").status == 403
    assert world.rows("SELECT * FROM audit_line WHERE act = 'staff_add'")
    prove(world, stale)
    assert stale.page.path == "/staff/members"
    assert len(world.rows("SELECT * FROM audit_line WHERE subject = :id", id=row["id"])) == 2


def test_an_api_key_is_made_rotated_and_limited_after_a_fresh_code_and_revoked_without(
    world: World, stale: Browser
) -> None:
    form = {"name": "app", "scope": "money", "expires": "30"}
    ceilings = {"rand": "50", "days": "1", "starts": "2", "readers": "9"}
    stale.get("/staff/keys")
    assert stale.post("/staff/keys", **form, **ceilings).status == 403
    assert world.rows("SELECT * FROM api_key WHERE name = 'app'") == []
    assert "mk_" in prove(world, stale).page.words
    (key,) = world.rows("SELECT id, key_hash FROM api_key WHERE name = 'app'")
    where = f"/staff/keys/{key['id']}"

    world.advance(minutes=11)
    stale.get("/staff/keys")
    assert stale.post(f"{where}/rotate", hours="24").status == 403
    stale.get("/staff/keys")
    assert stale.post(f"{where}/limit", **ceilings | {"rand": "90000"}).status == 403
    assert world.rows("SELECT id, key_hash FROM api_key WHERE name = 'app' AND cents_a_day = 5000") == [key]
    stale.get("/staff/keys")
    assert stale.post(f"{where}/revoke").status == 200
    (revoked,) = world.rows("SELECT revoked_at FROM api_key WHERE name = 'app'")
    assert revoked["revoked_at"] == world.now


def test_the_way_on_is_a_page_of_staff(world: World, stale: Browser) -> None:
    for n, way in enumerate(
        ["https://evil.example", "//evil.example/staff", "/staff//evil.example", "/account"]
    ):
        stale.get(
            CONFIRM,
        )
        world.advance(minutes=1)
        page = stale.post(CONFIRM, proof_code=code_of(world, ADMIN), proof_way=way)
        assert page.path == "/staff", (n, way)


def test_a_code_proves_once(world: World, stale: Browser) -> None:
    code = code_of(world, ADMIN)
    stale.get(CONFIRM)
    assert prove(world, stale, code).page.path == "/staff"
    stale.get(CONFIRM)
    assert prove(world, stale, code).page.status == 422


def test_another_site_cannot_send_the_form(world: World, stale: Browser) -> None:
    stale.get(CONFIRM)
    form = stale.filled(CONFIRM, proof_code=code_of(world, ADMIN))
    form.headers["sec-fetch-site"] = "cross-site"
    assert stale.http.send(form).status_code == 403
    assert world.rows("SELECT * FROM audit_line WHERE act = 'prove'") == []
