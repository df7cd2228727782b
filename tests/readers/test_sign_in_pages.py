"""The pages around a mailed link: a mistyped address, another mail, the code where the mail was opened, and why one is signed out."""

import pytest

from tests.support.browser import Answer, Browser
from tests.support.signed_in import in_trial_by_pages, mailed_code
from tests.support.world import World

ADDRESS = "thandi@example.com"
MEANT, TYPED = "lerato@gmail.com", "lerato@gmail.con"


def ask(browser: Browser, email: str = ADDRESS) -> Answer:
    browser.get("/sign-in")
    return browser.post("/sign-in", email=email)


def newest_link(world: World, email: str = ADDRESS) -> str:
    world.settle()
    return world.mailed_link(email, "/sign-in/link/")


@pytest.mark.parametrize("form", ["/sign-in", "/subscribe"])
def test_a_mistyped_domain_is_asked_about_before_anything_is_mailed(world: World, form: str) -> None:
    browser = world.browser()
    browser.get(form)
    page = browser.post(form, email=TYPED)
    assert (page.status, page.path) == (422, form)
    assert f"Did you mean {MEANT}?" in page.words
    world.settle()
    assert world.letters() == []
    assert TYPED not in str(page.response.url)
    page = browser.post(form)  # its first form: yes
    assert MEANT in page.words
    assert page.path == ("/sign-in/sent" if form == "/sign-in" else "/subscribe/review")


def test_who_is_sure_is_written_to_at_the_address_as_typed(world: World) -> None:
    browser = world.browser()
    ask(browser, TYPED)
    page = browser.post("/sign-in", email=TYPED)
    assert f"We have written to {TYPED}" in page.words
    assert page.path == "/sign-in/sent"
    world.settle()
    assert len(world.letters(TYPED)) == len(world.letters()) == 1
    assert f"Did you mean {MEANT}?" in page.words, "and is asked once more there"
    page = browser.post("/sign-in")  # the button that takes the hint
    assert f"We have written to {MEANT}" in page.words
    assert newest_link(world, MEANT)


def test_the_sent_page_names_the_address_and_leads_back_to_the_form_with_it(world: World) -> None:
    browser = world.browser()
    page = ask(browser)
    assert f"We have written to {ADDRESS}" in page.words
    assert "Not right? Change it" in page.words
    assert f'value="{ADDRESS}"' in browser.get("/sign-in").text
    elsewhere = world.browser()
    assert ADDRESS not in elsewhere.get("/sign-in/sent").text
    assert ADDRESS not in elsewhere.get("/sign-in").text
    world.advance(minutes=11)
    assert ADDRESS not in browser.get("/sign-in/sent").text


def test_another_mail_a_minute_later_and_not_before(world: World) -> None:
    browser = world.browser()
    ask(browser)
    assert 'data-countdown="60"' in browser.page.text
    older = newest_link(world)
    world.advance(seconds=17)
    page = browser.post("/sign-in/again")
    assert (page.status, page.response.headers["retry-after"]) == (429, "43")
    assert "you can ask for another mail in 43 seconds" in page.words
    world.settle()
    assert len(world.letters(ADDRESS)) == 1
    world.advance(seconds=43)
    page = browser.get("/sign-in/sent")
    assert "countdown.js" not in page.text
    assert browser.post("/sign-in/again").path == "/sign-in/sent"
    newer = newest_link(world)
    assert newer != older
    browser.get(newer)
    assert browser.post("/sign-in/confirm").path == "/account"


def test_another_mail_is_sent_only_where_one_was_asked_for(world: World) -> None:
    stranger = world.browser()
    stranger.get("/sign-in")
    token = stranger.page.text.partition('name="csrf" value="')[2].partition('"')[0]
    headers = {"sec-fetch-site": "same-origin"}
    stranger.http.cookies.set("masthead-asked", "W10=.forged", domain="127.0.0.1", path="/")
    answer = stranger.http.post("/sign-in/again", data={"csrf": token}, headers=headers)
    assert answer.url.path == "/sign-in"
    world.settle()
    assert world.letters() == []


def test_one_press_where_the_mail_was_opened_in_the_same_browser(world: World) -> None:
    browser = world.browser()
    ask(browser)
    page = browser.get(newest_link(world))
    assert "code" not in page.words
    assert browser.post("/sign-in/confirm").path == "/account"


