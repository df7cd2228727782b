"""Cancel at any time; cancel within 14 days and you are not billed. A cancellation counts from when it was asked."""

from datetime import datetime
from typing import Any

import pytest

from tests.world import Browser, World, local

EMAIL = "naledi@example.com"


def cancel(world: World, subscription_id: str, **body: object) -> dict[str, Any]:
    """By the API; it must succeed."""
    answer = world.api.post(f"/v1/subscriptions/{subscription_id}/cancel", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refused(world: World, subscription_id: str, what: str = "cancel", **body: object) -> tuple[int, str]:
    """By the API; status and code of the refusal."""
    answer = world.api.post(f"/v1/subscriptions/{subscription_id}/{what}", json=body)
    return answer.status_code, answer.json()["code"]


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
        assert world.told(one["reader"]["email"])[-1] == "cancelled"

    world.advance_to(local(2027, 5, 20))
    assert world.twin.charges() == []
    for one in begun:
        assert world.subscription(one["subscription"]["id"])["status"] == "ended"
        assert world.access(locked, one["reader"]["id"])["reason"] == "subscribe"
        assert world.told(one["reader"]["email"])[-1] == "cancelled", "nothing is said after it"
        assert "You were not charged" in world.letters(one["reader"]["email"])[-1].text
    assert world.rows("SELECT * FROM attempt") == []


def test_a_trial_cancelled_early_reads_on_to_its_end(world: World) -> None:
    begun = world.start_trial(EMAIL)
    locked = world.articles["subscriber"][0]
    world.settle()
    cancel(world, begun["subscription"]["id"])
    world.advance_to(local(2027, 3, 15, 23, 59, 59))
    assert world.access(locked, begun["reader"]["id"])["reason"] == "trial"
    assert sorted(world.told(EMAIL)) == ["cancelled", "trial_started"], (
        "no reminder of a charge that won't come"
    )
    world.advance_to(local(2027, 3, 16))
    assert world.access(locked, begun["reader"]["id"])["reason"] == "subscribe"


def test_cancelled_after_a_charge_the_paid_month_is_read_to_its_end(world: World) -> None:
    begun = world.start_trial(EMAIL)
    subscription, reader = begun["subscription"]["id"], begun["reader"]["id"]
    locked = world.articles["subscriber"][0]
    world.advance_to(local(2027, 4, 2, 15))
    first = cancel(world, subscription, reason="price")
    assert datetime.fromisoformat(first["cancels_at"]) == local(2027, 4, 16)
    world.advance_to(local(2027, 4, 3))
    assert cancel(world, subscription) == first, "asking twice changes nothing"
    world.settle()
    assert world.told(EMAIL)[-2:] == ["receipt", "cancelled"]
    world.advance_to(local(2027, 4, 15, 23, 59, 59))
    assert world.access(locked, reader)["reason"] == "subscription"
    world.advance_to(local(2027, 4, 16))
    assert world.access(locked, reader)["reason"] == "subscribe"
    assert refused(world, subscription) == (409, "already_ended")
    assert refused(world, subscription, "resume") == (409, "nothing_to_undo")
    world.advance_to(local(2027, 7, 1))
    assert len(world.charges()) == 1


def test_a_cancellation_is_undone_in_the_trial_and_in_a_paid_month(world: World) -> None:
    begun = world.start_trial(EMAIL)
    subscription = begun["subscription"]["id"]
    assert refused(world, subscription, "resume") == (409, "nothing_to_undo")
    world.advance_to(local(2027, 3, 4))
    cancel(world, subscription)
    world.advance_to(local(2027, 3, 5))
    answer = world.api.post(f"/v1/subscriptions/{subscription}/resume").json()
    assert (answer["status"], answer["cancels_at"], answer["cancel_requested_at"]) == ("trialing", None, None)
    world.advance_to(local(2027, 3, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:00"]

    world.advance_to(local(2027, 4, 10))
    cancel(world, subscription)
    world.advance_to(local(2027, 4, 15, 23, 59, 59))
    assert world.told(EMAIL)[-1] == "cancelled"
    assert world.api.post(f"/v1/subscriptions/{subscription}/resume").status_code == 200
    world.advance_to(local(2027, 4, 17))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-04-16 09:00"]
    told = world.told(EMAIL)
    assert told[:3] == ["trial_started", "cancelled", "resumed"]
    assert told[-4:] == ["receipt", "cancelled", "resumed", "receipt"]


def test_undone_after_a_notice_was_missed_the_trial_is_longer_and_told_anew(world: World) -> None:
    subscription = world.start_trial(EMAIL)["subscription"]["id"]
    cancel(world, subscription)
    world.advance_to(local(2027, 3, 12, 12))
    answer = world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status().json()
    assert datetime.fromisoformat(answer["next_charge"]["at"]) == local(2027, 3, 20, 9)
    world.settle()
    resumed = next(letter for letter in world.letters(EMAIL) if "goes on" in letter.subject + letter.text)
    assert "20 March 2027" in resumed.text, "the mail names the day that holds"
    world.advance_to(local(2027, 3, 20, 8, 59))
    assert world.twin.charges() == []
    world.advance_to(local(2027, 3, 20, 9))
    assert world.charged_at() == ["2027-03-20 09:00"]
    told = world.told(EMAIL)
    assert told[-2:] == ["second notice for 2027-03-20", "receipt"]
    assert told.count("first notice for 2027-03-20") == 1


def test_a_trial_is_made_longer_by_an_undo_once_and_not_for_ever(world: World) -> None:
    subscription = world.start_trial(EMAIL)["subscription"]["id"]
    cancel(world, subscription)
    world.advance_to(local(2027, 3, 12, 12))
    world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
    cancel(world, subscription)  # in the same minute, before the notice for 20 March
    world.advance_to(local(2027, 3, 18, 12))
    answer = world.api.post(f"/v1/subscriptions/{subscription}/resume")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_undo")
    assert "moved the next charge once already" in answer.json()["detail"]
    browser = _signed_out_cancel(world, world.mailed_link(EMAIL, "/cancel"))
    assert 'action="/cancel/undo"' not in browser.page.text, "nor does a page offer it"
    world.advance_to(local(2027, 5, 1))
    assert world.subscription(subscription)["status"] == "ended"
    assert world.charges() == []


def test_an_undo_that_moves_nothing_is_never_too_many(world: World) -> None:
    subscription = world.start_trial(EMAIL)["subscription"]["id"]
    cancel(world, subscription)
    world.advance_to(local(2027, 3, 12, 12))
    for hour in (12, 18, 23):
        world.advance_to(local(2027, 3, 12, hour))
        world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
        world.advance(minutes=5)
        cancel(world, subscription)
    world.advance_to(local(2027, 3, 13))
    world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
    world.advance_to(local(2027, 3, 20, 9))
    assert world.charged_at() == ["2027-03-20 09:00"]


def test_from_the_account_page_it_takes_two_clicks(world: World) -> None:
    browser = world.browser()
    browser.start(EMAIL)
    world.advance(minutes=1)
    account = browser.get("/account")
    assert 'href="/account/cancel"' in account.text
    page = browser.get("/account/cancel")  # the first click
    assert "15 March 2027" in page.words
    assert "not billed" in page.words
    done = browser.post("/account/cancel")  # the second
    assert done.path == "/account/cancelled"
    assert "You will not be billed" in done.words
    world.settle()
    assert world.told(EMAIL)[-1] == "cancelled"

    assert browser.get("/account/cancel").words == done.words, "asked again, it says that it is done"
    back = browser.get("/account")
    assert "You have cancelled; you can read through Monday 15 March 2027." in back.words
    undone = browser.post("/account/resume")
    assert "goes on as before" in undone.text
    assert "Your free trial runs through Monday 15 March 2027." in undone.words
    world.advance_to(local(2027, 3, 16, 9))
    assert len(world.charges()) == 1


def test_the_reason_is_kept_where_one_is_given_and_an_unknown_one_is_not(world: World) -> None:
    for number, (reason, comment, kept) in enumerate(
        [
            ("price", "", "price"),
            ("", "", "no reason given"),
            ("<script>", "", "no reason given"),
            ("other", "moving", "other: moving"),
        ]
    ):
        browser = world.browser()
        browser.start(f"r{number}@example.com", f"{4242424242424242}__{number}")
        browser.get("/account/cancel")
        browser.post("/account/cancel", reason=reason, comment=comment)
        last = world.rows("SELECT why, by FROM subscription_change ORDER BY id DESC LIMIT 1")[0]
        assert (last["why"], last["by"]) == (kept, "reader")


def _signed_out_cancel(world: World, link: str) -> Browser:
    """Follow a mailed link in a browser that has never been here."""
    browser = world.browser()
    page = browser.get(link)
    assert page.path == "/cancel", "the token is out of the address bar"
    assert page.status == 200
    return browser


def test_every_mail_about_the_subscription_holds_a_link_that_cancels_signed_out(world: World) -> None:
    subscription = world.start_trial(EMAIL)["subscription"]["id"]
    world.advance_to(local(2027, 4, 2))
    letters = world.letters(EMAIL)
    assert len(letters) == 4, "trial started, two notices, the receipt"
    for letter in letters:
        link = next(link for link in letter.links if "/cancel/" in link)
        browser = _signed_out_cancel(world, link)
        assert EMAIL in browser.page.words
        done = browser.post("/cancel")
        assert "Nothing more will be charged" in done.words
        assert world.subscription(subscription)["cancels_at"] is not None
        again = browser.get(link)
        assert "Nothing more will be charged" in again.words
        browser.post("/cancel/undo")
        assert world.subscription(subscription)["cancels_at"] is None
    world.advance_to(local(2027, 4, 16, 9))
    assert len(world.charges()) == 2


def test_a_hundred_visits_by_mail_scanners_change_nothing(world: World) -> None:
    world.start_trial(EMAIL)
    world.settle()
    links = [link for letter in world.letters(EMAIL) for link in letter.links if link.startswith(world.url)]
    before = world.rows("SELECT * FROM subscription")
    scanner = world.browser()
    for _ in range(100 // len(links) + 1):
        for link in links:
            assert scanner.get(link).status == 200
    assert scanner.http.head(links[0]).status_code in (200, 405)
    assert world.rows("SELECT * FROM subscription") == before
    assert len(world.rows("SELECT * FROM subscription_change")) == 1


def test_a_damaged_link_says_so_and_cancels_nothing(world: World) -> None:
    world.start_trial(EMAIL)
    world.settle()
    link = world.mailed_link(EMAIL, "/cancel/")
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


def test_staff_enter_a_letter_received_in_the_trial_and_both_charges_since_go_back(world: World) -> None:
    begun = world.start_trial(EMAIL)
    subscription, reader = begun["subscription"]["id"], begun["reader"]["id"]
    world.advance_to(local(2027, 5, 3, 11))
    assert len(world.charges()) == 2
    cancel(world, subscription, requested_at="2027-03-14T18:00:00+02:00", reason="letter")
    world.settle()
    assert [refund["amount"] for refund in world.twin.refunds()] == [7500, 7500]
    invoices = world.api.get(f"/v1/readers/{reader}/invoices").json()["data"]
    notes = [world.api.get(f"/v1/invoices/{invoice['id']}").json()["refunds"] for invoice in invoices]
    assert sorted(note["credit_note"] for found in notes for note in found) == ["CN-000001", "CN-000002"]
    assert sorted(world.told(EMAIL)[-3:]) == ["cancelled", "refunded", "refunded"]
    refunded = [letter for letter in world.letters(EMAIL) if "CN-00000" in letter.text]
    assert all("R75.00" in letter.text and "R9.78" in letter.text for letter in refunded)
    assert len(refunded) == 2
    assert world.subscription(subscription)["status"] == "ended"
    assert world.access(world.articles["subscriber"][0], reader)["reason"] == "subscribe"
    world.advance_to(local(2027, 8, 1))
    assert len(world.charges()) == 2


def test_a_moment_between_two_charges_gives_back_only_the_later_one(world: World) -> None:
    begun = world.start_trial(EMAIL)
    subscription = begun["subscription"]["id"]
    world.advance_to(local(2027, 4, 20))
    after = cancel(world, subscription, requested_at="2027-04-01T12:00:00Z")
    assert after["cancel_requested_at"] == "2027-04-01T12:00:00Z"
    world.settle()
    newest, oldest = world.twin.charges()
    assert (newest["amount_refunded"], oldest["amount_refunded"]) == (7500, 0)
    assert world.subscription(subscription)["status"] == "ended", "the month that was paid for is over"


def test_an_earlier_letter_found_after_a_cancellation_still_counts(world: World) -> None:
    subscription = world.start_trial(EMAIL)["subscription"]["id"]
    world.advance_to(local(2027, 3, 20))
    cancel(world, subscription)
    world.advance_to(local(2027, 3, 22))
    cancel(world, subscription, requested_at="2027-03-21T12:00:00Z")
    world.settle()
    assert world.twin.refunds() == [], "a later moment changes nothing"
    after = cancel(world, subscription, requested_at="2027-03-15T12:00:00Z", reason="letter of 15 March")
    assert after["cancel_requested_at"] == "2027-03-15T12:00:00Z"
    world.settle()
    assert [refund["amount"] for refund in world.twin.refunds()] == [7500]
    assert world.subscription(subscription)["status"] == "ended"


def test_a_moment_to_come_or_before_the_start_is_refused(world: World) -> None:
    subscription = world.start_trial(EMAIL)["subscription"]["id"]
    before = world.subscription(subscription)
    for moment in ("2027-03-01T08:00:01Z", "2027-02-28T08:00:00Z", "2030-01-01T00:00:00Z"):
        assert refused(world, subscription, requested_at=moment) == (422, "bad_moment")
    assert refused(world, subscription, requested_at="2027-03-01T10:00:00") == (422, "invalid"), "no zone"
    assert refused(world, subscription, when="tomorrow") == (422, "invalid")
    assert refused(world, subscription, refund="half") == (422, "invalid")
    assert refused(world, "sub_nobody") == (404, "unknown_subscription")
    assert world.subscription(subscription) == before


def test_now_and_the_last_charge_back_none_or_only_what_came_after(world: World) -> None:
    wishes: dict[str, tuple[dict[str, str], str, int]] = {
        "now, last": ({"when": "now", "refund": "last"}, "ended", 7500),
        "now, none": ({"when": "now", "refund": "none"}, "ended", 0),
        "now": ({"when": "now"}, "ended", 0),
        "end, last": ({"refund": "last"}, "ended", 7500),
        "end, none": ({"refund": "none", "requested_at": "2027-04-20T08:00:00Z"}, "active", 0),
    }
    begun = {
        name: world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n, name in enumerate(wishes)
    }
    world.advance_to(local(2027, 5, 1))
    for name, (wish, _, _) in wishes.items():
        cancel(world, begun[name]["subscription"]["id"], **wish)
    world.settle()
    for name, (_, status, returned) in wishes.items():
        one = begun[name]
        assert (name, world.subscription(one["subscription"]["id"])["status"]) == (name, status)
        charges = world.charges(of=one["reader"]["id"])
        assert [charge["amount_refunded"] for charge in charges] == [0, returned]
        reads = world.access(world.articles["subscriber"][0], one["reader"]["id"])["allowed"]
        assert reads is (status == "active")
    world.advance_to(local(2027, 6, 1))
    assert len(world.charges()) == 2 * len(wishes)


def test_what_was_charged_after_the_moment_of_asking_is_never_kept(world: World) -> None:
    """Not even when a program says so: the doctor would send it back at night, with an apology."""
    begun = [world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n in range(2)]
    kept, last = (one["subscription"]["id"] for one in begun)
    world.advance_to(local(2027, 5, 1))
    asked = "2027-03-10T08:00:00Z"
    assert refused(world, kept, refund="none", requested_at=asked) == (409, "charged_since")
    assert world.subscription(kept)["cancel_requested_at"] is None
    cancel(world, kept, requested_at=asked)
    cancel(world, last, refund="last", requested_at=asked)
    world.settle()
    for one in begun:
        charges = world.charges(of=one["reader"]["id"])
        assert [charge["amount_refunded"] for charge in charges] == [7500, 7500]
    world.advance(days=1)
    assert world.rows("SELECT kind FROM staff_case") == []


def test_reading_that_is_to_end_sooner_than_was_said_is_said_anew(world: World) -> None:
    wishes: list[dict[str, object]] = [{"when": "now"}, {"refund": "last"}]
    begun = [world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n in range(2)]
    world.advance_to(local(2027, 4, 20))
    for one, wish in zip(begun, wishes, strict=True):
        subscription, email = one["subscription"]["id"], one["reader"]["email"]
        cancel(world, subscription)
        world.settle()
        assert "15 May 2027" in world.letter(email, "is cancelled").text
        cancel(world, subscription, **wish)
        world.settle()
        assert world.told(email).count("cancelled") == 2
        assert "Reading for subscribers has stopped" in world.letter(email, "is cancelled").text


@pytest.mark.parametrize("day", [16, 30])
def test_within_14_days_of_the_first_charge_the_cancel_page_gives_it_back_in_one_step(
    world: World, day: int
) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, day, 18))
    browser = _signed_out_cancel(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "End today and get R75.00 (incl. VAT) back" in browser.page.words
    done = browser.post("/cancel", when="now")
    assert "R75.00 (incl. VAT) is on its way back" in done.words
    world.settle()
    assert world.charges()[0]["amount_refunded"] == 7500
    assert world.rows("SELECT state FROM subscription")[0]["state"] == "ended"
    assert sorted(world.told(EMAIL)[-2:]) == ["refunded", "withdrawn"]


def test_what_went_back_long_before_is_not_announced_by_the_cancelled_page(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, 20, 11))
    (payment,) = world.rows("SELECT id FROM payment")
    wish = {"amount": 2000, "reason": "A week without the site"}
    answer = world.api.post(f"/v1/payments/{payment['id']}/refunds", json=wish)
    assert answer.status_code < 300, answer.text
    world.advance_to(local(2027, 4, 4, 11))
    browser = _signed_out_cancel(world, world.mailed_link(EMAIL, "/cancel/"))
    done = browser.post("/cancel", when="period_end")
    assert "You can read through" in done.words
    assert "on its way back" not in done.words


def test_what_went_back_is_announced_until_the_bank_must_have_shown_it(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, 20, 11))
    browser = _signed_out_cancel(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "R75.00 (incl. VAT) is on its way back" in browser.post("/cancel", when="now").words
    world.advance(days=9)
    assert "R75.00 (incl. VAT) is on its way back" in browser.get("/cancel").words
    world.advance(days=3)
    assert "on its way back" not in browser.get("/cancel").words


def test_on_the_fifteenth_day_the_money_is_not_offered_and_cannot_be_taken(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 3, 31, 0))
    browser = _signed_out_cancel(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "back" not in browser.page.words.replace("Back, and keep", "")
    browser.post("/cancel", when="now")
    world.settle()
    assert world.twin.refunds() == []
    assert world.rows("SELECT state FROM subscription")[0]["state"] == "active"


def test_in_the_second_month_there_is_no_cooling_off(world: World) -> None:
    world.browser().start(EMAIL)
    world.advance_to(local(2027, 4, 17))
    browser = _signed_out_cancel(world, world.mailed_link(EMAIL, "/cancel/"))
    assert "R75.00" not in browser.page.words
