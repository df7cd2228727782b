"""A card that was deleted from Stripe's vault, or whose customer was. The reader is asked for a card, and nothing
else changes.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from billing.acquirer.answers import SavedCard
from billing.billing_run.run import run
from billing.cards import saved_cards
from billing.platform.actors import WORKER
from billing.subscriptions.change import lock
from tests.support.starting_points import Subscriber
from tests.support.two_connections import until_one_waits
from tests.support.world import World, local

UNHEARD = [{"effect": "drop", "type": kind} for kind in ("payment_method.detached", "customer.deleted")]
RENEWAL = local(2027, 4, 16, 9)


def card_on_record(world: World) -> tuple[str, str]:
    """The sandbox's ids of the newest saved card and its customer."""
    (row,) = world.rows(
        "SELECT gateway_ref, customer_ref FROM payment_method ORDER BY saved_at DESC, id DESC LIMIT 1"
    )
    return row["gateway_ref"], row["customer_ref"]


def remove(world: World, what: str) -> None:
    """Remove the card, or its customer, in Stripe's dashboard."""
    card, customer = card_on_record(world)
    if what == "card":
        world.sandbox.banks("remove_card", payment_method=card)
    else:
        world.sandbox.banks("delete_customer", customer=customer)


def attempts(world: World) -> list[str]:
    return [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY intended_at, ordinal")]


@pytest.mark.rare
@pytest.mark.parametrize("what", ["card", "customer"])
def test_a_charge_of_a_card_that_is_gone_asks_for_another_card_once(
    world: World, paid: Subscriber, what: str
) -> None:
    world.sandbox.trouble(*UNHEARD)
    remove(world, what)
    world.advance_to(RENEWAL + timedelta(hours=1))
    assert attempts(world) == ["charged", "declined"]
    now = world.subscription(paid.subscription_id)
    assert (now["status"], now["next_charge"]) == ("past_due", None), "no retry: only another card helps"
    assert world.rows("SELECT reason FROM charging_pause WHERE paused_at IS NOT NULL") == [], (
        "Stripe isn't away"
    )
    letter = world.letter(paid.email, "We could not take your payment of R75.00")
    assert "no longer stored with our payment partner" in letter.text
    assert "Your bank was not asked" in letter.text
    assert "did not approve" not in letter.text

    asked = len(world.sandbox.exchanges)
    world.advance(days=10)
    assert attempts(world) == ["charged", "declined"]
    looks = [one["path"] for one in world.sandbox.exchanges[asked:] if "payment_intents" in one["path"]]
    assert looks == [], "Stripe is asked for nothing more"
    assert world.access(world.articles["subscriber"][0], paid.reader_id)["allowed"]

    browser = world.browser()
    browser.get(world.mailed_link(paid.email, "/card/"))
    browser.get(world.sandbox.fill_in(browser.sent_to("/card"), "5555555555554444"))
    world.settle()
    assert world.subscription(paid.subscription_id)["status"] == "active", "the new card was tried at once"
    assert len(world.charges()) == 2


@pytest.mark.parametrize("what", ["card", "customer"])
def test_the_reader_hears_of_it_before_the_charge(world: World, paid: Subscriber, what: str) -> None:
    remove(world, what)
    world.settle()
    letter = world.letter(paid.email, "Please give us a card before Friday 16 April 2027")
    for said in ("R75.00 incl. VAT", "no longer stored", "you can still read"):
        assert said in letter.text
    assert letter.text.count("http") >= 2
    browser = world.browser()
    browser.get(world.mailed_link(paid.email, "/card/"))
    browser.get(world.sandbox.fill_in(browser.sent_to("/card"), "5555555555554444"))
    world.advance_to(RENEWAL + timedelta(hours=1))
    assert attempts(world) == ["charged", "charged"]
    assert "payment_failed" not in world.mail_kinds(paid.email)
    assert world.mail_kinds(paid.email).count("card_removed") == 1


def test_a_card_that_goes_in_the_trial_is_asked_for_before_the_first_charge(
    world: World, in_trial: Subscriber
) -> None:
    remove(world, "card")
    world.settle()
    assert world.letter(in_trial.email, "Please give us a card before Tuesday 16 March 2027")
    browser = world.browser()
    browser.get(world.mailed_link(in_trial.email, "/card/"))
    browser.get(world.sandbox.fill_in(browser.sent_to("/card"), "5555555555554444"))
    world.advance_to(local(2027, 3, 16, 12))
    assert attempts(world) == ["charged"]


def test_repeated_news_is_told_once_and_news_of_other_cards_to_nobody(world: World, paid: Subscriber) -> None:
    remove(world, "card")
    world.settle()
    (event,) = (one for one in world.sandbox.events() if one["type"] == "payment_method.detached")
    world.sandbox.resend(event["id"], 3)
    stripe = world.sandbox.client().v1
    stranger = stripe.customers.create({"email": "stranger@example.com"})
    stripe.payment_methods.attach("pm_card_mastercard", {"customer": stranger.id})
    stripe.customers.delete(stranger.id)
    world.settle()
    assert world.mail_kinds(paid.email).count("card_removed") == 1
    outcomes = {
        row["outcome"]
        for row in world.rows("SELECT outcome FROM inbound_event WHERE event_type = 'customer.deleted'")
    }
    assert outcomes == {"not our customer"}


def test_a_card_that_goes_while_a_payment_is_owed_is_not_tried_again(world: World, owing: Subscriber) -> None:
    assert world.subscription(owing.subscription_id)["next_charge"] is not None
    remove(world, "card")
    world.settle()
    now = world.subscription(owing.subscription_id)
    assert (now["status"], now["next_charge"]) == ("past_due", None)
    letter = world.letters(owing.email)[-1]
    assert "no longer stored with our payment partner" in letter.text
    before = attempts(world)
    world.advance(days=5)
    assert attempts(world) == before
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    assert "/pay/page" in browser.page.text, "another card can pay"
    assert 'action="/pay"' not in browser.page.text, "this one can't"


def test_a_card_that_goes_while_its_reader_is_paying_on_the_page_is_not_tried_after_it(
    world: World, owing: Subscriber
) -> None:
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    browser.sent_to("/pay/page")
    remove(world, "card")
    world.settle()
    assert "no longer stored" in world.letters(owing.email)[-1].text
    world.advance(days=5)
    assert attempts(world) == ["charged", "declined", "not_sent"]
    assert world.subscription(owing.subscription_id)["next_charge"] is None


def test_the_pay_page_of_a_deleted_customer_opens_for_another_one(world: World, owing: Subscriber) -> None:
    _, customer = card_on_record(world)
    remove(world, "customer")
    world.settle()
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    page = browser.sent_to("/pay/page")
    browser.get("/pay")
    assert browser.sent_to("/pay/page") == page, "pressing again opens the same page"
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    assert "this is paid" in browser.page.words
    world.settle()
    assert card_on_record(world)[1] != customer
    world.advance(days=31)
    assert len(world.charges()) == 3, "and the new customer's card is charged from then on"


def test_the_card_page_of_a_deleted_customer_opens_for_another_one(world: World, paid: Subscriber) -> None:
    _, customer = card_on_record(world)
    remove(world, "customer")
    world.settle()
    browser = world.browser()
    browser.sign_in(paid.email)
    assert "no longer stored with our payment partner" in browser.get("/account").words
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    assert "no longer stored" not in browser.get("/account").words
    assert card_on_record(world)[1] != customer


def test_a_key_of_another_account_is_not_tried_on_everybody(make_world: Callable[..., World]) -> None:
    """That account knows none of our customers. After three declined charges charging pauses, and the other readers get no
    mail.
    """
    world = make_world(pause_after_failures=3, charge_concurrency=1)
    for n in range(6):
        world.start_trial(f"reader-{n}@example.com", f"pm_card_visa__{n}")
    world.advance_to(local(2027, 3, 16, 8, 59))
    world.sandbox.trouble(*UNHEARD)
    for row in world.rows("SELECT customer_ref FROM payment_method"):
        world.sandbox.banks("delete_customer", customer=row["customer_ref"])
    world.skip_to(local(2027, 3, 16, 9))
    report = run(world.services.run_context, world.now)
    assert (report.counts["declined"], report.counts["held"] >= 1) == (3, True)
    assert attempts(world).count("open") == 3
    (pause,) = world.rows("SELECT reason FROM charging_pause WHERE paused_at IS NOT NULL")
    assert pause["reason"] == "Stripe can't charge this card any more."


def test_an_unknown_charge_of_a_deleted_customer_is_found_all_the_same(
    world: World, paid: Subscriber
) -> None:
    """The charge succeeded, its answer was lost, and its customer is deleted. It is paid, and not charged again."""
    world.sandbox.trouble({"effect": "drop"})
    world.advance_to(RENEWAL - timedelta(seconds=1))
    world.sandbox.faults(
        {"effect": "reset_after", "method": "POST", "path": "/v1/payment_intents"},
        {"effect": "reset_before", "path": "/v1/payment_intents*", "times": 8},
    )
    world.advance(minutes=1)
    assert attempts(world) == ["charged", "open"]
    remove(world, "customer")
    world.sandbox.faults()
    world.advance(hours=2)
    assert attempts(world) == ["charged", "charged"]
    assert len(world.charges()) == 2
    assert world.subscription(paid.subscription_id)["status"] == "active"


@pytest.mark.parametrize("news", ["renewed", "removed"])
def test_news_of_a_card_that_waits_for_the_change_to_another_changes_nothing(
    world: World, owing: Subscriber, news: str
) -> None:
    services = world.services
    (old,) = world.rows("SELECT gateway_ref, customer_ref, brand, last4, exp_month FROM payment_method")
    (before,) = world.rows("SELECT retry_on, next_action_at FROM subscription")
    card = SavedCard(old["customer_ref"], "", old["brand"], old["last4"], old["exp_month"], 2035, None)

    def settle_news() -> None:
        with services.database.begin(services.site, world.now, WORKER) as ctx:
            if news == "renewed":
                saved_cards.renewed(ctx, "stripe", replace(card, method_ref=old["gateway_ref"]))
            else:
                saved_cards.removed(ctx, "stripe", [old["gateway_ref"]])

    with ThreadPoolExecutor(1) as other:
        with services.database.begin(services.site, world.now, WORKER) as ctx:
            subscription = lock(ctx.session, owing.subscription_id)
            method = saved_cards.keep_card(
                ctx, "stripe", owing.reader_id, replace(card, method_ref="pm_new", last4="4444")
            )
            ctx.session.flush()
            subscription.payment_method_id = method.id
            ctx.session.flush()
            settled = other.submit(settle_news)
            until_one_waits(world)
            kept = method.id
        settled.result()
    (after,) = world.rows("SELECT payment_method_id, retry_on, next_action_at FROM subscription")
    assert after == before | {"payment_method_id": kept}
