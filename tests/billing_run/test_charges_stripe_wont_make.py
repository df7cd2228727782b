"""Stripe refuses a charge for a reason other than the card, such as our account. It is retried a few times, then
staff get a case. The reader keeps access and gets no mail.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from billing.acquirer import breaker
from billing.billing_run.run import run
from tests.support import ledger_checks
from tests.support.cli import run_on
from tests.support.leaps import leap_to
from tests.support.signed_in import signed_in
from tests.support.staff_members import add, sign_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

pytestmark = pytest.mark.rare
RENEWAL = local(2027, 4, 16, 9)
RETRY = local(2027, 4, 19, 9)
GRACE_ENDS = local(2027, 5, 7)


def card_ref(world: World) -> str:
    (row,) = world.rows("SELECT gateway_ref FROM payment_method ORDER BY saved_at DESC LIMIT 1")
    return str(row["gateway_ref"])


def attempts(world: World) -> list[str]:
    return [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY intended_at, ordinal")]


def cases(world: World) -> list[dict[str, object]]:
    return world.rows("SELECT id, what, closed_at FROM staff_case WHERE kind = 'charge_refused' ORDER BY id")


def check_reads_on(world: World, reader: Subscriber) -> None:
    """Nothing has changed for the reader."""
    assert world.access(world.articles["subscriber"][0], reader.reader_id)["allowed"]
    assert "payment_failed" not in world.mail_kinds(reader.email)


def asked(world: World, since: int) -> int:
    """The number of charge requests."""
    return sum(
        (one["method"], one["path"]) == ("POST", "/v1/payment_intents")
        for one in world.sandbox.exchanges[since:]
    )


def close_the_case(world: World) -> None:
    world.execute(
        "UPDATE staff_case SET closed_at = :at, closed_by_kind = 'staff', closed_by_id = 'x', reason = 'mended'",
        at=world.now,
    )


@pytest.fixture
def refused(world: World, paid: Subscriber) -> Subscriber:
    """Stripe didn't make the renewal: it was tried three times on its day, and there is a case."""

    def live() -> int:
        world.sandbox.banks("restrict", payment_method=card_ref(world))
        leap_to(world, RENEWAL - timedelta(hours=1))
        since = len(world.sandbox.exchanges)
        world.advance_to(RENEWAL + timedelta(hours=9))
        return asked(world, since)

    assert world.once("Stripe doesn't make the renewal", live) == 3
    return paid


@pytest.fixture
def past_grace(world: World, owing: Subscriber) -> Subscriber:
    """Stripe didn't make the retry, and the grace has passed meanwhile."""

    def live() -> None:
        world.sandbox.decline(card_ref(world), None)
        world.sandbox.banks("restrict", payment_method=card_ref(world))
        world.advance_to(RETRY + timedelta(hours=9))
        leap_to(world, GRACE_ENDS - timedelta(hours=1))
        world.advance(days=1)
        leap_to(world, local(2027, 5, 11, 12))

    world.once("Stripe doesn't make the retry", live)
    return owing


def test_it_is_tried_three_times_in_a_day_and_then_waits_for_staff(world: World, refused: Subscriber) -> None:
    assert attempts(world) == ["charged", "not_sent", "not_sent", "open"]
    (case,) = cases(world)
    assert "R75.00 incl. VAT can't be charged" in str(case["what"])
    assert "cannot currently make live charges" in str(case["what"])
    assert breaker_failures(world) == 0, "Stripe isn't away"
    since = len(world.sandbox.exchanges)
    world.advance(days=2)
    leap_to(world, RENEWAL + timedelta(days=20))
    assert asked(world, since) == 0, "and not once more in three weeks"
    assert len(cases(world)) == 1
    check_reads_on(world, refused)
    assert run_on(world, "doctor").exit_code == 0

    world.sandbox.banks("restrict", off=True)
    staff = sign_in(world, add(world, "finance").email)
    staff.get(f"/staff/cases/{case['id']}")
    staff.post(f"/staff/cases/{case['id']}/close", reason="The account is active again.")
    world.advance(days=1)
    assert attempts(world)[-1] == "charged"
    assert len(world.charges()) == 2
    assert world.subscription(refused.subscription_id)["status"] == "active"
    ledger_checks.check(world)


