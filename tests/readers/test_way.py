"""The article that stopped a reader is carried through every door, and nothing else is."""

import re

import pytest

from billing.http import cookies
from tests.support.articles import registering
from tests.support.browser import Browser
from tests.support.signed_in import mailed_code, signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "naledi@example.com"
FORGED = (
    "https://evil.example/",
    "//evil.example",
    "/account",
    "/\\evil.example",
    "nothing-of-that-name",
    "../x",
    " x ",
    "",
)


@pytest.fixture
def locked(world: World) -> str:
    """An article for subscribers, and its page."""
    return str(world.articles["subscriber"][0])


def wall_link(browser: Browser, article: str, door: str) -> str:
    """The link on the article's wall to this door."""
    page = browser.get(f"/articles/{article}").text
    wall = page.partition('class="wall')[2].partition("</section>")[0]
    links: list[str] = re.findall(r'href="([^"]+)"', wall)
    return next(link for link in links if link.partition("?")[0] == door)


def read_on(browser: Browser) -> str:
    """Where the button "Read on" leads."""
    found = re.search(r'<a class="button" href="([^"]+)">Read on: [^<]+</a>', browser.page.text)
    assert found, browser.page.words
    return found[1]


def typed_and_agreed(browser: Browser, email: str) -> str:
    """From the address to the card page; its address."""
    browser.post("/subscribe", email=email)
    return browser.open_card_page()


def test_from_the_wall_through_the_card_page_and_back_to_the_article(world: World, locked: str) -> None:
    browser = world.browser()
    browser.get(wall_link(browser, locked, "/subscribe"))
    page = typed_and_agreed(browser, EMAIL)
    browser.get(world.sandbox.fill_in(page))
    assert browser.page.path == "/subscribe/started"
    for _ in range(2):
        assert read_on(browser) == f"{world.url}/articles/{locked}"
        browser.get("/subscribe/started")
    assert "Open to you" in browser.get(read_on(browser)).words


def test_it_is_carried_past_the_offer_other_tabs_a_waiting_page_and_the_webhook(
    world: World, locked: str
) -> None:
    browser = world.browser()
    browser.get(f"/?article={locked}")
    browser.get("/subscribe")
    browser.get("/articles")
    browser.get("/subscribe")
    page = typed_and_agreed(browser, EMAIL)
    setup = world.rows("SELECT id FROM card_setup")[0]["id"]
    browser.get(f"/subscribe/back?setup={setup}")
    assert "waiting for the card page" in browser.page.words
    target = world.sandbox.fill_in(page)
    world.settle()
    browser.get(target)
    assert read_on(browser).endswith(locked)


def test_the_last_wall_counts(world: World, locked: str) -> None:
    browser = world.browser()
    browser.get(f"/subscribe?article={world.articles['registered'][0]}")
    browser.get(f"/subscribe?article={locked}")
    browser.get(world.sandbox.fill_in(typed_and_agreed(browser, EMAIL)))
    assert read_on(browser).endswith(locked)


def test_a_known_address_proves_itself_in_the_middle_and_the_article_is_kept(
    world: World, locked: str
) -> None:
    world.browser().sign_in(EMAIL)
    browser = world.browser()
    browser.get(wall_link(browser, locked, "/subscribe"))
    browser.get(world.sandbox.fill_in(typed_and_agreed(browser, EMAIL)))
    assert "check your mail" in browser.page.words
    assert browser.prove().path == "/subscribe/started"
    assert read_on(browser).endswith(locked)


def test_registering_from_a_wall_leads_straight_to_the_article(world: World) -> None:
    article = world.articles["registered"][0]
    browser = world.browser()
    browser.get(wall_link(browser, article, "/sign-in"))
    browser.post("/sign-in", email=EMAIL)
    world.settle()
    browser.get(world.mailed_link(EMAIL, "/sign-in/link/"))
    page = browser.post("/sign-in/confirm")
    assert page.path == f"/articles/{article}"
    assert "You are registered, and signed in." in page.text
    assert 'class="wall' not in page.text
    assert browser.get("/sign-in").path == "/account", "it is used up"


def test_the_code_is_typed_where_the_reader_began(world: World, locked: str, paid: Subscriber) -> None:
    browser = world.browser()
    browser.get(wall_link(browser, locked, "/sign-in"))
    browser.post("/sign-in", email=paid.email)
    world.settle()
    page = browser.post("/sign-in/code", code=mailed_code(world, paid.email))
    assert page.path == f"/articles/{locked}"
    assert "You are signed in." in page.text
    assert "You are registered" not in page.text


