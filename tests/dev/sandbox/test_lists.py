"""Lists: newest first, filtered, in pages that neither repeat nor lose anything."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import InvalidRequestError

from billing.dev.sandbox.store import Table
from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card, charge
from tests.support.sandbox import Sandbox


def test_pages_cover_everything_once(stripe: Stripe) -> None:
    made = [a_customer(stripe, name=f"Reader {number}").id for number in range(7)]
    first = stripe.v1.customers.list({"limit": 3})
    assert [one.id for one in first.data] == made[:3:-1]
    assert first.has_more
    second = stripe.v1.customers.list({"limit": 3, "starting_after": first.data[-1].id})
    last = stripe.v1.customers.list({"limit": 3, "starting_after": second.data[-1].id})
    assert [one.id for one in last.data] == [made[0]]
    assert not last.has_more
    back = stripe.v1.customers.list({"limit": 2, "ending_before": second.data[0].id})
    assert [one.id for one in back.data] == [made[5], made[4]]
    assert back.has_more
    assert [one.id for one in stripe.v1.customers.list({"limit": 2}).auto_paging_iter()] == made[::-1]


def test_filters(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(datetime(2026, 3, 1, 7, tzinfo=UTC))
    first = a_saved_card(stripe, "pm_card_visa", a_customer(stripe, email="first@example.com").id)
    early = charge(stripe, first)
    sandbox.advance(days=2)
    second = a_saved_card(stripe, "pm_card_visa", a_customer(stripe, email="second@example.com").id)
    late = charge(stripe, second)
    edge = int(sandbox.now.timestamp())
    intents = stripe.v1.payment_intents
    assert [one.id for one in intents.list({"customer": str(first.customer)}).data] == [early.id]
    assert [one.id for one in intents.list({"created": {"gte": edge}}).data] == [late.id]
    assert [one.id for one in intents.list({"created": {"lt": edge}}).data] == [early.id]
    assert [one.id for one in intents.list({"created": edge}).data] == [late.id]
    assert [one.id for one in intents.list({"created": {"gt": edge}}).data] == []
    charges = stripe.v1.charges.list({"payment_intent": early.id}).data
    assert [one.id for one in charges] == [early.latest_charge]
    assert [one.id for one in stripe.v1.customers.list({"email": "second@example.com"}).data] == [
        second.customer
    ]
    assert [one.id for one in stripe.v1.payment_methods.list({"customer": str(second.customer)}).data] == [
        second.id
    ]
    owned = stripe.v1.customers.payment_methods.list(str(first.customer), {"type": "card"}).data
    assert [one.id for one in owned] == [first.id]


def test_events_are_listed_by_type(stripe: Stripe) -> None:
    charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    wild = [one.type for one in stripe.v1.events.list({"type": "payment_intent.*"}).data]
    assert wild == ["payment_intent.succeeded", "payment_intent.created"]
    exact = stripe.v1.events.list({"types": ["customer.created", "charge.succeeded"]}).data
    assert [one.type for one in exact] == ["charge.succeeded", "customer.created"]
    assert stripe.v1.events.retrieve(exact[0].id).id == exact[0].id


@pytest.mark.parametrize(
    "asked", [{"limit": 0}, {"limit": 101}, {"starting_after": "cus_no"}, {"sort": "asc"}]
)
def test_a_list_that_makes_no_sense_is_refused(stripe: Stripe, asked: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError):
        stripe.v1.customers.list(asked)


@given(st.lists(st.tuples(st.integers(0, 15), st.sampled_from(["a", "b", None]), st.booleans())))
def test_the_index_finds_what_a_scan_finds(steps: list[tuple[int, str | None, bool]]) -> None:
    table = Table(("owner",))
    for number, owner, remove in steps:
        identifier = f"row_{number}"
        if remove and identifier in table.rows:
            table.remove(identifier)
        else:
            table.put({"id": identifier, "owner": owner, "created": 1})
    for owner in ("a", "b"):
        scanned = [row for row in table.newest(table.where()) if row["owner"] == owner]
        assert list(table.newest(table.where("owner", owner))) == scanned
    assert len(list(table.oldest(table.where()))) == len(table.rows)


MARCH = datetime(2026, 3, 1, 7, tzinfo=UTC)


def test_lists_that_lag_lack_what_is_new_while_its_id_finds_it(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(MARCH)
    card = a_saved_card(stripe, "pm_card_visa")
    early = charge(stripe, card)
    sandbox.advance(seconds=30)
    late = charge(stripe, card)
    refund = stripe.v1.refunds.create({"payment_intent": late.id, "amount": 500})
    sandbox.lag(30)
    intents, refunds = stripe.v1.payment_intents, stripe.v1.refunds
    assert [one.id for one in intents.list({"customer": str(card.customer)}).data] == [early.id]
    assert refunds.list({"payment_intent": late.id}).data == []
    assert [one.type for one in stripe.v1.balance_transactions.list().data] == ["charge"]
    assert intents.retrieve(late.id).status == "succeeded"
    assert refunds.retrieve(refund.id).amount == 500
    sandbox.advance(seconds=29)
    assert [one.id for one in intents.list().data] == [early.id]
    sandbox.advance(seconds=1)
    assert [one.id for one in intents.list().data] == [late.id, early.id]
    assert [one.id for one in refunds.list({"payment_intent": late.id}).data] == [refund.id]


def test_a_person_lets_lists_lag_on_the_page(sandbox: Sandbox, stripe: Stripe) -> None:
    made = a_customer(stripe).id
    answer = sandbox.http.post("/_sandbox/lists", data={"behind": "60"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/_sandbox#faults")
    assert "Lists are 60 seconds behind" in sandbox.http.get("/_sandbox").text
    assert stripe.v1.customers.list().data == []
    sandbox.http.post("/_sandbox/by-hand", data={})
    assert sandbox.state()["behind"] == 0
    assert [one.id for one in stripe.v1.customers.list().data] == [made]


@pytest.mark.parametrize("wanted", ["-1", "3601", "soon", ""])
def test_a_lag_that_makes_no_sense_is_refused(sandbox: Sandbox, wanted: str) -> None:
    assert sandbox.http.post("/_sandbox/lists", json={"behind": wanted}).status_code == 400
    assert sandbox.state()["behind"] == 0


def test_a_lag_is_kept_with_a_moment_and_forgotten_by_a_reset(sandbox: Sandbox) -> None:
    sandbox.lag(45)
    sandbox.keep("lagging")
    sandbox.lag(0)
    sandbox.recall("lagging")
    assert sandbox.state()["behind"] == 45
    sandbox.reset()
    assert sandbox.state()["behind"] == 0
