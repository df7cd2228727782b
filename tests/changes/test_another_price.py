"""A new price for subscribers: announced a month ahead, never charged without a notice; a bounce keeps the old price."""

from datetime import date

import pytest

from billing.changes import announce_price
from billing.platform.actors import Command
from tests.support.staff_members import add, sign_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def plan(world: World, cents: int, first_day: date) -> None:
    """What `billing prices change` does."""
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        announce_price.plan_change(
            ctx, "monthly", cents, first_day, today=world.services.site.today(world.now)
        )


@pytest.fixture
def in_april(world: World, paid_twice: Subscriber) -> Subscriber:
    """A reader with two charges behind; it is 20 April, early enough to announce a price for 16 June."""
    world.advance_to(local(2027, 4, 20))
    return paid_twice


@pytest.fixture
def announced(world: World, paid_twice: Subscriber) -> Subscriber:
    """The same, on 10 May: the notice says that R80.00 is charged from 16 June on."""

    def announce() -> None:
        world.advance_to(local(2027, 4, 20))
        plan(world, 8000, date(2027, 5, 1))
        world.advance_to(local(2027, 5, 10))

    world.once("R80.00 from 1 May on is announced on 20 April, until 10 May 2027", announce)
    return paid_twice


def amounts(world: World, reader_id: str) -> list[tuple[str, int]]:
    charged = zip(world.charged_at(of=reader_id), world.charges(of=reader_id), strict=True)
    return [(at[:10], charge["amount"]) for at, charge in charged]


@pytest.mark.prove
def test_a_new_price_begins_a_month_after_its_notice(world: World, in_april: Subscriber) -> None:
    plan(world, 8000, date(2027, 5, 1))
    later = world.start_trial("later@example.com", "pm_card_visa__2")  # before 1 May: at the old price
    world.advance_to(local(2027, 5, 20))
    newest = world.start_trial("newest@example.com", "pm_card_visa__3")
    assert newest["subscription"]["price"]["amount"] == 8000
    notice = world.letter(in_april.email, "price of your subscription")
    assert "R75.00 incl. VAT every month" in notice.text
    assert "R80.00 incl. VAT every month" in notice.text
    assert any("/cancel/" in link for link in notice.links)
    account = world.browser().sign_in(in_april.email)
    assert "From Wednesday 16 June 2027 you pay R80.00 incl. VAT a month." in account.words
    assert "R80.00 incl. VAT on Wednesday 16 June 2027" in account.words
    world.advance_to(local(2027, 8, 1))
    assert amounts(world, in_april.reader_id) == [
        ("2027-03-16", 7500),
        ("2027-04-16", 7500),
        ("2027-05-16", 7500),
        ("2027-06-16", 8000),
        ("2027-07-16", 8000),
    ]
    rows = world.rows(
        "SELECT m.accepted_at, n.starts_on, n.state, n.text_version FROM price_notice n"
        " JOIN message m ON m.key = 'price-notice:' || n.id ORDER BY n.id"
    )
    for row in rows:
        starts = local(row["starts_on"].year, row["starts_on"].month, row["starts_on"].day, 9)
        assert (starts - row["accepted_at"]).days >= 30
        assert (row["state"], row["text_version"]) == ("holds", "price-notice-2026-11")
    assert len(rows) == 2
    assert amounts(world, later["reader"]["id"])[-1][1] == 8000
    assert world.mail_kinds(in_april.email).count("price_notice") == 1
    assert {row["amount"] for row in amounts_of_newest(world, newest["reader"]["id"])} == {8000}
    assert "price_notice" not in world.mail_kinds("newest@example.com")


def amounts_of_newest(world: World, reader_id: str) -> list[dict[str, int]]:
    return [{"amount": charge["amount"]} for charge in world.charges(of=reader_id)]


def test_a_bounce_keeps_the_old_price_and_stands_on_the_list_of_staff(
    world: World, in_april: Subscriber
) -> None:
    world.smtp.refuse(550, "5.1.1 no such mailbox", to=in_april.email)
    plan(world, 8000, date(2027, 5, 1))
    world.advance_to(local(2027, 5, 10))
    support = sign_in(world, add(world, "support").email)
    page = support.get("/staff/prices")
    assert in_april.email in page.words
    assert "550 5.1.1 no such mailbox" in page.words
    world.advance_to(local(2027, 7, 20))
    assert {amount for _, amount in amounts(world, in_april.reader_id)} == {7500}
    changes = [row["event"] for row in world.rows("SELECT event FROM subscription_change ORDER BY id")]
    assert changes.count("price_announced") == changes.count("price_kept") == 1
    support = sign_in(world, "support@paper.example")
    page = support.get("/staff/prices")
    notice = world.rows("SELECT id FROM price_notice")[0]["id"]
    page = support.post(f"/staff/prices/{notice}/seen")
    assert "Everybody was told" in page.words
    assert world.rows("SELECT state, seen_by FROM price_notice") == [
        {"state": "seen", "seen_by": "staff:support@paper.example"}
    ]


@pytest.mark.prove
def test_a_notice_too_late_is_not_charged_and_a_cancellation_ends_it(
    world: World, announced: Subscriber
) -> None:
    world.api.post(f"/v1/subscriptions/{announced.subscription_id}/cancel", json={}).raise_for_status()
    world.advance_to(local(2027, 8, 1))
    assert {amount for _, amount in amounts(world, announced.reader_id)} == {7500}


@pytest.mark.prove
def test_a_second_change_takes_the_place_of_the_first(world: World, paid_twice: Subscriber) -> None:
    plan(world, 8000, date(2027, 6, 1))
    plan(world, 7900, date(2027, 7, 1))
    world.advance_to(local(2027, 8, 20))
    assert amounts(world, paid_twice.reader_id)[-3:] == [
        ("2027-06-16", 7500),
        ("2027-07-16", 7900),
        ("2027-08-16", 7900),
    ]
    assert world.mail_kinds(paid_twice.email).count("price_notice") == 1


def test_a_year_chosen_and_taken_back_dodges_no_announced_price(world: World, announced: Subscriber) -> None:
    assert "price_notice" in world.mail_kinds(announced.email)
    browser = world.browser()
    browser.sign_in(announced.email)
    for _ in range(2):
        browser.get("/account/plan?to=yearly")
        browser.post("/account/plan", consent="yes")
        assert world.rows("SELECT state FROM price_notice") == [{"state": "moot"}]
        page = browser.undo("/account/plan/undo")
        assert "From Wednesday 16 June 2027 you pay R80.00 incl. VAT a month." in page.words
        world.advance(hours=1)
    world.advance_to(local(2027, 7, 20))
    assert amounts(world, announced.reader_id)[2:] == [
        ("2027-05-16", 7500),
        ("2027-06-16", 8000),
        ("2027-07-16", 8000),
    ]
    assert world.rows("SELECT state FROM price_notice") == [{"state": "holds"}]
    assert world.mail_kinds(announced.email).count("price_notice") == 1