def breaker_failures(world: World) -> int:
    rows = world.rows("SELECT failures, paused_at FROM charging_pause")
    return 0 if not rows or rows[0]["paused_at"] is None else int(rows[0]["failures"])


def test_a_case_that_was_closed_too_soon_is_followed_by_another(world: World, refused: Subscriber) -> None:
    close_the_case(world)
    world.advance(days=2)
    assert [case["closed_at"] is None for case in cases(world)] == [False, True]
    assert attempts(world) == ["charged", *["not_sent"] * 5, "open"]
    check_reads_on(world, refused)


def test_a_first_charge_is_announced_again_after_it_could_not_be_made(
    world: World, notified: Subscriber
) -> None:
    world.sandbox.banks("restrict")
    world.advance_to(local(2027, 3, 16, 18))
    (case,) = cases(world)
    world.sandbox.banks("restrict", off=True)
    close_the_case(world)
    world.advance_to(local(2027, 3, 25, 12))
    assert case["closed_at"] is None
    assert world.charged_at() == ["2027-03-25 09:00"], "eight days after the day on which it waited"
    assert "first notice for 2027-03-25" in world.mail_kinds(notified.email)
    check_reads_on(world, notified)
    ledger_checks.check(world)


def test_an_invoice_that_is_drawn_again_for_another_plan_names_that_plan(
    world: World, notified: Subscriber
) -> None:
    world.sandbox.banks("restrict")
    world.advance_to(local(2027, 3, 16, 18))
    assert [row["gross"] for row in world.rows("SELECT gross FROM invoice")] == [7500]
    world.sandbox.banks("restrict", off=True)
    close_the_case(world)
    world.advance(days=1)
    extended = world.api.post(
        f"/v1/subscriptions/{notified.subscription_id}/extend",
        json={"days": 10, "reason": "We could not charge."},
        headers={"Idempotency-Key": "days-1"},
    )
    extended.raise_for_status()
    browser = signed_in(world, notified.email).again("/account/plan?to=yearly")
    browser.post("/account/plan", consent="yes")
    world.advance_to(local(2027, 4, 6, 12))
    assert [charge["amount"] for charge in world.charges()] == [75000]
    (invoice,) = world.rows("SELECT description, gross FROM invoice")
    assert invoice["gross"] == 75000
    assert invoice["description"].endswith(", one year")


def test_a_reader_who_cancels_or_gives_another_card_closes_the_case(
    world: World, refused: Subscriber
) -> None:
    browser = world.browser()
    browser.sign_in(refused.email)
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    world.advance(days=1)
    assert attempts(world) == ["charged", *["not_sent"] * 3, "charged"]
    assert [case["closed_at"] is not None for case in cases(world)] == [True]


def test_a_retry_that_stripe_wont_make_keeps_the_grace_from_running_out(
    world: World, past_grace: Subscriber
) -> None:
    assert world.subscription(past_grace.subscription_id)["status"] == "past_due"
    assert world.access(world.articles["subscriber"][0], past_grace.reader_id)["allowed"]
    assert len(cases(world)) == 1

    browser = world.browser()
    browser.get(world.mailed_link(past_grace.email, "/pay/"))
    assert "R75.00" in browser.page.words, "meanwhile the reader may pay in another way"
    browser.get(world.sandbox.fill_in(browser.sent_to("/pay/page"), "5555555555554444"))
    assert "this is paid" in browser.page.words
    world.settle()
    assert [case["closed_at"] is not None for case in cases(world)] == [True]
    assert world.subscription(past_grace.subscription_id)["status"] == "active"
    ledger_checks.check(world)


def test_a_press_of_the_reader_that_stripe_wont_make_leaves_every_way_open(
    world: World, owing: Subscriber
) -> None:
    world.sandbox.banks("restrict", payment_method=card_ref(world))
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    browser.post("/pay")
    assert "/pay/page" in browser.page.text, "the page is another way"
    assert cases(world) == []
    assert world.subscription(owing.subscription_id)["next_charge"] is not None, "the retry stands"


