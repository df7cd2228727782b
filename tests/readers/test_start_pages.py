"""Starting a trial by the pages, and the ways in which people leave that path."""

from tests.support.signed_in import in_trial_by_pages
from tests.support.world import World, local

EMAIL = "naledi@example.com"


def test_the_offer_the_address_the_review_the_card_and_the_trial(world: World) -> None:
    browser = world.browser()
    offer = browser.get("/")
    for words in ("R75.00", "incl. VAT", "14 days"):
        assert words in offer.words
    browser.get("/subscribe")
    review = browser.post("/subscribe", email=f"  {EMAIL} ")
    for words in (
        EMAIL,
        "free through Monday 15 March 2027",
        "R75.00 on Tuesday 16 March 2027",
        "incl. R9.78 VAT",
        "8 Mar 2027 and 12 Mar 2027",
        "pay nothing",
        "From 16 March 2027 charge my card R75.00 incl. VAT every month until I cancel.",
    ):
        assert words in review.words
    assert 'name="consent" value="yes" required' in review.text
    assert "checked" not in review.text

    unticked = browser.post("/subscribe/review")
    assert unticked.status == 422
    assert "tick the box" in unticked.words
    assert world.sandbox.objects("checkout.session") == []

    page = browser.agree_and_pay()
    assert page.path == "/subscribe/started"
    assert "Your trial runs until Monday 15 March 2027" in page.words
    account = browser.get("/account")
    assert "Your free trial runs through Monday 15 March 2027." in account.words, "and is signed in"
    world.settle()
    assert world.mail_kinds(EMAIL) == ["trial_started"]
    mail = world.letters(EMAIL)[0].text
    for words in ("R75.00", "15 March 2027", "16 March 2027", "4242", "/cancel/"):
        assert words in mail
    consent = world.rows("SELECT * FROM consent")[0]
    assert consent["text_hash"]
    assert (consent["kind"], consent["ip"], consent["device"]) == ("trial", "127.0.0.1", "Test/1")
    assert consent["reader_id"] == world.rows("SELECT id FROM reader")[0]["id"]


def test_the_tab_is_closed_on_the_card_page_and_the_webhook_finishes_it(world: World) -> None:
    browser = world.browser()
    browser.start(EMAIL, come_back=False)
    world.settle()
    assert world.mail_kinds(EMAIL) == ["trial_started"]
    assert world.rows("SELECT state FROM subscription") == [{"state": "trialing"}]
    later = world.browser()
    page = later.sign_in(EMAIL)
    assert page.path == "/account"
    assert "Your free trial runs through Monday 15 March 2027." in page.words
    world.advance_to(local(2027, 3, 16, 9))
    assert len(world.charges()) == 1


def test_coming_back_after_the_webhook_and_twice_shows_the_same_and_starts_once(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    target = world.sandbox.fill_in(browser.open_card_page())
    world.settle()
    pages = [browser.get(target) for _ in range(3)]
    assert {page.path for page in pages} == {"/subscribe/started"}
    assert len({page.words for page in pages}) == 1
    world.settle()
    assert world.mail_kinds(EMAIL) == ["trial_started"]
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 1}]


def test_the_return_address_in_a_strangers_browser_opens_nothing(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    target = world.sandbox.fill_in(browser.open_card_page())
    stranger = world.browser()
    assert stranger.get(target).status == 404
    assert stranger.get("/account").path == "/sign-in"
    assert browser.get(target).path == "/subscribe/started"


def test_back_before_the_card_is_given_waits_and_leads_back_to_the_card(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    page = browser.open_card_page()
    setup = world.rows("SELECT id FROM card_setup")[0]["id"]
    waiting = browser.get(f"/subscribe/back?setup={setup}")
    assert "waiting for the card page" in waiting.words
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 0}]
    browser.get("/subscribe/review")
    done = browser.agree_and_pay()
    assert done.path == "/subscribe/started"

    # the first card page is still open in another tab: filling it in starts nothing more
    again = browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    assert again.status == 409
    assert "You have a subscription already" in again.words
    world.settle()
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 1}]
    world.advance_to(local(2027, 3, 17))
    assert len(world.charges()) == 1


