"""The doctor finds nothing after a year of all kinds of events; planted breaches are found, reported and repaired."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from billing.reports.doctor import run_checks, values
from billing.reports.promises import PROMISES
from tests.reports.operator import broken, command, execute
from tests.support.broken_tables import missing_table
from tests.support.locked_row import hurried, locked_row
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def test_after_months_of_everything_the_doctor_has_nothing_to_say(world: World) -> None:
    begun = {
        name: world.start_trial(f"{name}@example.com", card)["subscription"]["id"]
        for name, card in {
            "pays": "pm_card_visa",
            "declines": "pm_card_chargeCustomerFail",
            "leaves": "pm_card_visa__2",
            "returns": "pm_card_visa__3",
            "disputes": "pm_card_createDispute",
        }.items()
    }
    world.api.post(f"/v1/subscriptions/{begun['leaves']}/cancel", json={}).raise_for_status()
    world.advance_to(local(2027, 3, 20))
    later = {"when": "now", "refund": "last"}
    world.api.post(f"/v1/subscriptions/{begun['returns']}/cancel", json=later).raise_for_status()
    world.advance_to(local(2027, 5, 20))
    assert broken(world) == {}
    visits = world.rows("SELECT at, broken FROM doctor_visit ORDER BY at")
    assert visits
    assert {row["broken"] for row in visits} == {0}
    code, said, _ = command(world, "doctor")
    assert code == 0
    said_of_each = [f"     0 kept    {promise.name}: {promise.words}" for promise in PROMISES]
    assert said.splitlines() == said_of_each


@pytest.mark.parametrize("promise", [promise.name for promise in PROMISES if promise.pays_back])
def test_money_that_must_not_be_kept_goes_back_by_itself(
    world: World, paid: Subscriber, promise: str
) -> None:
    [payment] = [row["id"] for row in world.rows("SELECT id FROM payment")]
    wrong = {
        "no-charge-in-the-trial": "UPDATE invoice SET period_start_on = '2027-03-17'",
        "no-charge-after-cancelling": "UPDATE subscription SET cancel_asked_at = '2027-03-10', cancels_at = '2027-04-16'",
        "no-charge-twice": "UPDATE payment SET duplicate = true",
    }[promise]
    execute(world, wrong)
    assert payment in broken(world)[promise]
    code, said, _ = command(world, "doctor")
    assert code == 1
    messages = said.splitlines()
    at = next(n for n, line in enumerate(messages) if f" {promise}: " in line)
    assert messages[at].startswith("     1 broken  ")
    assert messages[at + 1].startswith(f"{'':15}{payment}: ")
    assert f"     0 kept    {PROMISES[-1].name}: {PROMISES[-1].words}" in messages
    world.advance(days=1)
    [refund] = world.rows("SELECT * FROM refund")
    assert (refund["payment_id"], refund["amount"], refund["state"], refund["actor_id"]) == (
        payment,
        7500,
        "succeeded",
        "doctor",
    )
    mail = world.letters(paid.email)[-1]
    assert "Credit note" in mail.subject
    assert "We are sorry" in " ".join(mail.text.split())
    [case] = world.rows(
        "SELECT kind, ours FROM staff_case WHERE subject = :about", about=f"{promise}:{payment}"
    )
    assert (case["kind"], case["ours"]) == ("promise_broken", 7500)
    world.advance(days=2)
    assert len(world.rows("SELECT id FROM refund")) == 1
    assert promise not in broken(world), "what went back isn't kept"


@pytest.mark.rare
def test_what_stripe_says_is_gone_is_asked_for_in_one_night_alone(world: World, paid: Subscriber) -> None:
    """It was refunded in the dashboard and isn't recorded yet, so the promise stays broken."""
    stripe: Any = world.sandbox.client()
    stripe.v1.refunds.create({"charge": world.charges()[0]["id"]})
    execute(world, "UPDATE invoice SET period_start_on = '2027-03-17'")
    for _ in range(3):
        world.advance(days=1)
    assert world.rows("SELECT state, not_owed FROM refund") == [{"state": "failed", "not_owed": True}]
    assert len(world.rows("SELECT id FROM staff_case WHERE kind = 'refund_failed'")) == 1


def test_money_of_a_reader_whose_row_is_locked_goes_back_the_next_night(world: World) -> None:
    started = [world.start_trial(f"reader-{n}@example.com", f"pm_card_visa__{n}") for n in range(2)]
    world.advance_to(local(2027, 3, 16, 12))
    execute(world, "UPDATE payment SET duplicate = true")
    execute(world, "UPDATE doctor_visit SET next_at = :now", now=world.now)
    with hurried(world) as services, locked_row(world, "subscription", started[0]["subscription"]["id"]):
        assert run_checks(services.database, services.site, world.now) == 1
    given_back = "SELECT reader_id FROM refund ORDER BY id"
    assert world.rows(given_back) == [{"reader_id": started[1]["reader"]["id"]}]
    assert len(world.rows("SELECT id FROM staff_case WHERE subject LIKE 'no-charge-twice:%'")) == 2
    world.advance(days=1)
    assert len(world.rows(given_back)) == 2