@pytest.mark.usefixtures("in_trial")
def test_a_start_without_a_trial_waits_and_is_never_said_to_be_paid(world: World) -> None:
    world.advance(days=2)
    browser = world.browser()
    browser.start("second@example.com")
    assert browser.prove().status == 409, "the card has had its trial"
    browser.post("/subscribe/without-trial")
    world.sandbox.banks("restrict", times=1)
    waiting = browser.post("/subscribe/review", consent="yes")
    assert "We have charged" not in waiting.words
    assert "One moment" in waiting.words
    assert "We have charged" not in browser.get("/subscribe/started").words
    world.settle()
    assert world.mail_kinds("second@example.com") == ["sign_in_link"]
    world.advance(hours=5)
    assert world.charged_at() == ["2027-03-03 14:00"]
    assert "We have charged R75.00" in browser.get("/subscribe/started").words
    world.settle()
    assert sorted(world.mail_kinds("second@example.com")) == ["receipt", "sign_in_link"]


def test_what_befalls_one_after_another_pauses_charging_for_all(make_world: Callable[..., World]) -> None:
    """An account that may not charge. No reader's tries are used up, and charging resumes by itself."""
    world = make_world(pause_after_failures=3, charge_concurrency=1)
    for n in range(6):
        world.start_trial(f"reader-{n}@example.com", f"pm_card_visa__{n}")
    world.advance_to(local(2027, 3, 16, 8, 59))
    world.skip_to(local(2027, 3, 16, 9))
    world.sandbox.banks("restrict")
    report = run(world.services.run_context, world.now)
    assert report.counts["not_taken"] == 3
    with world.services.database.transaction() as session:
        pause = breaker.paused(session)
    assert pause is not None
    assert "cannot currently make live charges" in pause.reason
    assert attempts(world).count("open") == 3
    assert cases(world) == []
    world.sandbox.banks("restrict", off=True)
    world.advance(hours=8)
    assert {row["state"] for row in world.rows("SELECT state FROM subscription")} == {"active"}
    ledger_checks.check(world)


@pytest.fixture
def looked(world: World, past_grace: Subscriber) -> Subscriber:
    """Stripe wouldn't make the retry, and the grace has passed meanwhile. The reader opens the page and doesn't pay there; then
    the account is well again, and the card has no money."""

    def live() -> None:
        with world.browse() as browser:
            browser.get(world.mailed_link(past_grace.email, "/pay/"))
            browser.sent_to("/pay/page")
        world.sandbox.banks("restrict", off=True)
        world.sandbox.decline(card_ref(world), "insufficient_funds")
        world.advance(days=2)

    world.once("and looks at the page to pay", live)
    assert attempts(world)[-1] == "declined"
    return past_grace


def test_a_page_that_lapses_after_the_grace_leaves_the_reader_a_week_of_which_they_are_told(
    world: World, looked: Subscriber
) -> None:
    assert world.subscription(looked.subscription_id)["status"] == "past_due"
    assert world.mail_kinds(looked.email).count("payment_failed") == 2
    letter = [one for one in world.letters(looked.email) if "/pay/" in one.text][-1]
    assert "You can read until:  Monday 17 May 2027" in letter.text, "seven days from the refusal of 11 May"
    assert world.access(world.articles["subscriber"][0], looked.reader_id)["allowed"]
    world.advance(days=4)
    browser = world.browser()
    browser.get(world.mailed_link(looked.email, "/pay/"))
    browser.get(world.sandbox.fill_in(browser.sent_to("/pay/page"), "5555555555554444"))
    assert "this is paid" in browser.page.words
    world.settle()
    assert world.subscription(looked.subscription_id)["status"] == "active"
    ledger_checks.check(world)


def test_a_week_that_passes_unpaid_ends_it_once(world: World, looked: Subscriber) -> None:
    world.advance(days=8)
    assert world.subscription(looked.subscription_id)["status"] == "ended"
    assert world.mail_kinds(looked.email)[-2:] == ["payment_failed", "ended"]
    assert attempts(world).count("declined") == 2, "the bank isn't asked again"


def test_a_case_that_staff_close_after_the_grace_leaves_the_reader_a_week_too(
    world: World, past_grace: Subscriber
) -> None:
    world.sandbox.banks("restrict", off=True)
    world.sandbox.decline(card_ref(world), "insufficient_funds")
    close_the_case(world)
    world.advance(days=2)
    assert world.subscription(past_grace.subscription_id)["status"] == "past_due"
    assert world.mail_kinds(past_grace.email)[-1] == "payment_failed"
