"""An address that refuses every mail: the reader sees it, staff get cases, and the subscription ends after two extensions."""

from datetime import timedelta

import pytest

from billing.dev.fake_smtp import Step
from billing.dev.paper.sample_articles import sample_articles
from tests.support.browser import Browser
from tests.support.leaps import leap_to
from tests.support.signed_in import after, in_trial_by_pages, signed_in
from tests.support.starting_points import Subscriber, fast_forward, subscriber
from tests.support.world import World, local

BEFORE_THE_YEARS_NOTICE = local(2028, 3, 8, 8)
READER = "thandi@example.com"
NEW = "thandi@elsewhere.example"


def extensions(world: World) -> list[str]:
    rows = world.rows("SELECT reason FROM subscription_change WHERE event LIKE '%\\_extended' ORDER BY id")
    return [row["reason"] for row in rows]


def cases(world: World) -> list[str]:
    rows = world.rows("SELECT what FROM staff_case WHERE kind = 'unreachable' ORDER BY id")
    return [row["what"] for row in rows]


def state(world: World) -> str:
    return str(world.rows("SELECT state FROM subscription")[0]["state"])


def test_after_two_extensions_the_trial_ends_and_staff_are_told_each_time(
    world: World, in_trial: Subscriber
) -> None:
    world.smtp.refuse(550, "no such mailbox", to=READER)
    world.advance_to(local(2027, 3, 25))
    assert world.charges() == []
    assert extensions(world) == ["the reader's mail address refuses our notices"] * 2
    (row,) = world.rows("SELECT state, ended_at, charge_on FROM subscription")
    assert (row["state"], row["ended_at"]) == ("ended", local(2027, 3, 24, 9)), "on the day of its charge"
    assert ["The charge moves" in what for what in cases(world)] == [True, True, False]
    assert f"{READER} refuses our mail. The subscription has ended without a charge." in cases(world)[-1]
    assert not world.access(world.articles["subscriber"][0], in_trial.reader_id)["allowed"]


def while_notices_wait(world: World) -> None:
    """Each first notice is tried on the morning it is due, and on the next until its time is over."""
    for day in (8, 12, 16):
        leap_to(world, local(2027, 3, day, 8))
        world.advance_to(local(2027, 3, day, 9, 30))
        leap_to(world, local(2027, 3, day + 1, 8))
        world.advance_to(local(2027, 3, day + 1, 10))


def test_an_address_that_says_later_for_weeks_while_others_get_mail_is_no_better(
    world: World, in_trial: Subscriber
) -> None:
    world.smtp.refuse(452, "mailbox full", to=READER)
    world.start_trial("other@example.com", "pm_card_visa__2")
    while_notices_wait(world)
    leap_to(world, local(2027, 3, 20, 12))
    world.start_trial("third@example.com", "pm_card_visa__3")
    world.settle()
    leap_to(world, local(2027, 3, 24, 8))
    world.advance_to(local(2027, 3, 24, 12))
    (row,) = world.rows("SELECT state FROM subscription WHERE id = :id", id=in_trial.subscription_id)
    assert row["state"] == "ended"
    assert len(world.charges()) == 1


@pytest.mark.usefixtures("in_trial")
@pytest.mark.parametrize(
    ("at", "code", "words"),
    [
        ("mail", 451, "later"),
        ("mail", 550, "5.1.8 sender unknown"),
        ("rcpt", 550, "5.7.1 this account is suspended"),
        ("data", 554, "5.5.1 no"),
        ("dot", 554, "Message rejected: your address is not verified"),
    ],
)
def test_a_mail_server_of_ours_that_is_away_ends_nothing(
    world: World, at: Step, code: int, words: str
) -> None:
    world.smtp.refuse(code, words, at=at)
    while_notices_wait(world)
    leap_to(world, local(2027, 3, 24, 8))
    world.advance_to(local(2027, 3, 24, 12))
    assert state(world) == "trialing"
    assert "the reader's mail address refuses our notices" not in extensions(world)
    assert cases(world) == []


