"""Cards that expire, that their network replaces, or that are asked too often."""

import pytest
import sqlalchemy as sa

from tests.support.starting_points import Subscriber
from tests.support.world import World, local

PLENTY = {"exp_month": 5, "exp_year": 2031}


def ref(world: World) -> str:
    """The sandbox's name for the newest saved card."""
    rows = world.rows("SELECT gateway_ref FROM payment_method ORDER BY saved_at DESC, id DESC LIMIT 1")
    return str(rows[0]["gateway_ref"])


def good_through(world: World, year: int, month: int) -> None:
    """Let the reader's card expire with this month."""
    world.sandbox.replace(ref(world), exp_month=month, exp_year=year)
    world.settle()


def notices(world: World) -> list[str]:
    """The days of the mails that the card expires."""
    rows = world.rows("SELECT created_at FROM message WHERE kind = 'card_expiring' ORDER BY 1")
    return [f"{row['created_at'].astimezone(local(2027, 1, 1).tzinfo):%d %b %Y %H:%M}" for row in rows]


def test_the_notice_comes_once_when_the_next_charge_lies_after_the_cards_end(
    world: World, paid: Subscriber
) -> None:
    good_through(world, 2027, 5)
    world.advance_to(local(2027, 5, 16, 8, 59))
    assert notices(world) == [], "the charge of 16 May still goes through"
    world.advance_to(local(2027, 6, 1))
    assert notices(world) == ["16 May 2027 09:00"]
    letter = world.letter(paid.email, "Your card ends on Monday 31 May 2027")
    for said in ("R75.00 incl. VAT", "16 June 2027", "31 May 2027"):
        assert said in letter.text
    browser = world.browser()
    browser.get(world.mailed_link(paid.email, "/card/"))
    page = browser.sent_to("/card")
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    world.advance_to(local(2027, 8, 1))
    assert len(notices(world)) == 1
    assert world.charged_at()[-2:] == ["2027-06-16 09:00", "2027-07-16 09:00"]
    assert world.subscription(paid.subscription_id)["status"] == "active"


@pytest.mark.prove
def test_no_notice_where_the_network_has_replaced_the_card(world: World, paid: Subscriber) -> None:
    good_through(world, 2027, 5)
    world.advance_to(local(2027, 5, 10))
    world.sandbox.replace(ref(world), exp_month=5, exp_year=2031, number="5555555555554444")
    world.advance_to(local(2027, 7, 20))
    assert notices(world) == []
    card = world.subscription(paid.subscription_id)["payment_method"]
    assert card == {"brand": "mastercard", "last4": "4444", "exp_month": 5, "exp_year": 2031}
    assert len(world.charges()) == 5


@pytest.mark.prove
@pytest.mark.usefixtures("paid")
def test_a_card_replaced_after_the_notice_is_told_of_again_when_the_new_one_ends(world: World) -> None:
    good_through(world, 2027, 5)
    world.advance_to(local(2027, 5, 20))
    world.sandbox.replace(ref(world), exp_month=7, exp_year=2027)
    world.advance_to(local(2027, 7, 31))
    assert notices(world) == ["16 May 2027 09:00", "16 Jul 2027 09:00"]


@pytest.mark.prove
def test_no_notice_to_who_has_cancelled(world: World, paid: Subscriber) -> None:
    good_through(world, 2027, 5)
    world.advance_to(local(2027, 5, 2))
    world.api.post(f"/v1/subscriptions/{paid.subscription_id}/cancel", json={}).raise_for_status()
    world.advance_to(local(2027, 7, 1))
    assert notices(world) == []


@pytest.mark.prove
def test_a_card_that_ends_within_the_trial_is_told_of_at_once(world: World) -> None:
    world.advance_to(local(2027, 3, 20, 12))
    reader = world.start_trial("naledi@example.com")["reader"]
    good_through(world, 2027, 3)
    assert notices(world) == ["20 Mar 2027 12:00"]
    world.advance_to(local(2027, 4, 4, 10))
    assert notices(world) == ["20 Mar 2027 12:00"]
    assert world.mail_kinds(reader["email"])[-1] == "payment_failed", "nobody gave another one"


@pytest.mark.prove
def test_a_replaced_card_is_tried_at_once_where_a_payment_waits(world: World, notified: Subscriber) -> None:
    world.sandbox.decline(ref(world), "expired_card")
    world.advance_to(local(2027, 3, 18, 15))
    assert world.subscription(notified.subscription_id)["next_charge"] is None
    world.sandbox.replace(ref(world), **PLENTY | {"exp_year": 2033})
    world.settle()
    assert world.charged_at() == ["2027-03-18 15:00"]


@pytest.mark.prove
@pytest.mark.usefixtures("notified")
def test_a_card_replaced_on_the_day_it_was_refused_is_tried_the_next(world: World) -> None:
    world.sandbox.decline(ref(world), "expired_card")
    world.advance_to(local(2027, 3, 16, 15))
    world.sandbox.replace(ref(world), **PLENTY | {"exp_year": 2033})
    world.advance_to(local(2027, 3, 20))
    assert world.charged_at() == ["2027-03-17 09:00"], "one attempt a day"


@pytest.mark.prove
def test_a_lost_card_typed_again_is_not_asked_again_and_that_is_said(world: World) -> None:
    browser = world.browser()
    browser.start("naledi@example.com")
    world.sandbox.decline(ref(world), "lost_card")
    world.advance_to(local(2027, 3, 18, 15))
    browser.get("/account")
    page = browser.sent_to("/account/card")
    browser.get(world.sandbox.fill_in(page))
    assert "can’t charge this card again for now" in browser.page.text
    world.advance_to(local(2027, 4, 5))
    assert len(world.rows("SELECT id FROM attempt")) == 1


@pytest.mark.prove
def test_one_card_behind_several_readers_is_asked_eight_times_in_thirty_days(world: World) -> None:
    """Staff may let two readers share a card. Its attempts are counted together, first charges included."""
    readers = [f"r{n}@example.com" for n in range(3)]
    for number, email in enumerate(readers):
        world.start_trial(email, f"pm_card_chargeCustomerFail__{number}")
    first = world.rows("SELECT fingerprint FROM payment_method ORDER BY saved_at, id LIMIT 1")[0][
        "fingerprint"
    ]
    with world.services.database.transaction() as session:
        session.execute(sa.text("UPDATE payment_method SET fingerprint = :first"), {"first": first})
    world.advance_to(local(2027, 4, 10))
    attempts = world.rows("SELECT intended_at, invoice_id FROM attempt ORDER BY intended_at")
    assert len(attempts) == 8
    days = [row["intended_at"].astimezone(local(2027, 1, 1).tzinfo).date() for row in attempts]
    assert len(set(days[3:])) == len(days[3:]), "after the first charges, one a day"
    assert {row["state"] for row in world.rows("SELECT state FROM subscription")} == {"ended"}
