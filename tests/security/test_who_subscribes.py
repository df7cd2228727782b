"""A stranger types addresses at `/subscribe` to learn who subscribes or disputes charges (6.3.8)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.browser import Answer, Browser
from tests.support.signed_in import mailed_code
from tests.support.starting_points import Subscriber
from tests.support.world import World

UNKNOWN, REGISTERED, USED, SUBSCRIBED = (
    f"{name}@example.com" for name in ("unknown", "registered", "used.up", "subscribed")
)
FRESH, SPENT, DECLINED_LATER = "5555555555554444", "4242424242424242__2", "4000000000000341"
NOTHING_YET = "Nothing has started and nothing is charged"


@pytest.fixture
def known(world: World, paid: Subscriber) -> dict[str, str]:
    """An address of each sort that a stranger may type."""

    def live() -> None:
        world.browser().sign_in(REGISTERED)
        begun = world.start_trial(USED, "pm_card_visa__2")
        world.api.post(f"/v1/subscriptions/{begun['subscription']['id']}/cancel", json={"when": "now"})
        world.start_trial(SUBSCRIBED, "pm_card_visa__3")
        body = {"when": "now", "refund": "none"}
        world.api.post(f"/v1/subscriptions/{paid.subscription_id}/cancel", json=body).raise_for_status()
        world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
        world.settle()

    world.once("readers of each sort", live)
    return {
        "unknown": UNKNOWN,
        "registered": REGISTERED,
        "trial used": USED,
        "subscribed": SUBSCRIBED,
        "dispute open": paid.email,
    }


def seen(answer: Answer, email: str) -> tuple[object, ...]:
    """All that an answer shows a browser, without random parts and typed text."""
    response = answer.response
    words = re.sub(r'value="[^"]{20,}"', "", answer.text.replace(email, "…").replace("@", ""))
    location = re.sub(r"(cs_test_|set_)\w+", r"\1", response.headers.get("location", ""))
    cookies = sorted(line.partition("=")[0] for line in response.headers.get_list("set-cookie"))
    return response.status_code, location, cookies, re.sub(r"(set_)\w+", r"\1", words)


def steps(world: World, browser: Browser, email: str, *, paid: bool) -> tuple[list[tuple[object, ...]], str]:
    """The answers from the address to the card page, and the card page's address."""
    browser.http.follow_redirects = False
    pages_shown = [
        seen(browser.get("/subscribe"), email),
        seen(browser.post("/subscribe", email=email), email),
    ]
    if paid:
        csrf = browser.get("/sign-in").text.partition('name="csrf" value="')[2].partition('"')[0]
        headers = {"sec-fetch-site": "same-origin"}
        answer = Answer(browser.http.post("/subscribe/without-trial", data={"csrf": csrf}, headers=headers))
        pages_shown.append(seen(answer, email))
    pages_shown.append(seen(browser.get("/subscribe/review"), email))
    pages_shown.append(seen(browser.post("/subscribe/review"), email))
    pages_shown.append(seen(browser.post("/subscribe/review", consent="yes"), email))
    card_page = str(browser.page.response.headers["location"])
    browser.http.follow_redirects = True
    return pages_shown, card_page


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """The database statements during the block."""
    asked: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    engine = world.services.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("paid_start", [False, True], ids=["trial", "without a trial"])
def test_up_to_the_card_page_each_address_is_answered_the_same(
    world: World, known: dict[str, str], paid_start: bool
) -> None:
    world.sandbox.trouble(
        {"type": "*", "effect": "drop"}
    )  # Stripe's news of other addresses asks the database too
    pages_shown, asked, pages = {}, {}, {}
    for sort, email in known.items():
        with statements(world) as asked[sort]:
            pages_shown[sort], pages[sort] = steps(world, world.browser(), email, paid=paid_start)
    for sort in known:
        assert pages_shown[sort] == pages_shown["unknown"], sort
        assert asked[sort] == asked["unknown"], sort
    made = {row["id"]: row for row in world.sandbox.objects("checkout.session")}
    shown = {sort: made[page.rpartition("/")[2]] for sort, page in pages.items()}
    customers = [row["customer"] for row in shown.values()]
    before = world.rows("SELECT customer_ref FROM payment_method")
    assert not {row["customer_ref"] for row in before} & set(customers), "no card page shows a known customer"


def test_the_card_page_doesnt_tell_either(world: World, known: dict[str, str]) -> None:
    """A declined card, a cancelled visit and a second visit look the same for everybody."""
    pages_shown = {}
    for sort, email in known.items():
        browser = world.browser()
        _, page = steps(world, browser, email, paid=False)
        back = f"/subscribe/back?setup={browser.http.cookies['masthead-setup']}"
        pages_shown[sort] = [seen(browser.get(back), email), seen(browser.get("/subscribe/started"), email)]
        assert page
    assert {sort: each == pages_shown["unknown"] for sort, each in pages_shown.items()} == dict.fromkeys(
        pages_shown, True
    )


