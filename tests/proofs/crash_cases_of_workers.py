"""Crash cases of workers: due work, doubtful charges, and webhooks."""

from datetime import date, timedelta

from billing.acquirer.answers import RefundRequest
from billing.changes import announce_price
from billing.newsletters.progress import FINAL_AFTER
from billing.platform.actors import Command
from billing.platform.installation import HOME
from billing.refunds.grace import GRACE
from billing.staff import audit
from billing.staff.acts.money import GiveBackAct
from billing.staff.acts.perform import perform
from billing.staff.bulk import decide
from billing.staff.bulk.choose import ChosenBy, in_time
from billing.staff.bulk.terms import RefundTerms
from billing.staff.roles import Role
from tests.proofs.crash_case import at, crash_case, dispute, give_back, one, repeat, silence
from tests.proofs.steps import intend, send
from tests.support.another_address import confirmed
from tests.support.erasures import ask_for
from tests.support.many import begun_by
from tests.support.newsroom import Newsroom
from tests.support.staff_members import add
from tests.support.starting_points import MONTH_END
from tests.support.world import World, local

# the worker


@crash_case("in_trial")
def the_first_notice(world: World) -> None:
    at(world, local(2027, 1, 23, 9))


@crash_case("notified")
def the_first_charge(world: World) -> None:
    at(world, local(2027, 1, 31, 9))


@crash_case("paid")
def a_renewal(world: World) -> None:
    at(world, local(2027, 2, 28, 9))


@crash_case("paid")
def a_renewal_that_is_declined(world: World) -> None:
    world.sandbox.decline(one(world, "SELECT gateway_ref FROM payment_method"), "insufficient_funds")
    at(world, local(2027, 2, 28, 9))


@crash_case("owing")
def a_retry(world: World) -> None:
    world.sandbox.decline(one(world, "SELECT gateway_ref FROM payment_method"), None)
    at(world, one(world, "SELECT next_action_at FROM subscription"))


@crash_case("owing")
def the_end_of_the_ladder(world: World) -> None:
    world.sandbox.decline(one(world, "SELECT gateway_ref FROM payment_method"), "lost_card")
    world.advance_to(local(2027, 3, 20))
    at(world, one(world, "SELECT next_action_at FROM subscription"))


@crash_case("cancelled")
def a_cancelled_period_runs_out(world: World) -> None:
    at(world, one(world, "SELECT cancels_at FROM subscription"))


@crash_case("year_ending")
def the_notice_of_a_years_end(world: World) -> None:
    at(world, local(2027, 11, 4, 9))


@crash_case("paid")
def the_morning_with_its_books_and_the_doctor(world: World) -> None:
    silence(world)
    world.skip_to(local(2027, 2, 2, 9))


@crash_case("paid")
def another_price_is_announced(world: World) -> None:
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        announce_price.plan_change(ctx, "monthly", 8000, date(2027, 3, 1), today=date(2027, 2, 1))
    world.advance_to(local(2027, 2, 20))
    at(world, one(world, "SELECT next_run_at FROM price_change"))


@crash_case("paid")
def a_reader_is_erased(world: World) -> None:
    ask_for(world, one(world, "SELECT id FROM reader"))
    world.settle()
    at(world, one(world, "SELECT next_attempt_at FROM erasure"))


@crash_case("paid")
def an_act_on_many_is_done(world: World) -> None:
    member = add(world, "admin")
    at(world, world.now + timedelta(days=1))
    begun_by(world, member, RefundTerms(1000), [one(world, "SELECT id FROM reader")])


@crash_case(
    "paid",
    always=(
        "staff.bulk.run._do_next commits",
        "staff.bulk.run._do_next has committed",
        "refunds.send._send has committed",
    ),
)
def an_act_on_many_dies_between_its_readers(world: World) -> None:
    """Two readers paid. It dies after the first line, after the second, and between their two refunds."""
    world.start_trial("second@example.com", "pm_card_visa__1")
    member = add(world, "admin")
    at(world, local(2027, 2, 16, 12))
    readers = world.rows("SELECT reader_id FROM payment ORDER BY paid_at")
    begun_by(world, member, RefundTerms(1000), [row["reader_id"] for row in readers])


@crash_case("paid")
def all_who_were_charged_are_listed_and_checked(world: World) -> None:
    member = add(world, "admin")
    at(world, world.now + timedelta(days=1))
    with world.services.database.begin(world.services.site, world.now, audit.of(member, "")) as ctx:
        chosen = in_time(ChosenBy.CHARGED, world.now - timedelta(days=3), world.now, world.now)
        decide.make(ctx, RefundTerms(), chosen)


