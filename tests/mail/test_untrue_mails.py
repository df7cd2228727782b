"""A greylisting relay accepts a mail minutes later. A mail that has become untrue by then isn't sent."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from billing.access import grants
from billing.cards.saved_cards import last_good_day
from billing.changes import change_plan, extend, pause
from billing.newsletters import optin
from billing.newsletters.signups import Origin
from billing.payments.models import PaymentMethod
from billing.platform.actors import WORKER, ReaderActor
from billing.reports.doctor import examine
from billing.subscriptions.find import plan_on_offer
from billing.subscriptions.start import Starting, start_paid
from tests.support.cancel_helpers import cancel
from tests.support.newsroom import Newsroom
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

NOTICE = local(2027, 3, 8, 9)
"""The first notice of the trial's charge on 16 March."""


def _states(world: World, kind: str) -> list[str]:
    """The states of the mails of a kind, by name."""
    return sorted(
        row["state"] for row in world.rows("SELECT state FROM message WHERE kind = :kind", kind=kind)
    )


def _undo(world: World, reader: Subscriber) -> None:
    world.api.post(f"/v1/subscriptions/{reader.subscription_id}/resume").raise_for_status()


def _by(world: World, do: Callable[..., object], *arguments: object, **more: object) -> None:
    """Call a function of the product in a transaction of its own, as the reader."""
    services = world.services
    with services.database.begin(services.site, world.now, ReaderActor("r")) as ctx:
        do(ctx, *arguments, reason="asked", **more)


def test_who_has_cancelled_is_told_of_no_charge_to_come(world: World, in_trial: Subscriber) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.greylist(in_trial.email)
    world.advance_to(NOTICE)
    assert _states(world, "trial_notice") == ["queued"]
    cancel(world, in_trial.subscription_id)
    assert _states(world, "trial_notice") == ["obsolete"], "in the same transaction"
    world.advance(days=1)
    assert world.mail_kinds(in_trial.email) == ["trial_started", "cancelled"]
    assert not examine(world.services.database, world.services.site, world.now)[0].examples


def test_a_start_that_is_cancelled_at_once_is_not_confirmed_afterwards(world: World) -> None:
    world.smtp.greylist("a@example.com")
    begun = world.start_trial("a@example.com")
    world.settle()
    cancel(world, begun["subscription"]["id"])
    world.advance(hours=2)
    assert world.mail_kinds("a@example.com") == ["cancelled"]


