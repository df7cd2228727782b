"""A backup is restored after a billing run. All later events of Stripe are fetched and stored before anybody is
charged again.
"""

from datetime import timedelta

import httpx
import pytest

from billing.billing_run.run import run
from billing.changes import change_plan
from billing.platform import installation
from billing.platform.actors import ReaderActor
from billing.platform.installation import AsksAcquirer
from billing.timetable import tick
from tests.proofs.steps import intend
from tests.support import ledger_checks
from tests.support.cli import run_on
from tests.support.leaps import leap_to
from tests.support.metrics import metrics
from tests.support.restored import READERS, adopt, all_kept, first_charges
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber, go_to
from tests.support.world import World, local

INVOICES = "SELECT id, gross, paid_at, issued_on, period_start_on FROM invoice ORDER BY id"


@pytest.fixture
def charged(world: World) -> World:
    """See `restored.first_charges`."""
    return first_charges(world)


def test_no_reader_is_charged_a_second_time(charged: World) -> None:
    world = charged
    before = world.rows(INVOICES)
    world.restore_backup()
    said = adopt(world)
    world.advance(days=2)
    assert len(world.charges()) == 3, "each was charged once"
    assert "3 charges, R225.00, taken in" in said
    assert world.rows(INVOICES) == before
    assert [row["number"] for row in world.rows("SELECT number FROM invoice ORDER BY number")] == [1, 2, 3]
    all_kept(world)
    leap_to(world, local(2027, 4, 16, 12), days=1)
    assert len(world.charges()) == 6, "the second month is charged as ever"
    all_kept(world)


def test_the_receipt_that_comes_again_says_why(charged: World) -> None:
    world = charged
    world.restore_backup()
    adopt(world)
    world.settle()
    for email in READERS:
        receipts = [letter for letter in world.letters(email) if letter.subject.startswith("Tax invoice")]
        first, again = receipts
        (row,) = world.rows(
            "SELECT number FROM invoice i JOIN reader r ON r.id = i.reader_id WHERE email = :email",
            email=email,
        )
        assert f"INV-{row['number']:06}" in again.subject, "the number of the books"
        assert "restore our records from a backup" not in first.text
        for words in (again.text, again.html):
            assert "restore our records from a backup" in words
            assert "If that one has another number, please use this one." in words


def test_two_months_after_the_backup_are_taken_in_in_their_order(charged: World) -> None:
    world = charged
    leap_to(world, local(2027, 4, 16, 12), days=1)
    before = world.rows(INVOICES)
    assert len(before) == 6
    world.restore_backup()
    assert "6 charges, R450.00, taken in" in adopt(world)
    assert world.rows(INVOICES) == before
    assert {row["period_number"] for row in world.rows("SELECT period_number FROM subscription")} == {2}
    world.advance(days=1)
    assert len(world.charges()) == 6


def test_a_trial_that_was_longer_than_the_backup_knows_is_paid_from_its_own_first_day(
    world: World, in_trial: Subscriber
) -> None:
    world.back_up()
    path = f"/v1/subscriptions/{in_trial.subscription_id}/extend"
    world.api.post(path, json={"days": 10, "reason": "a strike at the post office"}).raise_for_status()
    leap_to(world, local(2027, 3, 27, 12), days=10)
    before = world.rows(INVOICES)
    assert len(before) == 1
    world.restore_backup()
    adopt(world)
    assert world.rows(INVOICES) == before
    leap_to(world, local(2027, 4, 25, 12), days=1)
    assert len(world.charges()) == 1
    world.advance_to(local(2027, 4, 26, 12))
    assert len(world.charges()) == 2


@pytest.mark.parametrize("undone", [True, False])
def test_a_plan_chosen_in_the_trial_begins_if_it_was_charged(
    world: World, in_trial: Subscriber, undone: bool
) -> None:
    services, by = world.services, ReaderActor(in_trial.reader_id)
    with services.database.begin(services.site, world.now, by) as ctx:
        change_plan.choose_plan(ctx, in_trial.subscription_id, "yearly", reason="chosen")
    world.back_up()
    if undone:
        with services.database.begin(services.site, world.now, by) as ctx:
            change_plan.undo(ctx, in_trial.subscription_id, reason="taken back")
    leap_to(world, local(2027, 3, 16, 12), days=9)
    world.restore_backup()
    adopt(world)
    leap_to(world, local(2027, 4, 17), days=1)
    assert [charge["amount"] for charge in world.charges()] == ([7500, 7500] if undone else [75000])


def test_what_was_known_before_is_not_taken_in_again(charged: World) -> None:
    """Stripe lists charges, a refund and a card of the hour before. They cause no second mail."""
    world = charged
    (payment, *_) = world.rows("SELECT id FROM payment ORDER BY id")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    browser = signed_in(world, READERS[0])
    browser.get("/account")
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    world.settle()
    before = {email: world.subjects(email) for email in READERS}
    world.back_up()
    world.restore_backup()
    assert "nothing that was not known" in adopt(world)
    world.advance(days=1)
    assert {email: world.subjects(email) for email in READERS} == before
    assert (len(world.charges()), len(world.sandbox.refunds())) == (3, 1)
    all_kept(world)