def test_a_card_page_left_alone_runs_out_and_another_can_be_opened(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    browser.open_card_page()
    setup = world.rows("SELECT id FROM card_setup")[0]["id"]
    world.advance(days=2)
    assert world.rows("SELECT state FROM card_setup") == [{"state": "expired"}]
    browser.get(f"/subscribe/back?setup={setup}")
    page = browser.start(EMAIL)
    assert "Wednesday 17 March 2027" in page.words, "counted from the day it really began"


def test_a_card_refused_on_the_card_page_starts_nothing_and_another_does(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    page = browser.open_card_page()
    for number in ("4000000000000002", "4000000000009995", "4000000000009987", "4000000000000069"):
        assert world.sandbox.fill_in(page, number) == page, "the card page says so itself"
        assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 0}]
    assert browser.get(world.sandbox.fill_in(page)).path == "/subscribe/started"


def test_a_card_that_wants_3d_secure_at_sign_up(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    page = browser.open_card_page()
    world.sandbox.fill_in(page, "4000002500003155", pass_check=False)
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 0}]
    assert browser.get(world.sandbox.fill_in(page, "4000002500003155")).path == "/subscribe/started"
    world.advance_to(local(2027, 3, 16, 9))
    assert len(world.charges()) == 1


def test_somebody_subscribed_is_told_so_where_the_reader_is_signed_in(world: World) -> None:
    """Another browser gets no such page (`security/test_who_subscribes`)."""
    browser = in_trial_by_pages(world, EMAIL)
    signed_in = browser.get("/subscribe")
    assert signed_in.status == 409
    assert "You have a subscription already" in signed_in.words
    assert "Go to my account" in signed_in.words
    other = world.browser()
    other.get("/subscribe")
    assert other.post("/subscribe", email=EMAIL.upper()).path == "/subscribe/review"
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 1}]


def test_who_has_an_account_and_is_signed_out_is_mailed_a_link_not_sent_to_the_wall(world: World) -> None:
    world.browser().sign_in(EMAIL)
    browser = world.browser()
    page = browser.start(EMAIL)
    assert "One more step: check your mail" in page.words
    assert f"please confirm that {EMAIL} is yours" in page.words
    page = browser.prove()
    assert page.path == "/subscribe/started"
    assert "Everything is open to you from now on" in page.words
    assert "Start reading" in page.words


def test_the_back_button_from_the_welcome_page_agrees_to_nothing_twice(world: World) -> None:
    browser = world.browser()
    browser.get("/subscribe")
    review = browser.post("/subscribe", email=EMAIL)
    browser.agree_and_pay()
    browser.page = review
    again = browser.post("/subscribe/review", consent="yes")
    assert again.status == 409
    assert "You have a subscription already" in again.words
    assert len(world.sandbox.objects("checkout.session")) == 1


def test_a_mistyped_address_is_said_beside_the_field(world: World) -> None:
    browser = world.browser()
    for email in ("", "naledi", "naledi@", "a b@example.com", "x" * 250 + "@example.com"):
        browser.get("/subscribe")
        page = browser.post("/subscribe", email=email)
        assert page.status == 422, email
        assert "email address" in page.words
    assert world.rows("SELECT count(*) AS n FROM reader") == [{"n": 0}]


def test_steps_taken_out_of_order_lead_back_to_the_first(world: World) -> None:
    browser = world.browser()
    for path in ("/subscribe/review", "/subscribe/started"):
        assert browser.get(path).path in ("/subscribe", "/sign-in")
    assert browser.get("/subscribe/back").status == 404
    assert browser.get("/subscribe/back?setup=set_nobody").status == 404
    for path in ("/account", "/account/cancel", "/account/cancelled"):
        assert browser.get(path).path == "/sign-in"
