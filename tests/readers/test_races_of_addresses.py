"""Another address against a second one, an erasure and the acquirer: whoever is first, one address is true."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from billing.address_changes import confirm as confirming
from billing.address_changes import customers, stop
from billing.platform import stop_points
from billing.platform.errors import Refusal
from billing.readers.address_change import PURPOSE, AddressChange
from billing.readers.links import LinkSpent
from tests.proofs.steps import together
from tests.support.another_address import ANYWHERE, NEW, STAFF, addresses, asked, confirmed
from tests.support.erasures import ask_for, left_over, mentions
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World


def refusals(*works: Callable[[], object]) -> list[str]:
    """Do these at one time; the code of what each was refused with, or nothing."""
    found = together(*works)
    assert [each for each in found if isinstance(each, Exception) and not isinstance(each, Refusal)] == []
    return [each.code if isinstance(each, Refusal) else "" for each in found]


def confirmation(world: World, change_id: str) -> Callable[[], None]:
    """What confirms it."""

    def work() -> None:
        services = world.services
        with services.database.begin(services.site, world.now, STAFF) as ctx:
            confirming.confirm(ctx, services.site.tokens.token(PURPOSE, change_id), ANYWHERE)

    return work


def stopping(world: World, change_id: str) -> Callable[[], None]:
    """What stops it."""

    def work() -> None:
        services = world.services
        with services.database.begin(services.site, world.now, STAFF) as ctx:
            stop.stop(ctx, change_id)

    return work


def test_two_requests_at_once_leave_one_that_works(world: World, paid: Subscriber) -> None:
    emails = ("a@elsewhere.example", "b@elsewhere.example")
    outcome = refusals(*(lambda email=email: asked(world, paid.reader_id, email) for email in emails))
    assert outcome == ["", ""]
    assert len(world.rows("SELECT id FROM address_change WHERE used_at IS NULL")) == 1


def test_two_confirmations_of_one_link_change_it_once(world: World, paid: Subscriber) -> None:
    change_id = asked(world, paid.reader_id)
    outcome = refusals(*[confirmation(world, change_id)] * 2)
    assert sorted(outcome) == ["", "link_spent"]
    assert addresses(world) == [NEW]


def test_two_readers_who_confirm_the_same_address_at_once(world: World, paid: Subscriber) -> None:
    world.start_trial("other@example.com", "pm_card_visa__2")
    (other,) = world.rows("SELECT id FROM reader WHERE email = 'other@example.com'")
    links = [asked(world, reader_id) for reader_id in (paid.reader_id, other["id"])]
    outcome = refusals(*(confirmation(world, link) for link in links))
    assert sorted(outcome) == ["", "address_taken"]
    assert addresses(world).count(NEW) == 1


def test_a_confirmation_against_the_link_that_stops_it(world: World, paid: Subscriber) -> None:
    change_id = asked(world, paid.reader_id)
    outcome = refusals(confirmation(world, change_id), stopping(world, change_id))
    assert outcome[0] in ("", "link_spent")
    assert outcome[1] == ""
    assert addresses(world) == [paid.email]


def test_a_change_that_was_read_before_it_was_stopped_confirms_nothing(
    world: World, paid: Subscriber
) -> None:
    change_id, services = asked(world, paid.reader_id), world.services
    token = services.site.tokens.token(PURPOSE, change_id)
    with services.database.begin(services.site, world.now, STAFF) as ctx:
        read_before = ctx.session.get_one(AddressChange, change_id)
        stopping(world, change_id)()
        with pytest.raises(LinkSpent):
            confirming.confirm(ctx, token, ANYWHERE)
        assert read_before.stopped_at is not None
    assert addresses(world) == [paid.email]


@contextmanager
def before_the_call(work: Callable[[], object]) -> Iterator[list[str]]:
    """During the block, do the work once, after the intent and before the acquirer is asked for it. The points of that once."""
    passed: list[str] = []

    def listener(name: str) -> None:
        if name == f"StripeGateway.update_customer {stop_points.ASKED}" and not passed:
            passed.append(name)
            work()

    stop_points.listen(listener)
    try:
        yield passed
    finally:
        stop_points.listen(None)
    assert passed


def test_an_erasure_that_comes_between_intent_and_record(world: World, paid: Subscriber) -> None:
    """The customer is gone then, and nothing of the reader comes back."""
    confirmed(world, paid.reader_id)

    def erase() -> None:
        ask_for(world, paid.reader_id)
        world.advance(days=3)

    services, then = world.services, world.now
    with before_the_call(erase):
        customers.update_due(services.database, services.acquirers, services.site, then)
    (customer,) = world.sandbox.objects("customer")
    assert customer.get("deleted") is True
    assert left_over(world, paid.reader_id) == []
    assert mentions(world, NEW) == []


def test_a_change_that_comes_between_is_sent_after_it(world: World, paid: Subscriber) -> None:
    confirmed(world, paid.reader_id)
    with before_the_call(lambda: confirmed(world, paid.reader_id, "third@elsewhere.example")):
        world.settle()
    world.settle()
    assert [row["email"] for row in world.sandbox.objects("customer")] == ["third@elsewhere.example"]
    assert world.rows("SELECT id FROM address_change WHERE customer_due_at IS NOT NULL") == []


def test_a_mail_that_is_being_sent_goes_where_it_was_going(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    browser.get("/account/address")
    browser.post("/account/address", email=NEW)
    world.settle()
    browser.get(world.mailed_link(NEW, "/account/address/link/"))
    world.smtp.meanwhile(lambda: browser.post("/account/address/confirm"), at="dot", to=paid.email)
    world.api.post(
        f"/v1/subscriptions/{paid.subscription_id}/extend", json={"days": 3, "reason": "asked"}
    ).raise_for_status()
    world.settle()
    rows = world.rows("SELECT recipient, state FROM message WHERE kind = 'more_days'")
    assert [(row["recipient"], row["state"]) for row in rows] == [(paid.email, "accepted")]
    assert addresses(world) == [NEW]