@pytest.fixture
def unreached(world: World) -> Browser:
    """The browser of a reader in trial whose mailbox refused the first notice; it is 13 March."""

    def live(browser: Browser) -> None:
        browser.start(READER)
        world.smtp.refuse(550, "no such mailbox", to=READER)
        world.advance_to(local(2027, 3, 13))

    browser = after(world, "a trial by the pages, and a mailbox that refuses", live)
    world.smtp.refuse(550, "no such mailbox", to=READER)
    return browser


def test_a_reader_who_comes_sees_it_and_gives_another_address(world: World, unreached: Browser) -> None:
    browser = unreached
    article = next(one for one in sample_articles() if one.teaser.access == "subscriber")
    assert "Our mails do not reach you" in browser.get(f"/articles/{article.teaser.id}").words
    page = browser.get("/account")
    assert f"The mail server of {READER} refuses them" in page.words
    assert 'href="/account/address"' in page.text
    browser.get("/account/address")
    page = browser.post("/account/address", email=NEW)
    assert page.path == "/account/address/sent"
    world.settle()
    browser.get(world.mailed_link(NEW, "/account/address/link/"))
    browser.post("/account/address/confirm")
    page = browser.get("/account")
    assert NEW in page.words
    assert "do not reach you" not in page.words
    world.settle()
    assert "first notice for 2027-03-20" in world.mail_kinds(NEW), (
        "what the old one refused, and is still true, goes there"
    )
    world.advance_to(local(2027, 3, 20, 12))
    assert world.charged_at() == ["2027-03-20 09:00"]
    assert world.mail_kinds(NEW)[-2:] == ["second notice for 2027-03-20", "receipt"]


def test_an_address_of_somebody_else_is_no_readers_new_address(world: World) -> None:
    browser = in_trial_by_pages(world)
    world.start_trial(NEW, "pm_card_visa__2")
    world.smtp.refuse(550, "no such mailbox", to=READER)
    world.advance_to(local(2027, 3, 9))
    browser.get("/account/address")
    assert browser.post("/account/address", email=NEW).path == "/account/address/sent", (
        "nobody learns that it is known"
    )
    world.settle()
    assert "has an account of its own" in world.letter(NEW, "has an account").text
    assert not [link for letter in world.letters(NEW) for link in letter.links if "/account/address" in link]
    assert len(world.rows("SELECT id FROM reader WHERE email = :old", old=READER)) == 1


@pytest.mark.usefixtures("in_trial")
def test_an_address_that_works_is_not_replaced_so(world: World) -> None:
    """It takes a fresh sign-in, by its own mail."""
    browser = signed_in(world, READER)
    browser.get("/account/address")
    form = browser.filled("/account/address", email=NEW)
    world.advance(minutes=11)
    answer = browser.http.send(form, follow_redirects=False)
    assert answer.headers["location"] == "/account/confirm?act=address"
    assert world.rows("SELECT id FROM address_change") == []


def test_a_paused_subscription_whose_reader_cannot_be_told_ends(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, READER)
    browser.get("/account/pause")
    browser.post("/account/pause", months="1")
    leap_to(world, local(2027, 5, 5))
    world.smtp.refuse(550, "no such mailbox", to=READER)
    world.advance_to(local(2027, 6, 2))
    assert state(world) == "ended"
    assert len(extensions(world)) == 2
    assert len(world.charges()) == 1


def test_a_year_whose_reader_cannot_be_told_what_follows_ends(world: World) -> None:
    reader = subscriber(world, "year_ending")
    fast_forward(world, BEFORE_THE_YEARS_NOTICE)
    world.smtp.refuse(550, "no such mailbox", to=reader.email)
    world.advance_to(local(2028, 4, 2))
    assert state(world) == "ended"
    assert len(extensions(world)) == 2
    assert ["The charge moves" in what for what in cases(world)] == [True, True, False]
    assert len(world.charges()) == 1