def test_a_promise_that_cannot_be_asked_is_a_case_and_the_others_are_asked(
    world: World, paid: Subscriber
) -> None:
    execute(world, "UPDATE payment SET duplicate = true")
    with missing_table(world, "inbound_event"):
        for _ in range(2):
            execute(world, "UPDATE doctor_visit SET next_at = :now", now=world.now)
            assert run_checks(world.services.database, world.services.site, world.now) == 1
            world.skip_to(world.now + timedelta(days=1))
        code, said, _ = command(world, "doctor")
    assert (code, "     0 unasked events-are-settled: " in said) == (1, True), said
    unasked = "SELECT what, closed_at, reason FROM staff_case WHERE kind = 'promise_unasked'"
    [case] = world.rows(unasked)
    assert 'relation "inbound_event" does not exist' in case["what"]
    assert case["closed_at"] is None
    assert [row["reader_id"] for row in world.rows("SELECT reader_id FROM refund")] == [paid.reader_id]
    world.settle()
    [case] = world.rows(unasked)
    assert case["reason"] == "It could be asked again."


ASKED = """INSERT INTO reader_request (id, kind, received_at, email, reader_id, email_verified, words, ip, device, waits_since)
           SELECT 'req_x', 'cancel', '2027-03-14', email, id, false, '', '', '', '2027-03-14' FROM reader"""
ERASED = """INSERT INTO erasure (actor_kind, actor_id, id, reader_id, requested_at, erases_at, due_at, next_attempt_at, tries, done_at)
            SELECT 'reader', id, 'era_x', id, '2027-03-01', '2027-03-02', '2027-03-14', '2027-03-02', 1, {} FROM reader"""