def test_who_is_signed_in_already_goes_on_at_once(world: World, locked: str, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    assert browser.get(f"/sign-in?article={locked}").path == f"/articles/{locked}"
    page = browser.get(f"/subscribe?article={locked}")
    assert page.status == 409
    assert "You have a subscription already" in page.words
    assert read_on(browser) == f"{world.url}/articles/{locked}"
    browser.get(f"/?article={locked}")
    assert read_on(browser).endswith(locked)


def test_paying_leads_back_to_the_article(world: World, locked: str, owing: Subscriber) -> None:
    browser = signed_in(world, owing.email)
    browser.get(f"/?article={locked}")
    browser.post("/account/pay")
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.decline(card["gateway_ref"], None)
    page = browser.post("/pay")
    assert "Thank you, this is paid" in page.words
    assert read_on(browser).endswith(locked)


def test_ending_a_pause_on_a_wall_opens_the_article(world: World, locked: str, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    browser.get("/account/pause")
    browser.post("/account/pause", months="1")
    world.advance_to(local(2027, 4, 20, 12))
    page = browser.get(f"/articles/{locked}")
    assert "Your subscription is paused until Sunday 16 May 2027." in page.words
    assert f'href="/account/pause/undo?article={locked}"' in page.text
    assert "R75.00 incl. VAT" in browser.get(f"/account/pause/undo?article={locked}").words
    page = browser.post("/account/pause/undo")
    assert page.path == f"/articles/{locked}"
    assert 'class="wall' not in page.text
    assert len(world.charges()) == 2


def test_an_article_on_another_host_is_reached_by_way_of_a_page_of_ours(world: World) -> None:
    registering(world)("dam", "registered", title="The dam & the river")
    browser = world.browser()
    browser.get("/sign-in?article=dam")
    browser.post("/sign-in", email=EMAIL)
    world.settle()
    browser.get(world.mailed_link(EMAIL, "/sign-in/link/"))
    page = browser.post("/sign-in/confirm")
    assert page.path == "/sign-in/on", "a form may not lead to another host"
    assert '<meta http-equiv="refresh" content="0;url=https://news.example/dam">' in page.text
    assert (
        '<a class="button" href="https://news.example/dam">Read on: The dam &amp; the river</a>' in page.text
    )
    assert browser.get("/sign-in/on").path == "/account"


def test_an_answer_about_access_names_where_the_article_is_carried(world: World) -> None:
    registering(world)("dam", "subscriber")
    answers = [world.http_client().get("/v1/access/dam").json() for _ in range(2)]
    answers += world.http_client().post("/v1/access", json={"articles": ["dam"]}).json()
    assert {answer["subscribe_url"] for answer in answers} == {f"{world.url}/?article=dam"}
    browser = world.browser()
    browser.get(answers[0]["subscribe_url"].removeprefix(world.url))
    browser.get("/subscribe")
    browser.get(world.sandbox.fill_in(typed_and_agreed(browser, EMAIL)))
    assert "Read on: About the dam" in browser.page.text


@pytest.mark.parametrize("door", ["/subscribe", "/sign-in", "/"])
@pytest.mark.parametrize("forged", FORGED)
def test_what_names_no_article_of_ours_is_ignored(world: World, door: str, forged: str) -> None:
    """ASVS 3.7.2: no open redirect."""
    browser = world.browser()
    answer = browser.http.get(door, params={"article": forged, "from": forged})
    assert (answer.status_code, answer.url.host) == (200, "127.0.0.1")
    # below the main part, a form leads back to this very page
    shown = answer.text.partition("<main")[2].partition("</main>")[0]
    assert "evil" not in shown.replace("?article=", "")
    page = browser.sign_in(EMAIL)
    assert page.path == "/account"


def test_a_forged_cookie_and_another_purposes_token_are_ignored(world: World, paid: Subscriber) -> None:
    tokens = world.services.site.tokens
    name = cookies.cookie_name(world.settings, cookies.WAY)
    for value in (
        "https://evil.example.AAAA",
        "article:nothing.AAAA",
        tokens.token("csrf", "/articles/x"),
        tokens.token("way", "//evil.example"),
        tokens.token("way", "https://evil.example"),
        tokens.token("way", "article:nothing-of-that-name"),
    ):
        assert signed_in(world, paid.email).with_cookie(name, value).get("/sign-in").path == "/account", value


@pytest.mark.parametrize("page", ["/account/gifts", "/account/receipts/none?x=1", "/account/cancel"])
def test_a_page_of_the_account_is_shown_at_once_after_signing_in(
    world: World, paid: Subscriber, page: str
) -> None:
    browser = world.browser()
    assert browser.get(page).path == "/sign-in"
    browser.post("/sign-in", email=paid.email)
    world.settle()
    browser.get(world.mailed_link(paid.email, "/sign-in/link/"))
    browser.post("/sign-in/confirm")
    assert str(browser.page.response.url).removeprefix(world.url) == page


def test_a_form_is_not_sent_again_after_signing_in(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    browser.get("/account/cancel")
    form = browser.filled("/account/cancel")
    browser.http.cookies.delete(cookies.cookie_name(world.settings, cookies.SESSION))
    form.headers["cookie"] = "; ".join(f"{c.name}={c.value}" for c in browser.cookies)
    assert browser.http.send(form).url.path == "/sign-in"
    assert browser.sign_in(paid.email).path == "/account"
    assert world.rows("SELECT cancel_asked_at FROM subscription") == [{"cancel_asked_at": None}]