@pytest.mark.parametrize("webhook_first", [False, True])
@pytest.mark.parametrize("paid_start", [False, True], ids=["trial", "without a trial"])
def test_after_the_card_known_addresses_are_told_apart_by_mail_alone(
    world: World, known: dict[str, str], paid_start: bool, webhook_first: bool
) -> None:
    subscriptions, cards = (
        world.rows("SELECT id, state FROM subscription"),
        world.rows("SELECT id FROM payment_method"),
    )
    charges, pages_shown = len(world.charges()), {}
    for n, (sort, email) in enumerate((sort, email) for sort, email in known.items() if sort != "unknown"):
        browser = world.browser()
        _, page = steps(world, browser, email, paid=paid_start)
        back = world.sandbox.fill_in(page, f"{FRESH}__{n}")
        if webhook_first:
            world.settle()
        pages_shown[sort] = seen(browser.get(back), email)
        assert NOTHING_YET in browser.page.words
        assert "session" not in str(browser.cookies)
        world.settle()
        assert "/sign-in/link/" in world.letters(email)[-1].text
        assert browser.get(back).status == 200
    assert len({repr(each) for each in pages_shown.values()}) == 1, pages_shown
    world.settle()
    world.advance(days=1)
    assert world.rows("SELECT id FROM payment_method") == cards, "no card of a stranger's is kept"
    assert world.rows("SELECT id, state FROM subscription") == subscriptions
    assert len(world.charges()) == charges


def test_a_card_that_had_its_trial_tests_no_address(world: World, known: dict[str, str]) -> None:
    """One card with a former trial, and any number of addresses: unknown ones get the same answer as known ones."""
    pages_shown = {}
    for sort, email in known.items():
        browser = world.browser()
        _, page = steps(world, browser, email, paid=False)
        pages_shown[sort] = seen(browser.get(world.sandbox.fill_in(page, SPENT)), email)
    assert len({repr(each) for each in pages_shown.values()}) == 1, pages_shown
    assert world.rows("SELECT id FROM reader WHERE email = :it", it=UNKNOWN) == []


@pytest.mark.parametrize("number", [DECLINED_LATER, SPENT, FRESH])
def test_a_start_without_a_trial_tests_no_address(world: World, known: dict[str, str], number: str) -> None:
    """A card that saves and is declined, or one that pays. It creates no reader, sends no bank request, and shows no
    difference.
    """
    before, charges, pages_shown = world.rows("SELECT id FROM reader"), len(world.charges()), {}
    for sort, email in {**known, "unknown too": "unknown.too@example.com"}.items():
        browser = world.browser()
        _, page = steps(world, browser, email, paid=True)
        pages_shown[sort] = seen(browser.get(world.sandbox.fill_in(page, number)), email)
        assert NOTHING_YET in browser.page.words
    world.settle()
    assert len({repr(each) for each in pages_shown.values()}) == 1, pages_shown
    assert world.rows("SELECT id FROM reader") == before
    assert len(world.charges()) == charges
    assert "/sign-in/link/" in world.letters(UNKNOWN)[-1].text, "the owner hears of it"


def test_without_a_trial_a_new_reader_begins_by_the_mailed_link(world: World) -> None:
    browser = world.browser()
    _, page = steps(world, browser, UNKNOWN, paid=True)
    assert NOTHING_YET in browser.get(world.sandbox.fill_in(page, FRESH)).words
    assert world.charges() == []
    assert "We have charged R75.00" in prove(world, browser, UNKNOWN).words
    assert len(world.charges()) == 1


def test_a_new_reader_reads_at_once(world: World, known: dict[str, str]) -> None:
    browser = world.browser()
    page = browser.start(known["unknown"], FRESH)
    assert page.path == "/subscribe/started"
    assert browser.get("/account").path == "/account"


def test_another_spelling_of_a_mailbox_that_had_its_trial_is_no_new_reader(
    world: World, known: dict[str, str]
) -> None:
    page = world.browser().start(known["trial used"].replace("@", "+again@"), FRESH)
    assert NOTHING_YET in page.words


def prove(world: World, browser: Browser, email: str) -> Answer:
    """Press the mailed link in the browser that gave the card."""
    world.settle()
    browser.get(world.mailed_link(email, "/sign-in/link/"))
    return browser.post("/sign-in/confirm")