BREAKS = {
    "acquirer-has-new-addresses": "INSERT INTO address_change (actor_kind, actor_id, id, token_hash, browser_hash, created_at, expires_at,"
    " wrong_codes, reader_id, old_email, new_email, confirmed_at, customer_due_at, tries)"
    " SELECT 'reader', id, 'adc_1', '', '', '2027-03-01', '2027-03-01', 0, id, '', '', '2027-03-01', '2099-01-01', 1 FROM reader",
    "data-given-in-time": "INSERT INTO data_request (id, reader_id, requested_at, next_attempt_at, tries, size_bytes)"
    " SELECT 'dat_1', id, '2027-01-01', '2099-01-01', 9, 0 FROM reader",
    "erased-in-time": ERASED.format("NULL"),
    "nothing-is-left-of-the-erased": ERASED.format("'2027-03-15'"),
    "merged-accounts-are-empty": "WITH other AS (INSERT INTO reader (id, email, created_at)"
    " VALUES ('rdr_x', 'x@example.com', now()) RETURNING id)"
    " INSERT INTO reader_merge (actor_kind, actor_id, id, reader_id, merged_id, begun_at, moved)"
    " SELECT 'staff', 's', 'mrg_1', other.id, r.id, '2027-03-16', '{}' FROM other, reader r",
    "nothing-outlives-its-rule": "UPDATE message SET created_at = '2027-01-01', kind = 'sign_in_link' WHERE kind = 'receipt'",
    "no-charge-while-asked-to-cancel": ASKED,
    "requests-to-cancel-are-answered": ASKED,
    "starts-are-by-their-readers": "UPDATE card_setup SET method_ref = NULL",
    "notices-before-the-first-charge": "UPDATE message SET accepted_at = accepted_at + interval '3 days' WHERE kind = 'trial_notice'",
    "no-charge-unexplained": "INSERT INTO unexplained_charge (acquirer, charge_ref, intent_ref, subscription_ref, period_number, amount,"
    " taken_at, found_at, next_poll_at, poll_count) VALUES ('stripe', 'ch_1', 'pi_1', 'sub_1', 1, 7500, now(), now(), now(), 0)",
    "one-trial-a-person": "DELETE FROM trial_claim WHERE kind = 'card'",
    "lists-keep-their-salt": "UPDATE list_salt SET check_value = 'of another'",
    "charges-are-settled": "UPDATE attempt SET state = 'declined'",
    "numbers-without-gaps": "UPDATE invoice SET number = 7",
    "one-tax-invoice-in-force": "WITH b AS (INSERT INTO invoice_recipient (id, reader_id, name, address, entered_at)"
    " SELECT 'rcp_1', id, 'a', 'b', now() FROM reader RETURNING id)"
    " INSERT INTO invoice_correction (actor_kind, actor_id, id, invoice_id, reader_id, replaced_number, credit_note_number, number,"
    " recipient_id, gross, net, vat, reason, issued_on, made_at)"
    " SELECT 'worker', '', 'cor_1', i.id, i.reader_id, 1, 1, 2, b.id, 1, 1, 0, '', '2027-03-16', now() FROM invoice i, b",
    "states-have-their-history": "UPDATE subscription SET state = 'past_due'",
    "payers-can-read": "UPDATE subscription SET access_until = '2027-04-01'",
    "what-is-due-is-done": "UPDATE subscription SET next_action_at = '2027-03-16 05:00+00'",
    "attempts-end": "UPDATE attempt SET state = 'open', settled_at = NULL, intended_at = '2027-03-01'",
    "mail-can-be-written": "UPDATE message SET state = 'queued', accepted_at = NULL, last_answer = 'not written: TypeError',"
    " next_attempt_at = '2027-03-17' WHERE kind = 'receipt'",
    "mail-goes-out": "UPDATE message SET state = 'queued', accepted_at = NULL WHERE kind = 'receipt'",
    "no-untrue-mail-waits": "UPDATE message SET state = 'queued', accepted_at = NULL WHERE kind = 'trial_notice'",
    "notices-are-accepted": "UPDATE message SET state = 'refused', accepted_at = NULL, expires_at = '2027-03-17'"
    " WHERE kind = 'trial_notice'",
    "books-are-compared": "INSERT INTO reconciliation (through, since, next_at, tries, done_at, movements, differences)"
    " VALUES ('2027-03-14', '2027-03-14', '2027-03-15 20:00+00', 0, '2027-03-15', 0, 0)",
    "payouts-are-compared": "INSERT INTO payout (acquirer, ref, amount, currency, at, arrives_at, listing, seen_at, short)"
    " VALUES ('stripe', 'po_x', 1, 'ZAR', '2027-03-13', '2027-03-13', 'waiting', '2027-03-13', 0)",
    "ticks-are-seen": "INSERT INTO worker_heartbeat (id, at, run_at) VALUES (1, '2027-03-16 10:00+00', '2027-03-16 10:00+00')",
    "billing-runs-finish": "WITH due AS (UPDATE subscription SET next_action_at = '2027-03-16 11:45+00')"
    " INSERT INTO worker_heartbeat (id, at, run_at) VALUES (1, '2027-03-16 12:00+00', '2027-03-16 10:00+00')",
    "two-members-decide": "WITH w AS (INSERT INTO staff_member (id, email, role, created_at, code_nonce, last_step, wrong_codes)"
    " VALUES ('stf_1', 'a@paper.example', 'finance', now(), 'x', 0, 0) RETURNING id)"
    " INSERT INTO approval (id, kind, state, asked_by, asked_at, expires_at, reason, cents, act, words, version, decided_at)"
    " SELECT 'apv_1', 'refund', 'done', id, now(), now(), 'reason', 1, '{}', '[]', '', now() FROM w",
    "kept-days-are-right": "INSERT INTO number_day (measure, of, day, value)"
    " SELECT 'mrr', 'monthly', day, 1 FROM generate_series(date '2027-01-01', '2027-02-28', interval '1 day') day",
    "kept-starts-are-right": "WITH came AS (INSERT INTO start_origin (subscription_id, reader_id, article_id, section, is_trial, at, paid_cents)"
    " SELECT id, reader_id, 'a', 'News', true, started_at, 1 FROM subscription)"
    " UPDATE number_mark SET through = (SELECT max(paid_at)::date FROM payment) + 7 + (date '2027-03-16' - date '2020-01-01') % 30",
    "events-are-settled": "UPDATE inbound_event SET settled_at = NULL, next_attempt_at = '2027-03-16'",
}


@pytest.mark.usefixtures("paid")
def test_whatever_is_broken_by_hand_is_found(world: World) -> None:
    assert broken(world) == {}
    for name, wrong in BREAKS.items():
        with world.services.database.engine.connect() as connection:
            keep = _found_after(world, connection, wrong)
        assert name in keep, name


def _found_after(world: World, connection: sa.Connection, wrong: str) -> set[str]:
    """The promises broken inside a transaction that is rolled back."""
    connection.execute(sa.text(wrong))
    asked = values(world.services.site, world.now + timedelta(hours=2, minutes=1))
    found = {
        promise.name
        for promise in PROMISES
        if connection.execute(
            sa.text(promise.broken), {k: v for k, v in asked.items() if f":{k}" in promise.broken}
        ).first()
    }
    connection.rollback()
    return found


def test_every_promise_that_a_hand_can_break_is_broken_above() -> None:
    """The database enforces the others and refuses the broken row (tests/db/test_guards.py, test_ledger.py)."""
    guarded = {
        "one-live-subscription",
        "one-invoice-a-period",
        "one-open-invoice",
        "books-balance",
        "money-is-in-the-books",
    }
    by_hand = set(BREAKS) | {promise.name for promise in PROMISES if promise.pays_back}
    rest = {promise.name for promise in PROMISES} - by_hand - guarded
    assert rest == {"refunds-within-payments", "refunds-go-out"}
