"""A card without a fingerprint from Stripe, as with some wallets, equals no other card. It shares no trial, limit or
refusal with another.
"""

import pytest

from billing.payments.attempt_history import card_usage
from billing.platform.actors import WORKER
from tests.support.world import World, local

WALLET, NUMBER = "pm_card_wallet", "4012888888881881"


def fingerprints(world: World) -> list[str]:
    return [row["fingerprint"] for row in world.rows("SELECT fingerprint FROM payment_method ORDER BY id")]


def test_two_readers_with_such_cards_each_have_their_trial(world: World) -> None:
    for name in ("first", "second", "third"):
        assert world.try_trial(f"{name}@example.com", WALLET).status_code == 201
    assert len(set(fingerprints(world))) == 3
    for one in world.sandbox.objects("payment_method"):
        assert one["card"]["fingerprint"] is None
    browser = world.browser()
    started = browser.start("fourth@example.com", NUMBER)
    assert started.path == "/subscribe/started"


OF_WALLETS = (
    "SELECT m.id, m.gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id"
    " WHERE r.email LIKE 'reader-%' ORDER BY m.id"
)


def charged(world: World) -> list[str]:
    """The day of the first charge of three readers with such cards, of which one is declined, and of one whose usual card is
    declined. The three subscriptions."""

    def live() -> list[str]:
        started = [world.start_trial(f"reader-{n}@example.com", WALLET) for n in range(3)]
        world.sandbox.decline(world.rows(OF_WALLETS)[0]["gateway_ref"], "lost_card")
        world.start_trial("thandi@example.com", "pm_card_chargeCustomerFail")
        world.advance_to(local(2027, 3, 16, 12))
        return [one["subscription"]["id"] for one in started]

    return world.once("charged on cards without a fingerprint", live)


def test_attempts_and_refusals_of_one_are_not_counted_for_another(world: World) -> None:
    started = charged(world)
    states = [world.subscription(one)["status"] for one in started]
    assert sorted(states) == ["active", "active", "past_due"]
    ids = [row["id"] for row in world.rows(OF_WALLETS)]
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        assert [card_usage(ctx, ids)[one].counted for one in ids] == [1, 0, 0]


@pytest.mark.parametrize("event", ["payment_method.updated", "payment_method.automatically_updated"])
def test_news_of_such_a_card_changes_nothing(world: World, event: str) -> None:
    world.start_trial("thandi@example.com", WALLET)
    (ref,) = world.rows("SELECT gateway_ref FROM payment_method")
    before = fingerprints(world)
    if event.endswith("automatically_updated"):
        world.sandbox.replace(ref["gateway_ref"])
    else:
        world.sandbox.client().v1.payment_methods.update(ref["gateway_ref"], {"metadata": {"a": "b"}})
    world.settle()
    assert fingerprints(world) == before


def test_one_that_pays_on_the_page_is_kept(world: World) -> None:
    charged(world)
    browser = world.browser()
    browser.get(world.mailed_link("thandi@example.com", "/pay/"))
    browser.get(world.sandbox.fill_in(browser.sent_to("/pay/page"), NUMBER))
    world.settle()
    assert "this is paid" in browser.get("/pay").words
    (now,) = world.rows(
        "SELECT m.last4 FROM subscription s JOIN payment_method m ON m.id = s.payment_method_id"
        " JOIN reader r ON r.id = s.reader_id WHERE r.email = 'thandi@example.com'"
    )
    assert now["last4"] == "1881", "it is charged from now on"
