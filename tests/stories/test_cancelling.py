"""Cancel at any time; cancel within 14 days and you are not billed. A cancellation counts from the request."""

from datetime import datetime

import pytest

from tests.support.actors import BY
from tests.support.cancel_helpers import cancel, cancel_signed_out, refused
from tests.support.leaps import leap_to
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def test_whoever_cancels_by_the_end_of_day_14_or_before_nine_on_the_next_is_never_billed(
    world: World,
) -> None:
    moments = [
        local(2027, 3, 1, 10, 1),
        local(2027, 3, 9, 8),
        local(2027, 3, 15, 23, 59),
        local(2027, 3, 15, 23, 59, 59),
        local(2027, 3, 16, 0),
        local(2027, 3, 16, 8, 59, 59),
    ]
    begun = [world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n in range(len(moments))]
    locked = world.articles["subscriber"][0]
    midnight = local(2027, 3, 16)
    world.settle()
    for moment, one in zip(moments, begun, strict=True):
        world.advance_to(moment)
        after = cancel(world, one["subscription"]["id"])
        assert datetime.fromisoformat(after["cancels_at"]) == max(midnight, moment)
        assert after["next_charge"] is None
        world.settle()
        assert world.access(locked, one["reader"]["id"])["allowed"] is (moment < midnight)
        assert world.mail_kinds(one["reader"]["email"])[-1] == "cancelled"

    world.advance_to(local(2027, 4, 17))
    assert world.sandbox.charges() == []
    for one in begun:
        assert world.subscription(one["subscription"]["id"])["status"] == "ended"
        assert world.access(locked, one["reader"]["id"])["reason"] == "subscribe"
        assert world.mail_kinds(one["reader"]["email"])[-1] == "cancelled", "nothing is said after it"
        assert "You were not charged" in world.letters(one["reader"]["email"])[-1].text
    assert world.rows("SELECT * FROM attempt") == []


def test_a_trial_cancelled_early_reads_on_to_its_end(world: World, in_trial: Subscriber) -> None:
    locked = world.articles["subscriber"][0]
    cancel(world, in_trial.subscription_id)
    leap_to(world, local(2027, 3, 15, 23, 59, 59), days=9)
    assert world.access(locked, in_trial.reader_id)["reason"] == "trial"
    assert sorted(world.mail_kinds(in_trial.email)) == ["cancelled", "trial_started"], (
        "no reminder of a charge that won't come"
    )
    world.advance_to(local(2027, 3, 16))
    assert world.access(locked, in_trial.reader_id)["reason"] == "subscribe"


def test_cancelled_after_a_charge_the_paid_month_is_read_to_its_end(world: World, paid: Subscriber) -> None:
    subscription, reader = paid.subscription_id, paid.reader_id
    locked = world.articles["subscriber"][0]
    leap_to(world, local(2027, 4, 2, 15), days=1)
    first = cancel(world, subscription, reason="price")
    assert datetime.fromisoformat(first["cancels_at"]) == local(2027, 4, 16)
    world.advance_to(local(2027, 4, 3))
    assert cancel(world, subscription) == first, "asking twice changes nothing"
    world.settle()
    assert world.mail_kinds(paid.email)[-2:] == ["receipt", "cancelled"]
    leap_to(world, local(2027, 4, 15, 23, 59, 59), days=1)
    assert world.access(locked, reader)["reason"] == "subscription"
    world.advance_to(local(2027, 4, 16))
    assert world.access(locked, reader)["reason"] == "subscribe"
    assert refused(world, subscription) == (409, "already_ended")
    assert refused(world, subscription, "resume") == (409, "nothing_to_undo")
    leap_to(world, local(2027, 5, 17), days=1)
    assert len(world.charges()) == 1


def test_from_the_account_page_it_takes_two_clicks(world: World, in_trial: Subscriber) -> None:
    browser = world.browser()
    account = browser.sign_in(in_trial.email)
    world.advance(minutes=1)
    assert 'href="/account/cancel"' in account.text
    page = browser.get("/account/cancel")  # the first click
    assert "15 March 2027" in page.words
    assert "not billed" in page.words
    done = browser.post("/account/cancel")  # the second
    assert done.path == "/account/cancelled"
    assert "You will not be billed" in done.words
    world.settle()
    assert world.mail_kinds(in_trial.email)[-1] == "cancelled"

    assert browser.get("/account/cancel").words == done.words, "asked again, it says that it is done"
    back = browser.get("/account")
    assert "You have cancelled; you can read through Monday 15 March 2027." in back.words
    undone = browser.undo("/account/resume")
    assert "goes on as before" in undone.text
    assert "Your free trial runs through Monday 15 March 2027." in undone.words
    leap_to(world, local(2027, 3, 16, 9), days=9)
    assert len(world.charges()) == 1