def test_the_same_claim_has_the_same_name_so_stripe_takes_nothing_twice(charged: World) -> None:
    """Even without a look-up at Stripe, when two databases charge by mistake."""
    world = charged
    names = world.rows("SELECT id, idempotency_key, invoice_id FROM attempt ORDER BY id")
    world.restore_backup()
    world.execute(f"UPDATE installation SET home = {installation.HOME}")
    run(world.services.run_context, world.now)
    assert len(world.charges()) == 3
    assert world.rows("SELECT id, idempotency_key, invoice_id FROM attempt ORDER BY id") == names
    assert {row["state"] for row in world.rows("SELECT state FROM invoice")} == {"paid"}
    subscriptions = [row["id"] for row in world.rows("SELECT id FROM subscription")]
    assert {row["idempotency_key"] for row in names} == {f"main-{each}-p1-r1" for each in subscriptions}


def test_a_refusal_since_the_backup_is_answered_as_before_and_no_bank_is_asked_twice(
    world: World, paid: Subscriber
) -> None:
    leap_to(world, local(2027, 4, 15, 20), days=1)
    world.back_up()
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.decline(card["gateway_ref"], "insufficient_funds")
    world.advance_to(local(2027, 4, 16, 12))
    asked = len(world.sandbox.charges())
    world.restore_backup()
    assert "nothing that was not known" in adopt(world)
    world.settle()
    assert len(world.sandbox.charges()) == asked == 2
    assert world.subscription(paid.subscription_id)["status"] == "past_due"
    world.sandbox.decline(card["gateway_ref"], None)
    world.advance(days=5)
    assert len(world.charges()) == 2, "the ladder goes on from there, under the next name"
    all_kept(world)


# held until it is done


def test_books_are_compared_only_after_the_lost_charges_were_taken_in(world: World, paid: Subscriber) -> None:
    """A worker may start on the restored database before it is adopted. What the backup lacks is no difference yet."""
    compared = "SELECT max(through) AS through FROM reconciliation"
    leap_to(world, local(2027, 4, 15, 20), days=1)
    world.back_up()
    before = world.rows(compared)
    world.advance_to(local(2027, 4, 17, 12))
    after = world.rows(compared)
    assert after != before
    world.restore_backup()
    tick(world.services)
    assert world.rows(compared) == before
    assert "1 charge, R75.00, taken in" in adopt(world)
    world.settle()
    assert world.rows(compared) == after
    all_kept(world)


@pytest.mark.rare
def test_money_is_held_until_stripe_could_be_asked(charged: World, caplog: pytest.LogCaptureFixture) -> None:
    world = charged
    world.restore_backup()
    world.sandbox.faults({"effect": "500_before", "path": "/v1/refunds*", "times": None})
    done = run_on(world, "adopt", "--yes")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "Money is held until it was" in done.stderr
    with pytest.raises(AsksAcquirer):
        run(world.services.run_context, world.now)
    ready = httpx.get(f"{world.url}/readyz", trust_env=False)
    assert ready.json()["money_and_mail"] == "stopped"
    assert "the acquirer has said" in ready.json()["why"]
    assert 'masthead_stopped{what="charges"} 1.0' in metrics(world)
    world.skip_to(world.now + timedelta(minutes=2))
    assert tick(world.services) > 0
    assert "money is held" in caplog.text
    assert len(world.charges()) == 3
    world.sandbox.faults()
    world.skip_to(world.now + timedelta(hours=1))
    tick(world.services)
    world.settle()
    assert len(world.charges()) == 3
    assert httpx.get(f"{world.url}/readyz", trust_env=False).json()["money_and_mail"] == "moving"
    assert 'masthead_stopped{what="charges"} 0.0' in metrics(world)
    all_kept(world)


def test_no_refund_leaves_before_stripe_could_be_asked(world: World, paid: Subscriber) -> None:
    world.back_up()
    world.restore_backup()
    (payment,) = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    tick(world.services)
    assert world.sandbox.refunds() == [], "it may have gone from the other one"
    world.sandbox.faults({"effect": "500_before", "path": "/v1/setup_intents*", "times": None})
    assert run_on(world, "adopt", "--yes").exit_code == 1
    tick(world.services)
    assert world.sandbox.refunds() == []
    world.sandbox.faults()
    world.skip_to(world.now + timedelta(hours=1))
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]


# refunds, cards, readers


def test_what_went_back_is_not_paid_back_again_and_who_withdrew_is_not_charged(
    world: World, paid: Subscriber
) -> None:
    world.back_up()
    path = f"/v1/subscriptions/{paid.subscription_id}/withdraw"
    world.api.post(path, json={"reason": "changed my mind"}).raise_for_status()
    world.settle()
    before = world.rows(
        "SELECT id, amount, net, vat, cause, state, idempotency_key, credit_note_number FROM refund"
    )
    assert len(before) == 1
    world.restore_backup()
    assert "1 refund, R75.00, taken in" in adopt(world)
    assert (
        world.rows(
            "SELECT id, amount, net, vat, cause, state, idempotency_key, credit_note_number FROM refund"
        )
        == before
    )
    assert world.subscription(paid.subscription_id)["status"] == "ended"
    world.advance_to(local(2027, 4, 17))
    assert len(world.charges()) == 1
    assert len(world.sandbox.refunds()) == 1
    assert (
        "restore our records from a backup"
        in world.letters(paid.email)[-1].text + world.letters(paid.email)[-2].text
    )
    all_kept(world)


