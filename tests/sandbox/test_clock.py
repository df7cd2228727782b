"""A clock that stands still, moves when told, and brings things about as it moves."""

from datetime import UTC, datetime

from tests.sandbox.asking import Stripe, a_customer, a_session
from tests.twin import Twin, running

MARCH = datetime(2026, 3, 1, 7, 0, tzinfo=UTC)


def test_stamps_follow_the_held_clock(twin: Twin, stripe: Stripe) -> None:
    twin.set_clock(MARCH)
    assert a_customer(stripe).created == int(MARCH.timestamp())
    twin.advance(days=15)
    assert a_customer(stripe).created == int(MARCH.timestamp()) + 15 * 86400
    assert twin.state()["held"] is True
    twin.set_clock(None)
    assert abs((datetime.now(UTC) - twin.now).total_seconds()) < 60


def test_a_session_expires_after_a_day(twin: Twin, stripe: Stripe) -> None:
    twin.set_clock(MARCH)
    session = a_session(stripe)
    twin.advance(hours=23, minutes=59)
    assert stripe.v1.checkout.sessions.retrieve(session.id).status == "open"
    twin.advance(minutes=1)
    assert stripe.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert [event["type"] for event in twin.events()][:2] == [
        "checkout.session.expired",
        "setup_intent.canceled",
    ]


def test_reset_forgets_everything_but_the_endpoints_given_at_start() -> None:
    with running(webhooks=[("http://127.0.0.1:9/given", "whsec_given")]) as twin:
        twin.set_clock(MARCH)
        twin.add_webhook("http://127.0.0.1:9/added", "whsec_added")
        a_customer(twin.client())
        twin.faults({"effect": "429"})
        twin.reset()
        state = twin.state()
        assert state["held"] is False
        assert state["faults"] == 0
        assert {kind: count for kind, count in state["counts"].items() if count} == {"webhook_endpoint": 1}
        assert [row["url"] for row in twin.objects("webhook_endpoint")] == ["http://127.0.0.1:9/given"]
        assert twin.client().v1.customers.list().data == []


def test_a_moment_that_was_kept_comes_back_with_its_time_and_without_faults(
    twin: Twin, stripe: Stripe
) -> None:
    twin.set_clock(MARCH)
    first = a_customer(stripe).id
    twin.keep("then")
    twin.advance(days=1)
    a_customer(stripe)
    twin.faults({"effect": "429", "times": None})
    for _ in range(2):
        twin.recall("then")
        assert [each.id for each in stripe.v1.customers.list().data] == [first]
        assert twin.now == MARCH
        assert twin.state()["faults"] == 0
        a_customer(stripe)
    assert twin.http.post("/_sandbox/moments/never").status_code == 400
