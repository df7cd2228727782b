"""Stripe rejects some mail addresses. A reader whose mails arrive can subscribe all the same."""

from tests.support.starting_points import Subscriber
from tests.support.world import World

EMAIL = "thandi@intranet"


def test_a_customer_is_made_without_an_address_that_stripe_refuses(world: World) -> None:
    gateway = world.services.gateway
    made = gateway.create_customer(reader_id="rdr_1", email=EMAIL, key="customer-1")
    assert isinstance(made, str)
    (customer,) = world.sandbox.objects("customer")
    assert (customer["email"], customer["metadata"]["reader"]) == (None, "rdr_1")
    assert gateway.create_customer(reader_id="rdr_1", email=EMAIL, key="customer-1") == made, "once"
    assert len(world.sandbox.objects("customer")) == 1


def test_a_reader_with_such_an_address_changes_the_card_of_a_deleted_customer(
    world: World, paid: Subscriber
) -> None:
    """This creates another Customer, with the reader's current address."""
    browser = world.browser()
    browser.sign_in(paid.email)
    world.execute("UPDATE reader SET email = :email WHERE id = :id", email=EMAIL, id=paid.reader_id)
    (card,) = world.rows("SELECT customer_ref FROM payment_method")
    world.sandbox.banks("delete_customer", customer=card["customer_ref"])
    browser.get("/account")
    page = browser.sent_to("/account/card")
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    world.settle()
    assert world.subscription(paid.subscription_id)["payment_method"]["last4"] == "4444"