def test_the_code_signs_in_where_the_mail_was_opened_and_then_not_where_it_was_asked_for(
    world: World,
) -> None:
    laptop, phone = world.browser(), world.browser()
    ask(laptop)
    page = phone.get(newest_link(world))
    assert f"Or sign in here instead, as {ADDRESS}" in page.words
    code = mailed_code(world, ADDRESS)
    assert phone.post("/sign-in/here", code=f"{code[:4]} {code[4:]}").path == "/account"
    laptop.get("/sign-in/sent")
    assert laptop.post("/sign-in/code", code=code).status == 410
    assert laptop.get("/account").path == "/sign-in"
    assert phone.get("/account").path == "/account"


def test_a_wrong_code_there_says_how_many_tries_are_left_and_the_fifth_that_there_are_none(
    world: World,
) -> None:
    laptop, phone = world.browser(), world.browser()
    ask(laptop)
    phone.get(newest_link(world))
    for left in ("4 more tries", "3 more tries", "2 more tries", "1 more try"):
        page = phone.post("/sign-in/here", code="00000000")
        assert (page.status, left in page.words) == (422, True), page.words
    page = phone.post("/sign-in/here", code="00000000")
    assert (page.status, "Too many wrong codes" in page.words) == (422, True), page.words
    laptop.get("/sign-in/sent")
    page = laptop.post("/sign-in/code", code=mailed_code(world, ADDRESS))
    assert (page.status, "Too many wrong codes" in page.words) == (410, True), page.words


def test_too_many_codes_in_the_first_browser_say_so_too(world: World) -> None:
    browser = world.browser()
    ask(browser)
    for left in ("4 more tries", "3 more tries", "2 more tries", "1 more try"):
        assert left in browser.post("/sign-in/code", code="00000000").words
    page = browser.post("/sign-in/code", code="00000000")
    assert "Too many wrong codes" in page.words
    browser.get("/sign-in")
    assert browser.post("/sign-in", email=ADDRESS).path == "/sign-in/sent", (
        "another link may be asked for at once"
    )


def test_too_many_codes_from_a_network_say_when_to_go_on_and_what_works_meanwhile(world: World) -> None:
    for n in range(8):
        browser = world.browser()
        ask(browser, f"reader{n}@example.com")
        for _ in range(4):
            browser.get("/sign-in/sent")
            page = browser.post("/sign-in/code", code="00000000")
    assert page.status == 429
    assert "Too many codes" in page.words
    assert "in eleven minutes" in page.words
    browser.get(newest_link(world, "reader7@example.com"))
    assert browser.post("/sign-in/confirm").path == "/account"


def test_the_code_of_another_link_opens_nothing_there(world: World) -> None:
    """A stranger's link with the code of the reader's own mail."""
    stranger, phone = world.browser(), world.browser()
    ask(stranger, "stranger@example.org")
    planted = newest_link(world, "stranger@example.org")
    ask(phone)
    code = mailed_code(world, ADDRESS)
    page = phone.get(planted)
    assert "as stranger@example.org" in page.words
    assert phone.post("/sign-in/here", code=code).status == 422
    assert world.rows("SELECT id FROM reader_session") == []


def test_the_phone_that_began_a_trial_says_why_it_is_signed_out(world: World) -> None:
    phone, laptop = in_trial_by_pages(world), world.browser()
    assert phone.get("/account").path == "/account"
    laptop.sign_in(ADDRESS)
    page = phone.get("/account")
    assert page.path == "/sign-in"
    assert "You confirmed your address on another device, so you were signed out here" in page.text
    assert "You confirmed your address" not in phone.get("/sign-in").text, "once"
    phone.sign_in(ADDRESS)
    assert phone.get("/account").path == "/account"
    assert laptop.get("/account").path == "/account"
    reasons = world.rows("SELECT ended_reason FROM reader_session WHERE ended_at IS NOT NULL")
    assert reasons == [{"ended_reason": "proved"}]


def test_who_signs_out_elsewhere_is_given_no_such_reason(world: World) -> None:
    browser = in_trial_by_pages(world)
    browser.get("/account")
    browser.post("/sign-out-everywhere")
    assert "You confirmed your address" not in browser.get("/account").text
