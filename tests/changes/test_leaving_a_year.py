"""A year that is left early is refunded by the day. This also holds when staff enter the letter days later, or find
an earlier one.
"""

from datetime import date, datetime

import pytest

from billing.changes.cancel import leaving
from billing.platform.actors import WORKER
from billing.subscriptions.models import Subscription
from tests.support.cancel_helpers import cancel
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


@pytest.fixture
def in_june(world: World, year: Subscriber) -> Subscriber:
    """Four months of the year are over: it is noon of 1 June 2027."""
    fast_forward(world, local(2027, 6, 1, 12))
    return year


@pytest.mark.prove
def test_a_year_left_early_gives_the_rest_back_by_the_day(world: World, in_june: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(in_june.email)
    page = browser.get("/account/cancel")
    # 20 business days after Tuesday 1 June; Youth Day, 16 June, isn't one
    assert "You read through Wednesday 30 June 2027" in page.words
    unused = (date(2028, 2, 1) - date(2027, 7, 1)).days
    cents = -(-75000 * unused // 365)
    assert f"R{cents // 100}.{cents % 100:02d} (incl. VAT) back" in page.words
    browser.post("/account/cancel", when="early")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [cents]
    assert "term_left" in world.mail_kinds(in_june.email)
    assert "CN-000001" in world.letter(in_june.email, "leave your year early").text
    assert "cancelled" not in world.mail_kinds(in_june.email), "one mail says it all"
    assert "Keep my subscription" not in browser.get("/account").words, "the money is on its way back"
    locked, reader = world.articles["subscriber"][0], in_june.reader_id
    world.advance_to(local(2027, 6, 30, 23, 59))
    assert world.access(locked, reader)["allowed"]
    world.advance_to(local(2027, 7, 1))
    assert not world.access(locked, reader)["allowed"]
    world.advance_to(local(2028, 4, 1))
    assert len(world.charges()) == 1


def test_a_year_that_was_paid_twice_is_left_by_the_payment_that_stayed(
    world: World, in_june: Subscriber
) -> None:
    """The other one has gone back."""
    world.execute(
        "INSERT INTO attempt SELECT (jsonb_populate_record(a, jsonb_build_object('id', 'att_twice', 'ordinal', 9,"
        " 'idempotency_key', 'twice', 'intent_ref', 'pi_twice', 'page_ref', NULL))).* FROM attempt a"
    )
    world.execute(
        "INSERT INTO payment SELECT (jsonb_populate_record(p, jsonb_build_object('id', 'pay_twice', 'duplicate', true,"
        " 'attempt_id', 'att_twice', 'intent_ref', 'pi_twice', 'charge_ref', 'ch_twice'))).* FROM payment p"
    )
    # the row that is written last comes last where no order is asked for
    world.execute("UPDATE payment SET paid_at = paid_at + interval '1 second' WHERE NOT duplicate")
    services = world.services
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        left = leaving(ctx, ctx.session.get_one(Subscription, in_june.subscription_id), ctx.at)
    assert left is not None
    assert left.payment.id != "pay_twice"
    assert left.cents == 44179


def test_an_earlier_letter_found_after_a_year_was_left_gives_no_reading_back(
    world: World, in_june: Subscriber
) -> None:
    subscription, reader = in_june.subscription_id, in_june.reader_id
    cancel(world, subscription, when="early")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [44179]
    world.advance_to(local(2027, 6, 3, 12))
    after = cancel(world, subscription, requested_at="2027-05-28T09:00:00Z", reason="letter of 28 May")
    assert after["cancel_requested_at"] == "2027-05-28T09:00:00Z", "the earlier moment counts"
    assert datetime.fromisoformat(after["cancels_at"]) == local(2027, 7, 1), "what went back isn't read"
    assert world.api.post(f"/v1/subscriptions/{subscription}/resume").json()["code"] == "nothing_to_undo"
    world.settle()
    assert "Wednesday 30 June 2027" in " ".join(world.letter(in_june.email, "cancelled").text.split())
    world.advance_to(local(2027, 7, 1))
    assert not world.access(world.articles["subscriber"][0], reader)["allowed"]
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [44179]


@pytest.mark.parametrize(
    ("entered", "read_to", "given_back"),
    [
        # 20 business days after Tuesday 1 June, the day of the letter; not after Thursday 10 June, when it was entered
        pytest.param(local(2027, 6, 10, 12), local(2027, 7, 1), 44179, id="while the notice runs"),
        pytest.param(
            local(2027, 7, 20, 12), local(2027, 7, 21), -(-75000 * 195 // 365), id="after it: with today"
        ),
    ],
)
def test_the_notice_of_whoever_leaves_runs_from_the_moment_of_asking(
    world: World, in_june: Subscriber, entered: datetime, read_to: datetime, given_back: int
) -> None:
    world.advance_to(entered)
    choice = {"when": "early", "requested_at": "2027-06-01T10:00:00Z"}
    after = cancel(world, in_june.subscription_id, **choice)
    assert datetime.fromisoformat(after["cancels_at"]) == read_to
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [given_back]