@crash_case("paid")
def the_acquirer_gets_a_new_address(world: World) -> None:
    at(world, world.now + timedelta(days=1))
    confirmed(world, one(world, "SELECT id FROM reader"))


# doubt


def lose_answer(world: World, effect: str, path: str) -> None:
    """Do the due work with a fault at the sandbox; a minute later the worker looks the result up."""
    world.sandbox.faults({"effect": effect, "method": "POST", "path": path, "times": None, "seconds": 0.05})
    world.settle()
    world.sandbox.faults()


@crash_case("paid")
def a_charge_whose_answer_was_lost(world: World) -> None:
    at(world, local(2027, 2, 28, 9))
    lose_answer(world, "cut", "/v1/payment_intents")
    world.skip_to(one(world, "SELECT next_poll_at FROM attempt WHERE state = 'open'"))


@crash_case("paid")
def a_charge_whose_key_is_spent(world: World) -> None:
    at(world, local(2027, 2, 28, 9))
    lose_answer(world, "500_before", "/v1/payment_intents")
    world.advance(minutes=1)
    world.skip_to(one(world, "SELECT next_poll_at FROM attempt WHERE state = 'open'"))


@crash_case("paid")
def a_charge_of_a_card_that_is_gone(world: World) -> None:
    at(world, local(2027, 2, 28, 9))
    world.sandbox.banks("remove_card", payment_method=one(world, "SELECT gateway_ref FROM payment_method"))


@crash_case("paid")
def a_charge_that_stripe_wont_make_at_first(world: World) -> None:
    world.sandbox.banks("restrict", times=1)
    at(world, local(2027, 2, 28, 9))


@crash_case("paid", late=True)
def charging_is_paused_and_stripe_is_back(world: World) -> None:
    at(world, local(2027, 2, 28, 9))
    world.sandbox.faults({"effect": "reset_before", "path": "/v1/payment_intents*", "times": None})
    world.advance(hours=2)
    world.sandbox.faults()
    world.skip_to(one(world, "SELECT probe_at FROM charging_pause"))


@crash_case("paid")
def stripe_fails_for_the_last_time_before_the_pause(world: World) -> None:
    at(world, local(2027, 2, 28, 9))
    world.sandbox.faults({"effect": "reset_before", "path": "/v1/payment_intents*", "times": 12})
    world.settle()
    world.skip_to(world.now + timedelta(minutes=1))


@crash_case("paid")
def a_refund_is_sent(world: World) -> None:
    repeat(give_back)(world)


@crash_case(
    "paid",
    always=(
        "refunds.send._claim has committed",
        "StripeGateway.refund is asked",
        "StripeGateway.refund has answered",
        "refunds.send._send commits",
    ),
)
def a_refund_of_staff_is_sent_after_its_minute(world: World) -> None:
    payment = world.rows("SELECT id, reader_id FROM payment")[0]
    actor = audit.of(add(world, "support"), "")
    with world.services.database.begin(world.services.site, world.now, actor) as ctx:
        act = GiveBackAct(payment["reader_id"], payment["id"], 2500)
        perform(ctx, act, role=Role.SUPPORT, reason="A kindness.", version=None)
    at(world, world.now + GRACE)


@crash_case("paid")
def a_refund_whose_answer_was_lost(world: World) -> None:
    repeat(give_back)(world)
    lose_answer(world, "cut", "/v1/refunds")
    world.skip_to(one(world, "SELECT next_poll_at FROM refund"))


@crash_case("paid")
def a_refund_whose_key_is_spent(world: World) -> None:
    repeat(give_back)(world)
    lose_answer(world, "500_before", "/v1/refunds")
    world.advance(minutes=1)
    world.skip_to(one(world, "SELECT next_poll_at FROM refund"))


@crash_case("paid")
def a_refund_that_stripe_makes_wait(world: World) -> None:
    world.sandbox.banks("refunds", **{"as": "pending"})
    repeat(give_back)(world)
    world.settle()
    world.skip_to(one(world, "SELECT next_poll_at FROM refund"))


@crash_case("paid")
def a_refund_that_is_told_of_by_its_event(world: World) -> None:
    world.sandbox.banks("refunds", **{"as": "pending"})
    repeat(give_back)(world)
    world.settle()
    world.sandbox.trouble()
    world.sandbox.banks("refund_succeeds", refund=one(world, "SELECT gateway_ref FROM refund"))
    world.sandbox.settle()
    silence(world)


# webhooks


@crash_case("notified")
def a_charge_that_is_told_of_by_its_event(world: World) -> None:
    subscription = one(world, "SELECT id FROM subscription")
    world.advance_to(local(2027, 1, 31, 8, 59, 59))
    world.skip_to(local(2027, 1, 31, 9))
    intend(world, subscription)
    silence(world, "charge.*", "payment_intent.created")
    send(world, subscription)
    world.sandbox.settle()
    silence(world)


