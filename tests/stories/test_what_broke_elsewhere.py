"""Billing faults of other systems, each from a public thread, with the tests that prove them impossible here. The
list fails when such a test is renamed or removed.
"""

import ast
from datetime import date
from pathlib import Path

import pytest

from billing.changes import announce_price
from billing.platform.actors import Command
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

TESTS = Path(__file__).parents[1]
BROKE: dict[str, list[str]] = {
    "every renewal charged twice, or asked for eight times (woocommerce-gateway-stripe 2474, woocommerce-payments 5615)": [
        "proofs/test_races.py::test_three_workers_on_the_same_due_rows",
        "billing_run/test_after_downtime.py::test_a_second_run_on_the_same_day_finds_nothing_to_do",
        "acquirer/contract/test_charges.py::test_a_charge_goes_through_once_for_its_key",
    ],
    "two engines, or two live subscriptions, for one person (woocommerce-payments 4788, Ghost 28508)": [
        "proofs/test_races.py::test_two_trials_where_there_may_be_one",
        "changes/test_copied_database.py::test_a_copy_stands_still_until_it_is_adopted",
    ],
    "a slow queue bills again (lago-api 1988)": [
        "proofs/test_crash_matrix.py::test_killed_anywhere_it_ends_as_if_nobody_had_been",
        "proofs/test_killed_workers.py::test_killed_while_stripe_is_being_asked",
    ],
    "“updated” before “created”, and duplicates (cashier-stripe 1201 and 1307, pay 371)": [
        "proofs/test_late_webhooks.py::test_five_times_out_of_order_and_a_day_late",
        "proofs/test_races.py::test_the_reader_returns_as_the_event_comes",
        "security/test_webhooks_forged.py::test_an_event_is_kept_once_however_often_it_comes",
    ],
    "what was seen before is dropped undone; a charge is made and its row never saved (dj-stripe 429, lago-api 2825)": [
        "webhooks/test_set_aside.py::test_an_event_that_breaks_us_is_set_aside_and_holds_up_nobody",
        "proofs/test_killed_workers.py::test_killed_between_intent_call_and_settle",
        "reports/test_reconcile.py::",
    ],
    "double invoices east of UTC, a trial that ends on the wrong day (lago-api 879 and 1074, lago 771)": [
        "stories/test_trial_calendar.py::test_fourteen_days_are_free_and_the_fifteenth_is_charged_at_nine",
        "rules/test_periods.py::test_the_day_is_the_one_the_zone_shows",
    ],
    "a 31st that bills twice and then never again, or drifts to the 29th (killbill 127, polar 10664)": [
        "changes/test_calendars.py::test_signed_up_on_31_january",
        "changes/test_calendars.py::test_signed_up_on_29_february",
        "rules/test_periods.py::test_periods_touch_and_never_drift",
    ],
    "one stuck job, no renewals for a week, no alarm (action-scheduler 91)": [
        "billing_run/test_after_downtime.py::test_one_that_cannot_be_worked_on_holds_up_no_other",
        "billing_run/test_after_downtime.py::test_whatever_lives_has_a_next_action",
        "reports/test_doctor.py::test_whatever_is_broken_by_hand_is_found",
    ],
    "a pending payment fails and is never retried; a bank's question wedges a lock (killbill 1832, polar 13124)": [
        "proofs/test_unknown_outcomes.py::test_a_decline_nobody_heard_is_found",
        "billing_run/test_paying_in_person.py::test_a_bank_that_asks_for_its_reader_is_answered_on_the_page",
        "proofs/test_unknown_outcomes.py::test_an_attempt_that_breaks_us_holds_up_nobody",
    ],
    "cancelled in the trial, and active again (cashier-stripe 403, polar 13458)": [
        "stories/test_cancelling.py::test_a_trial_cancelled_early_reads_on_to_its_end",
        "proofs/test_cancel_races.py::test_a_cancellation_while_the_charge_is_under_way",
    ],
    "cancelled in test mode and billed live; retries after cancelling (woocommerce-payments 5385, polar 6542)": [
        "webhooks/test_set_aside.py::test_live_events_are_nothing_to_a_test_installation_and_the_other_way_round",
        "platform/test_settings.py::test_a_live_key_never_comes_near_a_test",
        "billing_run/test_dunning_calendar.py::test_cancelling_while_a_payment_is_overdue_ends_it_and_every_retry",
    ],
    "receipts again and again, “renewed” and “failed” for one renewal (pay 612, polar 9084)": [
        "webhooks/test_set_aside.py::test_a_settled_event_replayed_changes_nothing",
        "proofs/test_races.py::test_the_answer_comes_as_the_event_does",
        "proofs/test_late_webhooks.py::test_every_event_settled_anew_changes_nothing",
    ],
    "payers locked out by a stale token, or during retries (jetpack 47773, newspack-workspace 687)": [
        "rules/test_access.py::test_an_uncancelled_subscription_kept_in_memory_opens_at_any_later_time",
        "billing_run/test_dunning_calendar.py::test_the_whole_ladder_to_its_end",
    ],
    "a free registration opens what subscribers pay for (newspack-plugin 3569)": [
        "rules/test_access.py::test_signing_up_opens_registered_articles_and_no_others",
    ],
    "four cards behind seventy trials (vm0 15772)": [
        "readers/test_one_trial.py::test_a_card_has_one_trial_and_the_same_card_starts_without_one_at_once",
        "readers/test_one_trial.py::test_an_address_has_one_trial_however_it_is_spelled",
    ],
    "wrong refunds because a start date moved with the price (support-service-lambdas 2951)": [
        "stories/test_what_broke_elsewhere.py::test_a_price_rise_moves_no_day_and_no_refund",
    ],
    "several charges in seconds after an outage; a reader's own tries burn the ladder (polar 13903, 10857)": [
        "billing_run/test_after_downtime.py::test_three_months_without_a_worker_are_one_charge",
        "billing_run/test_paying_in_person.py::test_the_readers_own_tries_burn_no_rung_and_end_before_the_cards_limit",
    ],
    "a restored backup schedules renewals (jetpack 30207)": [
        "changes/test_copied_database.py::test_a_copy_stands_still_until_it_is_adopted",
        "changes/test_copied_database.py::test_a_table_made_anew_by_a_restore_is_another_home",
    ],
}


