"""Signing in by a mailed link, attacked (SEC-1)."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.browser import Answer, Browser
from tests.support.signed_in import in_trial_by_pages, mailed_code, signed_in_by_mail
from tests.support.starting_points import Subscriber
from tests.support.table_contents import all_text
from tests.support.world import World

ADDRESS = "thandi@example.com"


@pytest.fixture
def known(world: World, in_trial: Subscriber) -> World:
    """A world in which Thandi has an account."""
    assert in_trial.email == ADDRESS
    return world


def ask(browser: Browser, email: str = ADDRESS) -> Answer:
    browser.get("/sign-in")
    return browser.post("/sign-in", email=email)


def newest_link(world: World, email: str = ADDRESS) -> str:
    world.settle()
    letters = [letter for letter in world.letters(email) if "/sign-in/link/" in letter.text]
    return next(link for link in letters[-1].links if "/sign-in/link/" in link)


def test_no_secret_is_kept_in_any_table(known: World) -> None:
    browser = known.browser()
    ask(browser)
    token = newest_link(known).rpartition("/")[2]
    browser.get(f"/sign-in/link/{token}")
    code = mailed_code(known, ADDRESS)
    browser.get("/sign-in/confirm")
    browser.post("/sign-in/confirm")
    session = browser.http.cookies["masthead-session"]
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.page.text)[0]
    kept = all_text(known)
    assert known.services.settings.secret_key.get_secret_value() not in kept
    for secret in (
        token,
        token.partition(".")[2],
        code,
        session,
        csrf,
        browser.http.cookies["masthead-browser"],
        known.api_key,
    ):
        assert secret not in kept


def test_a_link_works_once(known: World) -> None:
    browser = known.browser()
    ask(browser)
    link = newest_link(known)
    browser.get(link)
    assert browser.post("/sign-in/confirm").path == "/account"
    browser.get("/account")
    browser.post("/sign-out")
    assert browser.get(link).status == 410
    assert known.rows("SELECT count(*) AS n FROM reader_session")[0]["n"] == 1


@pytest.mark.parametrize(("seconds", "works"), [(600, True), (601, False)])
def test_a_link_lives_ten_minutes(known: World, seconds: int, works: bool) -> None:
    browser = known.browser()
    ask(browser)
    link = newest_link(known)
    known.advance(seconds=seconds)
    assert browser.get(link).status == (200 if works else 410)
    if works:
        assert browser.post("/sign-in/confirm").path == "/account"


def test_a_link_that_ran_out_between_page_and_button_is_refused(known: World) -> None:
    browser = known.browser()
    ask(browser)
    browser.get(newest_link(known))
    known.advance(minutes=11)
    assert browser.post("/sign-in/confirm").status == 410
    assert known.rows("SELECT id FROM reader_session") == []


def test_only_the_newest_link_of_a_browser_works(known: World) -> None:
    """And those of other browsers stay (`test_locked_out_by_strangers`)."""
    browser = known.browser()
    ask(browser)
    older = newest_link(known)
    ask(browser)
    newer = newest_link(known)
    assert older != newer
    assert browser.get(older).status == 410
    assert browser.get(newer).status == 200


def test_the_link_signs_in_only_the_browser_that_asked(known: World) -> None:
    asked, other = known.browser(), known.browser()
    ask(asked)
    page = other.get(newest_link(known))
    assert "Type the code from the mail" in page.words
    assert mailed_code(known, ADDRESS) not in page.text, "the link alone, without the mail, opens nothing"
    assert (
        other.http.post(
            "/sign-in/confirm", data={"csrf": _csrf(other)}, headers={"sec-fetch-site": "same-origin"}
        ).status_code
        == 403
    )
    assert known.rows("SELECT id FROM reader_session") == []
    asked.get("/sign-in/sent")
    assert asked.post("/sign-in/code", code=mailed_code(known, ADDRESS)).path == "/account"


def _csrf(browser: Browser) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)[0])


def test_the_code_is_of_no_use_in_any_other_browser(known: World) -> None:
    asked, thief = known.browser(), known.browser()
    ask(asked)
    code = mailed_code(known, ADDRESS)
    ask(thief, "nobody@example.com")
    thief.get("/sign-in/sent")
    assert thief.post("/sign-in/code", code=code).status == 422
    assert known.rows("SELECT id FROM reader_session") == []


def test_after_five_wrong_codes_the_right_one_and_the_link_are_dead(known: World) -> None:
    asked = known.browser()
    ask(asked)
    link, code = newest_link(known), mailed_code(known, ADDRESS)
    for _ in range(4):
        assert asked.post("/sign-in/code", code="00000000").status == 422
    assert asked.post("/sign-in/code", code="٠٠٠٠٠٠٠٠").status == 422
    asked.get("/sign-in/sent")
    assert asked.post("/sign-in/code", code=code).status == 410
    assert asked.get(link).status == 410


@pytest.mark.parametrize("typed", ["", "²²²²²²²²", "١٢٣٤٥٦٧٨", "1234", "9" * 5_000, "\x00", "DROP", "é"])
def test_what_is_no_code_is_a_wrong_code(known: World, typed: str) -> None:
    browser = known.browser()
    ask(browser)
    assert browser.post("/sign-in/code", code=typed).status == 422


def test_nobody_can_see_whether_an_address_is_known(known: World) -> None:
    def steps(email: str) -> list[tuple[int, str, str, list[str]]]:
        browser, seen = known.browser(), []
        asked = ask(browser, email)
        known.settle()  # wrong codes spend the link, and a spent one isn't mailed
        typed = (browser.again("/sign-in/sent").post("/sign-in/code", code="12345678") for _ in range(6))
        for page in (asked, *typed):
            words = re.sub(r'value="[^"]{20,}"', "", page.text).replace(email, "the typed address")
            seen.append((page.status, page.path, words, sorted(page.response.headers.keys())))
        return seen

    assert steps(ADDRESS) == steps("stranger@example.com")
    assert known.subjects("stranger@example.com") == known.subjects(ADDRESS)[-1:]
    assert len(known.rows("SELECT id FROM reader")) == 1, "nobody is registered by asking"


def test_a_new_address_is_registered_by_using_its_link(known: World) -> None:
    browser = known.browser()
    article = known.articles["registered"][0]
    assert browser.get(f"/v1/access/{article}").response.json()["reason"] == "register"
    assert browser.sign_in("new.reader@example.com").path == "/account"
    assert browser.get(f"/v1/access/{article}").response.json()["reason"] == "registered"
    assert (
        known.rows("SELECT email FROM reader WHERE address_proved_at IS NOT NULL")[-1]["email"]
        == "new.reader@example.com"
    )


def test_five_mails_in_ten_minutes_and_no_more(known: World) -> None:
    statuses = []
    for _ in range(8):
        statuses.append(ask(known.browser()).status)
        known.settle()
    assert statuses == [200] * 5 + [429] * 3
    assert sum("/sign-in/link/" in letter.text for letter in known.letters(ADDRESS)) == 5


@pytest.mark.prove
def test_the_turn_of_the_clock_gives_no_second_helping(known: World) -> None:
    """In every stretch of ten minutes there are five mails at most, wherever it begins."""
    sent = []
    for _ in range(45):
        if ask(known.browser()).status == 200:
            sent.append(known.now)
        known.advance(seconds=40)
    assert len(sent) > 5
    for start in sent:
        assert sum(0 <= (each - start).total_seconds() < 600 for each in sent) <= 5


def test_spelling_an_address_in_capitals_gives_no_second_helping(known: World) -> None:
    for spelling in (ADDRESS, ADDRESS.upper(), ADDRESS.title(), f" {ADDRESS} ", "THANDI@example.com"):
        assert ask(known.browser(), spelling).status == 200
    assert ask(known.browser(), "thandI@EXAMPLE.com").status == 429


def test_the_refusal_of_the_sixth_is_the_same_for_an_unknown_address(known: World) -> None:
    last = []
    for email in (ADDRESS, "stranger@example.com"):
        pages = [ask(known.browser(), email) for _ in range(6)]
        last.append((pages[-1].status, pages[-1].words, pages[-1].response.headers["retry-after"]))
    assert last[0] == last[1]
    assert last[0][0] == 429


def test_the_token_leaves_the_address_bar_and_no_referrer_carries_it(known: World) -> None:
    browser = known.browser()
    ask(browser)
    link = newest_link(known)
    answer = browser.http.get(link, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/confirm")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "private, no-store"
    page = browser.get("/sign-in/confirm")
    assert link.rpartition("/")[2] not in page.text


@pytest.mark.parametrize(
    "token",
    ["x", "x.y", "☃", "%C3%A9", "%0d%0aSet-Cookie:%20a=b", "a" * 7_000, "lnk_1.%22%3B", "%ff"],
)
def test_a_forged_link_is_a_spent_link(known: World, token: str) -> None:
    browser = known.browser()
    answer = browser.http.get(f"/sign-in/link/{token}", follow_redirects=False)
    assert answer.status_code in (303, 404)
    assert "masthead-link=x" not in answer.headers.get("set-cookie", "")
    if answer.status_code == 303:
        assert browser.get("/sign-in/confirm").status == 410


def test_a_token_made_for_one_purpose_opens_no_other_door(known: World) -> None:
    tokens, subscription = known.services.site.tokens, known.rows("SELECT id FROM subscription")[0]["id"]
    browser = known.browser()
    assert browser.get(f"/cancel/{tokens.token('card', subscription)}").status == 404
    assert browser.get(f"/card/{tokens.token('cancel', subscription)}").status == 404
    assert browser.get(f"/cancel/{tokens.token('cancel', 'sub_other')}").status == 404
    assert browser.get(f"/sign-in/link/{tokens.token('cancel', subscription)}").status == 410


def test_signing_in_gives_a_new_session_and_ends_the_one_before(known: World) -> None:
    (browser,) = signed_in_by_mail(known)
    first = browser.http.cookies["masthead-session"]
    browser.http.get("/sign-in", follow_redirects=False)
    ask_again(browser)
    browser.get(newest_link(known))
    browser.post("/sign-in/confirm")
    second = browser.http.cookies["masthead-session"]
    assert first != second
    thief = known.browser()
    thief.http.cookies.set("masthead-session", first)
    assert thief.get("/account").path == "/sign-in"
    assert browser.get("/account").path == "/account"


def ask_again(browser: Browser) -> None:
    """The page sends who is signed in to the account; the form can be sent all the same."""
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/account").text)[0]
    browser.http.post(
        "/sign-in", data={"email": ADDRESS, "csrf": csrf}, headers={"sec-fetch-site": "same-origin"}
    )


def test_a_planted_session_is_worth_nothing_after_signing_in(known: World) -> None:
    """Fixation: the attacker's own cookie in the victim's browser, before the victim signs in."""
    attacker, victim = known.browser(), known.browser()
    attacker.start("attacker@example.org", "5555555555554444")
    planted = attacker.http.cookies["masthead-session"]
    victim.http.cookies.set("masthead-session", planted, domain="127.0.0.1", path="/")
    victim.http.cookies.set("masthead-session", "made-up", domain="127.0.0.1", path="/")
    victim.sign_in(ADDRESS)
    mine = [cookie.value for cookie in victim.http.cookies.jar if cookie.name == "masthead-session"]
    assert mine
    assert planted not in mine
    assert "made-up" not in mine
    assert ADDRESS in victim.get("/account").text


def test_whoever_began_with_somebody_elses_address_is_out_when_she_proves_it(world: World) -> None:
    attacker, victim = in_trial_by_pages(world), world.browser()
    assert ADDRESS in attacker.get("/account").text
    back = world.rows("SELECT id FROM card_setup")[0]["id"]
    victim.sign_in(ADDRESS)
    assert victim.get("/account").path == "/account"
    assert attacker.get("/account").path == "/sign-in"
    attacker.get(f"/subscribe/back?setup={back}")
    assert attacker.get("/account").path == "/sign-in"


def test_the_way_back_from_the_card_page_does_not_sign_in_again_after_signing_out(world: World) -> None:
    browser = in_trial_by_pages(world)
    back = world.rows("SELECT id FROM card_setup")[0]["id"]
    browser.get("/account")
    browser.post("/sign-out")
    browser.get(f"/subscribe/back?setup={back}")
    assert browser.get("/account").path == "/sign-in"


def test_nor_does_it_the_next_day(world: World) -> None:
    browser = in_trial_by_pages(world)
    back = world.rows("SELECT id FROM card_setup")[0]["id"]
    browser.http.cookies.delete("masthead-session")
    world.advance(days=1)
    browser.get(f"/subscribe/back?setup={back}")
    assert browser.get("/account").path == "/sign-in"


def test_a_device_never_seen_before_is_told_of(known: World) -> None:
    home, away = known.browser(), known.browser()
    home.sign_in(ADDRESS)
    away.sign_in(ADDRESS)
    known.settle()
    notices = [
        subject for subject in known.subjects(ADDRESS) if "ign" in subject and "device" in subject.lower()
    ]
    assert len(notices) == 1, known.subjects(ADDRESS)
    home.get("/account")
    home.post("/sign-out")
    home.sign_in(ADDRESS)
    known.settle()
    assert len([s for s in known.subjects(ADDRESS) if "device" in s.lower()]) == 1


def test_two_clicks_at_once_sign_in_once(known: World) -> None:
    browser = known.browser()
    ask(browser)
    browser.get(newest_link(known))
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.page.text)[0]
    cookies = dict(browser.http.cookies)

    def click(_: int) -> str:
        fresh = known.browser()
        fresh.http.follow_redirects = False
        fresh.http.cookies.update(cookies)
        answer = fresh.http.post(
            "/sign-in/confirm",
            data={"csrf": csrf},
            headers={"sec-fetch-site": "same-origin"},
        )
        return str(answer.headers.get("location", answer.status_code))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(click, range(8))) == sorted(["/account"] + ["410"] * 7)
    assert known.rows("SELECT count(*) AS n FROM reader_session")[0]["n"] == 1