@crash_case("paid")
def the_network_replaces_a_card(world: World) -> None:
    world.sandbox.replace(one(world, "SELECT gateway_ref FROM payment_method"))
    world.sandbox.settle()


@crash_case("paid")
def a_card_is_removed_in_stripes_dashboard(world: World) -> None:
    world.sandbox.banks("remove_card", payment_method=one(world, "SELECT gateway_ref FROM payment_method"))
    world.sandbox.settle()


@crash_case("paid")
def a_customer_is_deleted_in_stripes_dashboard(world: World) -> None:
    world.sandbox.banks("delete_customer", customer=one(world, "SELECT customer_ref FROM payment_method"))
    world.sandbox.settle()


@crash_case("paid")
def a_charge_is_disputed(world: World) -> None:
    dispute(world)


@crash_case("notified")
def a_charge_is_disputed_that_we_dont_know_yet(world: World) -> None:
    a_charge_that_is_told_of_by_its_event(world)
    world.rows("DELETE FROM inbound_event RETURNING id")
    world.sandbox.trouble()
    dispute(world)


@crash_case("paid", late=True)
def the_system_answers_a_dispute(world: World) -> None:
    dispute(world)
    world.settle()
    at(world, one(world, "SELECT answer_at FROM dispute"))


@crash_case("paid")
def a_fraud_warning(world: World) -> None:
    world.sandbox.banks("warn", charge=world.charges()[-1]["id"])
    world.sandbox.settle()
    silence(world)


@crash_case("paid")
def a_payout(world: World) -> None:
    while not world.sandbox.payouts():
        world.skip_to(world.now + timedelta(days=1))
        world.sandbox.settle()
    silence(world)


@crash_case("notified")
def the_mornings_comparison_finds_what_nobody_told(world: World) -> None:
    a_charge_that_is_told_of_by_its_event(world)
    world.rows("DELETE FROM inbound_event RETURNING id")
    world.rows("UPDATE attempt SET next_poll_at = next_poll_at + interval '5 days' RETURNING id")
    world.skip_to(local(2027, 2, 1, 9))


@crash_case("paid")
def the_mornings_comparison_finds_a_refund_and_a_strangers_charge(world: World) -> None:
    """A refund reached Stripe but wasn't recorded; and a card was charged and partly refunded in Stripe's dashboard."""
    repeat(give_back)(world)
    row = world.rows(
        "SELECT r.id, r.amount, p.intent_ref FROM refund r JOIN payment p ON p.id = r.payment_id"
    )[0]
    world.services.gateway.refund(
        RefundRequest(row["id"], "asked", row["intent_ref"], row["amount"], f"refund-{row['id']}")
    )
    world.rows("UPDATE refund SET next_poll_at = next_poll_at + interval '5 days' RETURNING id")
    customer, card = one_card(world)
    stripe = world.sandbox.client().v1
    made = stripe.payment_intents.create(
        {"amount": 9900, "currency": "zar", "customer": customer, "payment_method": card, "confirm": True,
         "off_session": True}
    )  # fmt: skip
    stripe.refunds.create({"payment_intent": made.id, "amount": 900})
    world.skip_to(local(2027, 2, 2, 9))


def one_card(world: World) -> tuple[str, str]:
    """The card's customer and payment method at Stripe."""
    row = world.rows("SELECT customer_ref, gateway_ref FROM payment_method")[0]
    return row["customer_ref"], row["gateway_ref"]


@crash_case("paid")
def a_restored_database_is_told_what_happened(world: World) -> None:
    """A renewal, a refund and another card happened since the backup."""
    world.back_up()
    world.advance_to(local(2027, 2, 28, 12))
    repeat(give_back)(world)
    browser = world.browser()
    browser.sign_in(MONTH_END.email)
    browser.get("/account")
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    world.sandbox.trouble()
    world.settle()
    silence(world)
    world.restore_backup(home=one(world, f"SELECT {HOME}"))
    world.execute(
        "UPDATE installation SET asks_since = :since, next_poll_at = :at",
        since=local(2027, 2, 1),
        at=world.now,
    )


# newsletters


@crash_case("blank")
def an_issue_goes_out(world: World) -> None:
    silence(world)
    newsroom = Newsroom(world)
    newsroom.people(5)
    newsroom.schedule(newsroom.draft())


@crash_case("blank")
def a_past_issue_is_counted(world: World) -> None:
    newsroom = Newsroom(world)
    newsroom.people(5)
    newsroom.send()
    at(world, world.now + FINAL_AFTER)