def test_a_charge_and_its_refund_after_the_backup_are_both_taken_in(charged: World) -> None:
    world = charged
    (payment, *_) = world.rows("SELECT id FROM payment ORDER BY id")
    body = {"amount": 2500, "reason": "kind"}
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json=body).raise_for_status()
    world.settle()
    world.restore_backup()
    said = adopt(world)
    assert "3 charges, R225.00, taken in" in said
    assert "1 refund, R25.00, taken in" in said
    world.advance(days=2)
    assert world.rows("SELECT payment_id, amount, net, vat, state FROM refund") == [
        {"payment_id": payment["id"], "amount": 2500, "net": 2174, "vat": 326, "state": "succeeded"}
    ]
    assert len(world.sandbox.refunds()) == 1
    all_kept(world)


def test_what_was_under_way_at_the_backup_and_ended_since_is_taken_in(
    world: World, paid_twice: Subscriber
) -> None:
    """Days later Stripe has forgotten the keys. Under them it would refuse the refund and charge again."""
    leap_to(world, local(2027, 5, 16, 8, 59), days=1)
    world.skip_to(local(2027, 5, 16, 9))
    intend(world, paid_twice.subscription_id)
    (payment, *_) = world.rows("SELECT id FROM payment ORDER BY paid_at")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    world.back_up()
    world.advance_to(local(2027, 5, 20))
    before = world.rows("SELECT id, state, credit_note_number FROM refund"), world.rows(INVOICES)
    world.restore_backup()
    said = adopt(world)
    assert "1 charge, R75.00, taken in" in said
    assert "1 refund, R75.00, taken in" in said
    world.settle()
    assert (world.rows("SELECT id, state, credit_note_number FROM refund"), world.rows(INVOICES)) == before
    assert (len(world.charges()), len(world.sandbox.refunds())) == (3, 1)
    all_kept(world)


@pytest.mark.parametrize("page_open", [False, True])
def test_a_card_saved_after_the_backup_is_charged_from_then_on(
    world: World, paid: Subscriber, page_open: bool
) -> None:
    browser = world.browser()
    browser.sign_in(paid.email)
    if not page_open:
        world.back_up()
    browser.get("/account")
    page = browser.sent_to("/account/card")
    if page_open:
        world.back_up()
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    world.settle()
    world.restore_backup()
    assert "1 card taken in" in adopt(world)
    assert world.subscription(paid.subscription_id)["payment_method"]["last4"] == "4444"
    leap_to(world, local(2027, 4, 16, 12), days=1)
    assert world.charges()[-1]["payment_method_details"]["card"]["last4"] == "4444"


def test_what_is_paid_on_a_page_after_the_backup_is_taken_in_with_its_card(
    world: World, owing: Subscriber
) -> None:
    world.back_up()
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    page = browser.sent_to("/pay/page")
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    world.settle()
    before = world.rows(INVOICES)
    world.restore_backup()
    assert "1 charge, R75.00, taken in" in adopt(world)
    assert world.rows(INVOICES) == before
    found = world.subscription(owing.subscription_id)
    assert (found["status"], found["payment_method"]["last4"]) == ("active", "4444")
    world.advance_to(local(2027, 5, 15, 12))
    assert len(world.charges()) == 2
    all_kept(world)


@pytest.mark.parametrize("charged_before", [True, False])
def test_what_a_bank_took_back_after_the_backup_stops_the_next_charge(
    world: World, notified: Subscriber, charged_before: bool
) -> None:
    if not charged_before:
        world.back_up()
    go_to(world, "paid")
    if charged_before:
        world.back_up()
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    before = world.rows("SELECT gateway_ref, amount, state FROM dispute")
    assert len(before) == 1
    world.restore_backup()
    assert "1 dispute or warning taken in" in adopt(world)
    assert world.rows("SELECT gateway_ref, amount, state FROM dispute") == before
    assert world.subscription(notified.subscription_id)["next_charge"] is None
    leap_to(world, local(2027, 4, 17), days=1)
    assert len(world.charges()) == 1
    ledger_checks.check(world)


def test_the_news_of_a_lost_charge_takes_it_in_as_well(charged: World) -> None:
    """Its event arrived while we were unreachable, and is sent again."""
    world = charged
    paid = [event["id"] for event in world.sandbox.events() if event["type"] == "payment_intent.succeeded"]
    before = world.rows(INVOICES)
    world.restore_backup()
    world.sandbox.resend(paid[0])
    world.sandbox.settle()
    tick(world.services)
    assert len(world.rows(INVOICES)) == 1
    assert "2 charges, R150.00, taken in" in adopt(world), "a later moment here is none that was known"
    assert world.rows(INVOICES) == before
    assert len(world.charges()) == 3
    all_kept(world)
