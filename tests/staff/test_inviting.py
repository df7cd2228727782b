"""Complimentary days for an address without an account: the account, the days, the mail, the limits, and two at once."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from tests.support.browser import Answer, Browser
from tests.support.finding import search
from tests.support.staff_members import SignIn
from tests.support.world import World

GUEST = "lerato@example.com"
PAGE = "/staff/complimentary"


def preview(member: Browser, email: str = GUEST, days: str = "7", **more: str) -> Answer:
    member.get(PAGE)
    return member.post(PAGE, email=email, days=days, step="preview", **more)


def version(page: Answer) -> str:
    return str(page.text).partition('name="version" value="')[2].partition('"')[0]


def give(
    member: Browser, page: Answer, email: str = GUEST, days: str = "7", reason: str = "a judge"
) -> Answer:
    return member.post(PAGE, email=email, days=days, reason=reason, version=version(page), step="confirm")


def test_a_search_that_finds_nobody_leads_to_an_invitation(world: World, staff: SignIn) -> None:
    support = staff("support")
    found = search(support, GUEST)
    link = f"{PAGE}?{urlencode({'email': GUEST})}"
    assert f'href="{link}"' in found.text
    shown = support.get(link)
    assert "Nothing is done yet." in shown.words
    assert f"{GUEST} gets an account" in shown.words
    assert world.rows("SELECT 1 FROM reader WHERE email = :it", it=GUEST) == []

    page = give(support, shown)
    assert page.path.startswith("/staff/readers/rdr_"), page.words
    assert "address never proved by a mailed link" in page.words
    lines = world.rows("SELECT reader_id, reason, days FROM audit_line WHERE act = 'complimentary'")
    assert [(line["reason"], line["days"]) for line in lines] == [("a judge", 7)]
    world.settle()
    assert world.mail_kinds(GUEST) == ["complimentary_invited"]
    letter = world.letter(GUEST, "An invitation")
    words = " ".join(letter.text.split())
    assert "have opened everything to you through" in words
    assert "/sign-in" in words
    assert f"sign in with this address, {GUEST}." in words

    guest = world.browser()
    guest.sign_in(GUEST)
    access = world.access(world.articles["subscriber"][0], lines[0]["reader_id"])
    assert access["reason"] == "complimentary"
    assert "with our compliments" in guest.get("/account").words.lower()


def test_an_address_with_an_account_leads_to_its_reader(world: World, staff: SignIn) -> None:
    reader_id = world.start_trial(GUEST)["reader"]["id"]
    support = staff("support")
    page = preview(support, GUEST.upper())
    assert page.path == f"/staff/readers/{reader_id}/complimentary"
    assert "This address has an account." in page.text
    assert "goes on. Extend that instead" in page.words


def test_what_was_not_shown_is_not_done(world: World, staff: SignIn) -> None:
    support = staff("support")
    page = preview(support)
    again = give(support, page, days="8")
    assert (again.status, "a judge" in again.text) == (409, True), "what was typed stays"
    assert give(support, page, reason=" ").status == 422
    assert preview(support, days="seven").status == 422
    assert preview(support, email="lerato@").status == 422
    assert world.rows("SELECT 1 FROM reader WHERE email = :it", it=GUEST) == []


def test_the_limits_of_the_role_hold(world: World, staff: SignIn) -> None:
    support = staff("support")
    assert preview(support, days="32").status == 403
    assert "31 days for this reader this month" in preview(support, days="31").words
    assert staff("finance").get(PAGE).status == 403
    assert preview(staff("admin"), days="366").status == 200
    refused = world.rows("SELECT reason FROM audit_line WHERE act = 'complimentary' AND outcome = 'refused'")
    assert len(refused) == 2


def test_two_members_at_once_make_one_account_and_give_once(world: World, staff: SignIn) -> None:
    one, other = staff("support"), staff("admin")
    pages = [preview(one), preview(other)]
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(give, (one, other), pages))
    assert all(page.path.startswith("/staff/readers/rdr_") for page in ended)
    world.settle()
    assert len(world.rows("SELECT 1 FROM reader WHERE email = :it", it=GUEST)) == 1
    assert len(world.rows("SELECT 1 FROM complimentary_grant")) == 1
    assert world.mail_kinds(GUEST) == ["complimentary_invited"]