def test_the_reason_is_kept_where_one_is_given_and_an_unknown_one_is_not(
    world: World, in_trial: Subscriber
) -> None:
    browser = world.browser()
    browser.sign_in(in_trial.email)
    for reason, comment, kept in [
        ("price", "", "price"),
        ("", "", "no reason given"),
        ("<script>", "", "no reason given"),
        ("other", "moving", "other: moving"),
    ]:
        browser.get("/account/cancel")
        browser.post("/account/cancel", reason=reason, comment=comment)
        last = world.rows(f"SELECT reason, {BY} FROM subscription_change ORDER BY id DESC LIMIT 1")[0]
        assert (last["reason"], last["by"]) == (kept, f"reader:{in_trial.reader_id}")
        browser.get("/account")
        browser.undo("/account/resume")


def test_every_mail_about_the_subscription_holds_a_link_that_cancels_signed_out(
    world: World, paid: Subscriber
) -> None:
    letters = world.letters(paid.email)
    assert len(letters) == 4, "trial started, two notices, the receipt"
    for letter in letters:
        link = next(link for link in letter.links if "/cancel/" in link)
        browser = cancel_signed_out(world, link)
        assert paid.email in browser.page.words
        done = browser.post("/cancel")
        assert "Nothing more will be charged" in done.words
        assert world.subscription(paid.subscription_id)["cancels_at"] is not None
        again = browser.get(link)
        assert "Nothing more will be charged" in again.words
        world.api.post(f"/v1/subscriptions/{paid.subscription_id}/resume").raise_for_status()
    leap_to(world, local(2027, 4, 16, 9), days=1)
    assert len(world.charges()) == 2


def test_a_hundred_visits_by_mail_scanners_change_nothing(world: World, in_trial: Subscriber) -> None:
    links = [
        link
        for letter in world.letters(in_trial.email)
        for link in letter.links
        if link.startswith(world.url)
    ]
    before = world.rows("SELECT * FROM subscription")
    scanner = world.browser()
    for _ in range(100 // len(links) + 1):
        for link in links:
            assert scanner.get(link).status == 200
    assert scanner.http.head(links[0]).status_code in (200, 405)
    assert world.rows("SELECT * FROM subscription") == before
    assert len(world.rows("SELECT * FROM subscription_change")) == 1


def test_a_damaged_link_says_so_and_cancels_nothing(world: World, in_trial: Subscriber) -> None:
    link = world.mailed_link(in_trial.email, "/cancel/")
    wrong = {
        "cut": link[:-3],
        "changed": link.replace("sub_", "sub_0"),
        "for another purpose": link.replace("/cancel/", "/card/"),
        "nonsense": f"{world.url}/cancel/%E2%80%8Bx.y",
    }
    for damage, damaged in wrong.items():
        page = world.browser().get(damaged)
        assert page.status == 404, damage
        assert "copy the link whole from the mail" in page.words, damage
    assert world.rows("SELECT cancel_asked_at FROM subscription")[0]["cancel_asked_at"] is None


def test_an_earlier_letter_found_after_a_cancellation_still_counts(world: World, paid: Subscriber) -> None:
    subscription = paid.subscription_id
    leap_to(world, local(2027, 3, 20), days=1)
    cancel(world, subscription)
    world.advance_to(local(2027, 3, 22))
    cancel(world, subscription, requested_at="2027-03-21T12:00:00Z")
    world.settle()
    assert world.sandbox.refunds() == [], "a later moment changes nothing"
    after = cancel(world, subscription, requested_at="2027-03-15T12:00:00Z", reason="letter of 15 March")
    assert after["cancel_requested_at"] == "2027-03-15T12:00:00Z"
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert world.subscription(subscription)["status"] == "ended"


def test_a_moment_to_come_or_before_the_start_is_refused(world: World, in_trial: Subscriber) -> None:
    subscription = in_trial.subscription_id
    before = world.subscription(subscription)
    for moment in ("2027-03-01T08:05:01Z", "2027-02-28T08:00:00Z", "2030-01-01T00:00:00Z"):
        assert refused(world, subscription, requested_at=moment) == (422, "bad_moment")
    assert refused(world, subscription, requested_at="2027-03-01T10:00:00") == (422, "invalid"), "no zone"
    assert refused(world, subscription, when="tomorrow") == (422, "invalid")
    assert refused(world, subscription, refund="half") == (422, "invalid")
    assert refused(world, "sub_nobody") == (404, "unknown_subscription")
    assert world.subscription(subscription) == before


@pytest.mark.parametrize(
    "choice", [{"when": "now"}, {"refund": "last"}], ids=["now", "with the last charge back"]
)
def test_reading_that_is_to_end_sooner_than_was_said_is_said_anew(
    world: World, paid_twice: Subscriber, choice: dict[str, object]
) -> None:
    cancel(world, paid_twice.subscription_id)
    world.settle()
    assert "15 May 2027" in world.letter(paid_twice.email, "is cancelled").text
    cancel(world, paid_twice.subscription_id, **choice)
    world.settle()
    assert world.mail_kinds(paid_twice.email).count("cancelled") == 2
    assert "Reading for subscribers has stopped" in world.letter(paid_twice.email, "is cancelled").text