@pytest.mark.parametrize("what", BROKE)
def test_what_broke_elsewhere_is_a_test_here(what: str) -> None:
    for place in BROKE[what]:
        path, _, name = place.partition("::")
        tree = ast.parse((TESTS / path).read_text("utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in names if name else any(each.startswith("test_") for each in names), place


def test_there_are_eighteen() -> None:
    assert len(BROKE) == 18


@pytest.mark.prove
def test_a_price_rise_moves_no_day_and_no_refund(world: World, paid_twice: Subscriber) -> None:
    """A letter is found that arrived between two charges. Only the later charge is refunded, at its own price."""
    world.advance_to(local(2027, 4, 20))
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        announce_price.plan_change(ctx, "monthly", 8000, date(2027, 5, 1), today=date(2027, 4, 20))
    before = world.rows("SELECT started_at, charge_on, anchor_number FROM subscription")
    world.advance_to(local(2027, 6, 20))
    assert [charge["amount"] for charge in world.charges()] == [7500, 7500, 7500, 8000]
    assert world.rows("SELECT started_at, charge_on, anchor_number FROM subscription") == before
    answer = world.api.post(
        f"/v1/subscriptions/{paid_twice.subscription_id}/cancel",
        json={"requested_at": local(2027, 5, 20).isoformat()},
    )
    assert answer.status_code == 200, answer.text
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [8000]
    assert world.charged_at()[-1] == "2027-06-16 09:00"