def test_what_is_undone_in_time_is_announced_again_and_charged_on_its_day(
    world: World, in_trial: Subscriber
) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.greylist(in_trial.email)
    world.advance_to(NOTICE)
    cancel(world, in_trial.subscription_id)
    _undo(world, in_trial)
    world.advance(minutes=30)
    assert sorted(world.mail_kinds(in_trial.email)[1:]) == [
        "cancelled",
        "first notice for 2027-03-16",
        "resumed",
    ]
    world.advance_to(local(2027, 3, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:00"]


def test_a_notice_that_was_taken_back_is_none_and_without_it_nothing_is_charged(
    world: World, in_trial: Subscriber
) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.greylist(in_trial.email)
    world.advance_to(NOTICE)
    cancel(world, in_trial.subscription_id)
    world.advance_to(local(2027, 3, 9, 10))
    _undo(world, in_trial)
    world.advance_to(local(2027, 3, 16, 12))
    assert world.charges() == [], "its window had closed when the cancellation was undone"
    world.advance_to(local(2027, 3, 17, 9))
    assert world.charged_at() == ["2027-03-17 09:00"]
    mails = world.mail_kinds(in_trial.email)
    assert [each for each in mails if "notice" in each] == [
        "first notice for 2027-03-17",
        "second notice for 2027-03-17",
    ]


def test_a_payment_that_succeeds_takes_back_that_it_failed(world: World, paid: Subscriber) -> None:
    fast_forward(world, local(2027, 4, 16, 8, 59))
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.decline(card["gateway_ref"], "insufficient_funds")
    world.smtp.greylist(paid.email)
    world.advance_to(local(2027, 4, 16, 9))
    assert _states(world, "payment_failed") == ["queued"]
    world.sandbox.decline(card["gateway_ref"], None)
    browser = world.browser()
    browser.sign_in(paid.email)
    (invoice,) = world.rows("SELECT id FROM invoice WHERE state = 'open'")
    browser.get(f"/pay/{world.services.site.tokens.token('pay', invoice['id'])}")
    browser.post("/pay")
    assert "this is paid" in browser.page.words
    world.advance(hours=2)
    assert sorted(world.mail_kinds(paid.email)[-2:]) == ["receipt", "sign_in_link"]
    assert _states(world, "payment_failed") == ["obsolete"]


def test_only_the_newest_sign_in_link_of_a_browser_is_sent(world: World, in_trial: Subscriber) -> None:
    world.smtp.greylist(in_trial.email)
    browser = world.browser()
    for _ in range(2):
        browser.get("/sign-in")
        browser.post("/sign-in", email=in_trial.email)
        world.settle()
    world.advance(minutes=5)
    assert _states(world, "sign_in_link") == ["accepted", "obsolete"]
    assert len([one for one in world.subjects(in_trial.email) if "sign" in one.lower()]) == 1


def test_another_card_is_announced_by_a_notice_that_names_it(world: World, in_trial: Subscriber) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.greylist(in_trial.email)
    world.advance_to(NOTICE)
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.replace(card["gateway_ref"], number="5555555555554444")
    world.advance(minutes=10)
    letters = [one for one in world.letters(in_trial.email) if "16 March" in one.text][1:]
    assert len(letters) == 1
    assert "4444" in letters[0].text
    assert "4242" not in letters[0].text
    world.advance_to(local(2027, 3, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:00"]


def test_days_given_in_a_trial_take_back_what_named_the_old_day(world: World) -> None:
    world.smtp.greylist("a@example.com")
    begun = world.start_trial("a@example.com")
    world.settle()
    _by(world, extend.extend, begun["subscription"]["id"], 10)
    world.advance(minutes=10)
    assert sorted(world.mail_kinds("a@example.com")) == ["more_days", "trial_started"]
    for letter in world.letters("a@example.com"):
        assert "26 March 2027" in letter.text
        assert "16 March 2027" not in letter.text


def test_days_given_twice_are_told_once_with_the_day_that_holds(world: World, paid: Subscriber) -> None:
    world.smtp.greylist(paid.email)
    _by(world, extend.extend, paid.subscription_id, 3)
    world.settle()
    _by(world, extend.extend, paid.subscription_id, 4)
    world.advance(minutes=10)
    assert _states(world, "more_days") == ["accepted", "obsolete"]


CHOICES: dict[str, tuple[Callable[..., object], tuple[object, ...], Callable[..., object]]] = {
    "paused": (partial(pause.request_pause, most=3), (1,), pause.undo),
    "plan_switched": (change_plan.choose_plan, ("yearly",), change_plan.undo),
}


@pytest.mark.parametrize("kind", CHOICES)
def test_a_choice_that_is_undone_is_not_confirmed_afterwards(
    world: World, paid: Subscriber, kind: str
) -> None:
    choose, what, undo = CHOICES[kind]
    world.smtp.greylist(paid.email)
    _by(world, choose, paid.subscription_id, *what)
    world.settle()
    assert _states(world, kind) == ["queued"]
    _by(world, undo, paid.subscription_id)
    world.advance(minutes=10)
    assert _states(world, kind) == ["obsolete"]
    assert world.mail_kinds(paid.email)[-1] == "goes_on"


def test_documents_are_sent_whatever_happens_afterwards(world: World, notified: Subscriber) -> None:
    world.advance_to(local(2027, 3, 16, 8, 59))
    world.smtp.greylist(notified.email, times=2)
    world.advance_to(local(2027, 3, 16, 9))
    cancel(world, notified.subscription_id, refund="last")
    world.advance(hours=1)
    assert sorted(world.mail_kinds(notified.email)[-2:]) == ["cancelled", "receipt"]


def test_a_question_asked_again_is_mailed_once(world: World) -> None:
    newsroom, services = Newsroom(world), world.services
    world.smtp.greylist("new@example.com", times=4)
    for _ in range(2):
        with services.database.begin(services.site, world.now, WORKER) as ctx:
            optin.ask(ctx, "new@example.com", [newsroom.list_id], Origin("form"))
        world.advance(minutes=75)
    assert _states(world, "confirm_signup") == ["accepted", "obsolete"]


def test_a_newer_gift_of_days_takes_the_place_of_an_older(world: World) -> None:
    newsroom = Newsroom(world)
    reader = newsroom.add_reader("guest@example.com")
    world.smtp.greylist("guest@example.com")
    for days in (7, 14):
        _by(world, grants.give, reader, days)
        world.settle()
    world.advance(minutes=10)
    assert _states(world, "complimentary") == ["accepted", "obsolete"]


def test_the_end_is_no_news_once_the_reader_has_begun_again(world: World, owing: Subscriber) -> None:
    world.advance_to(local(2027, 5, 6, 23, 59))
    world.smtp.greylist(owing.email)
    world.advance_to(local(2027, 5, 7))
    assert _states(world, "ended") == ["queued"]
    services = world.services
    with services.database.begin(services.site, world.now, ReaderActor("r")) as ctx:
        plan, price = plan_on_offer(ctx.session, services.site.today(world.now))
        (card,) = ctx.session.exec(select(PaymentMethod)).all()
        agreed = Starting(owing.reader_id, plan, price, card.id, last_good_day(card), card.fingerprint)
        start_paid(ctx, agreed)
    assert _states(world, "ended") == ["obsolete"]


def test_one_that_is_taken_back_behind_others_of_its_batch_is_not_sent(world: World) -> None:
    begun = [world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n in range(2)]
    world.advance_to(NOTICE - timedelta(minutes=1))
    other = {f"r{n}@example.com": begun[1 - n]["subscription"]["id"] for n in range(2)}

    def the_other_cancels() -> None:
        to = world.rows(
            "SELECT recipient FROM message WHERE kind = 'trial_notice' ORDER BY next_attempt_at, id"
        )[0]
        cancel(world, other[to["recipient"]])

    world.smtp.meanwhile(the_other_cancels, at="dot")
    world.advance_to(NOTICE)
    assert _states(world, "trial_notice") == ["accepted", "obsolete"]


def test_one_that_is_taken_back_while_the_relay_takes_it_counts_as_told(
    world: World, in_trial: Subscriber
) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.meanwhile(lambda: cancel(world, in_trial.subscription_id), at="dot")
    world.advance_to(NOTICE)
    assert _states(world, "trial_notice") == ["accepted"]
    _undo(world, in_trial)
    world.advance_to(local(2027, 3, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:00"], "it arrived in time"


def test_one_that_is_taken_back_while_the_relay_puts_it_off_is_not_tried_again(
    world: World, in_trial: Subscriber
) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.meanwhile(lambda: cancel(world, in_trial.subscription_id), at="rcpt")
    world.smtp.greylist(in_trial.email)
    world.advance_to(NOTICE)
    world.advance(days=1)
    assert _states(world, "trial_notice") == ["obsolete"]
    assert world.mail_kinds(in_trial.email) == ["trial_started", "cancelled"]


def test_what_makes_a_mail_untrue_behind_our_back_is_seen_when_it_is_sent(
    world: World, in_trial: Subscriber
) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.greylist(in_trial.email)
    world.advance_to(NOTICE)
    world.execute("UPDATE payment_method SET last4 = '0000'")
    world.advance(minutes=1)
    assert _states(world, "trial_notice") == ["obsolete"]


def test_staff_see_that_it_was_never_sent(world: World, in_trial: Subscriber, staff: SignIn) -> None:
    fast_forward(world, NOTICE - timedelta(minutes=1))
    world.smtp.greylist(in_trial.email)
    world.advance_to(NOTICE)
    cancel(world, in_trial.subscription_id)
    support = staff("support")
    page = support.get(f"/staff/readers/{in_trial.reader_id}")
    assert "Mail “Notice of the first charge”: never sent: it had become untrue" in page.words
    (row,) = world.rows("SELECT id FROM message WHERE kind = 'trial_notice'")
    page = support.get(f"/staff/readers/{in_trial.reader_id}/mails/{row['id']}")
    assert (
        "Never sent: it had become untrue (1 try). The mail server said: 451 4.7.1 Greylisting" in page.words
    )