def test_a_mailbox_that_refuses_the_first_notice_alone_reads_no_longer(
    world: World, in_trial: Subscriber
) -> None:
    world.smtp.refuse(550, "no such mailbox", to=READER)
    world.advance_to(local(2027, 3, 20, 8))
    assert extensions(world) == ["the reader's mail address refuses our notices"] * 2
    world.smtp.mend()
    world.advance_to(local(2027, 3, 20, 10))
    leap_to(world, local(2027, 3, 24, 8))
    assert world.mail_kinds(READER)[-1] == "second notice for 2027-03-24"
    world.smtp.refuse(550, "no such mailbox", to=READER)
    world.advance_to(local(2027, 3, 28, 8))
    assert (state(world), len(extensions(world))) == ("trialing", 3), "it took the last one"
    world.smtp.mend()
    world.advance_to(local(2027, 4, 1, 12))
    assert world.mail_kinds(READER)[-1] == "second notice for 2027-04-01"
    assert (state(world), world.charges()) == ("ended", [])
    assert extensions(world) == ["the reader's mail address refuses our notices"] * 3
    assert (
        in_trial.subscription_id in world.rows("SELECT key FROM message ORDER BY id DESC LIMIT 1")[0]["key"]
    )


def test_so_does_one_at_the_end_of_a_year(world: World) -> None:
    reader = subscriber(world, "year_ending")
    fast_forward(world, BEFORE_THE_YEARS_NOTICE)
    charge_at = local(2028, 3, 16, 9)
    for nth in range(4):
        world.smtp.refuse(550, "no such mailbox", to=reader.email)
        world.advance(hours=2)
        leap_to(world, charge_at + timedelta(days=8 * nth - 5))
        world.smtp.mend()
        leap_to(world, charge_at + timedelta(days=8 * nth - 4))
        leap_to(world, charge_at + timedelta(days=8 * nth - 1))
        world.smtp.refuse(550, "no such mailbox", to=reader.email)
        world.advance_to(charge_at + timedelta(days=8 * nth, minutes=1))
    assert (state(world), len(world.charges())) == ("ended", 1)
    assert extensions(world) == ["the reader's mail address refuses our notices"] * 3


def article_page(browser: Browser) -> str:
    article = next(one for one in sample_articles() if one.teaser.access == "subscriber")
    return browser.get(f"/articles/{article.teaser.id}").words


ENDS = "ends unless we can reach you"


def test_a_reader_whose_charges_wait_for_no_notice_is_not_told_that_it_ends(
    world: World, paid: Subscriber
) -> None:
    browser = signed_in(world, paid.email)
    world.smtp.refuse(550, "no such mailbox", to=paid.email)
    for month in (4, 5):
        leap_to(world, local(2027, month, 16, 8))
        world.advance_to(local(2027, month, 16, 12))
    assert (state(world), len(world.charges())) == ("active", 3)
    for page in (browser.get("/account").words, article_page(browser)):
        assert "Our mails do not reach you" in page
        assert "subscription ends" not in page


def test_one_whose_notice_was_refused_is_told_so_on_every_page(world: World, unreached: Browser) -> None:
    browser = unreached
    assert ENDS in browser.get("/account").words
    assert ENDS in article_page(browser)
    browser.get("/account/cancel")
    browser.post("/account/cancel", when="period_end")
    assert ENDS not in browser.get("/account").words, "it ends as it was asked to"
    assert ENDS not in article_page(browser)


def test_a_link_that_was_good_for_minutes_behind_a_greylist_says_nothing_of_the_address(
    world: World, paid: Subscriber
) -> None:
    browser = signed_in(world, paid.email)
    world.smtp.refuse(451, "greylisted, try later", to=paid.email)
    elsewhere = world.browser()
    elsewhere.get("/sign-in")
    elsewhere.post("/sign-in", email=paid.email)
    world.start_trial("other@example.com", "pm_card_visa__2")
    world.settle()
    world.advance_to(world.now + timedelta(hours=3))
    (link,) = world.rows(
        "SELECT state FROM message WHERE recipient = :to ORDER BY id DESC LIMIT 1", to=READER
    )
    assert link["state"] == "expired"
    assert "do not reach you" not in browser.get("/account").words
    assert "do not reach you" not in article_page(browser)


def test_a_mistyped_address_stays_in_the_form(unreached: Browser) -> None:
    browser = unreached
    browser.get("/account/address")
    page = browser.post("/account/address", email="thandi@elsewhere,example")
    assert page.status == 422
    assert 'value="thandi@elsewhere,example"' in page.text
    assert "look like an email address" in page.words