def test_the_owner_goes_on_by_the_mailed_link_with_the_card_just_given(
    world: World, known: dict[str, str]
) -> None:
    browser = world.browser()
    assert NOTHING_YET in browser.start(REGISTERED, FRESH).words
    assert prove(world, browser, REGISTERED).path == "/subscribe/started"
    assert "Your free trial runs through" in browser.get("/account").words
    assert "4444" in browser.get("/account").words


def test_the_owner_goes_on_by_the_code_too(world: World, known: dict[str, str]) -> None:
    browser = world.browser()
    browser.start(REGISTERED, FRESH)
    code = mailed_code(world, REGISTERED)
    assert browser.post("/sign-in/code", code=code).path == "/subscribe/started"


def test_the_owner_is_told_the_truth_after_the_proof(world: World, known: dict[str, str]) -> None:
    says = {
        "trial used": "this address has had it before",
        "subscribed": "You have a subscription already",
        "dispute open": "Your bank has asked for a payment back",
    }
    for n, (sort, words) in enumerate(says.items()):
        browser, charges = world.browser(), len(world.charges())
        browser.start(known[sort], f"{FRESH}__{n}")
        page = prove(world, browser, known[sort])
        assert (page.status, words in page.words) == (409, True), page.words
        assert len(world.charges()) == charges


def test_who_had_a_trial_starts_without_one_with_the_card_just_given(
    world: World, known: dict[str, str]
) -> None:
    browser = world.browser()
    browser.start(USED, FRESH)
    prove(world, browser, USED)
    browser.post("/subscribe/without-trial")
    assert browser.post("/subscribe/review", consent="yes").path == "/subscribe/started"
    assert len(world.charges()) == 2


def test_the_link_starts_nothing_in_another_browser_or_for_another_address(
    world: World, known: dict[str, str]
) -> None:
    """The uninvolved owner presses the link, or signs in later. The stranger's start doesn't change."""
    stranger, owner = world.browser(), world.browser()
    stranger.start(REGISTERED, FRESH)
    world.settle()
    page = owner.get(world.mailed_link(REGISTERED, "/sign-in/link/"))
    assert "Type the code from the mail" in page.words
    owner.sign_in(REGISTERED)
    stranger.sign_in("stranger@example.com")
    world.settle()
    world.advance(hours=2)
    assert (
        world.rows(
            "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE email = :it",
            it=REGISTERED,
        )
        == []
    )
    assert world.rows("SELECT state FROM card_setup WHERE email = :it", it=REGISTERED) == [
        {"state": "awaits_proof"}
    ]


def test_a_start_waits_an_hour_for_its_proof(world: World, known: dict[str, str]) -> None:
    browser = world.browser()
    browser.start(REGISTERED, FRESH)
    world.advance(minutes=61)
    assert browser.sign_in(REGISTERED).path == "/account"
    world.settle()
    assert world.rows("SELECT state FROM card_setup WHERE email = :it", it=REGISTERED) == [
        {"state": "awaits_proof"}
    ]


def test_an_address_proved_while_a_stranger_typed_the_card_is_its_owners(world: World) -> None:
    """A stranger begins with an unknown address, and returns from a second card page after its owner has signed in."""
    stranger, owner = world.browser(), world.browser()
    stranger.start(UNKNOWN, FRESH)
    stranger.get("/account")
    owner.sign_in(UNKNOWN)
    assert stranger.get("/account").path == "/sign-in"
    page = stranger.start(UNKNOWN, f"{FRESH}__9")
    assert NOTHING_YET in page.words


@pytest.mark.parametrize("webhooks_first", [False, True])
def test_two_browsers_with_one_new_address_make_one_start(world: World, webhooks_first: bool) -> None:
    """Both were on the card page before either had finished. The second must prove the address."""
    first, second = world.browser(), world.browser()
    pages = [steps(world, browser, UNKNOWN, paid=False)[1] for browser in (first, second)]
    ways = [world.sandbox.fill_in(page, f"{FRESH}__{n}") for n, page in enumerate(pages)]
    if webhooks_first:
        world.settle()
    words = [browser.get(way).words for browser, way in zip((first, second), ways, strict=True)]
    assert sorted(NOTHING_YET in each for each in words) == [False, True]
    assert len(world.rows("SELECT id FROM subscription")) == 1
    assert len(world.rows("SELECT id FROM payment_method")) == 1


def test_the_address_page_shows_the_way_in_for_readers(world: World) -> None:
    assert 'href="/sign-in"' in world.browser().get("/subscribe").text


def test_a_program_starts_trials_as_before(world: World) -> None:
    world.browser().sign_in(REGISTERED)
    assert world.try_trial(REGISTERED).status_code == 201
