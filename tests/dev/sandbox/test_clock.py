"""A held clock: it moves on demand and causes due events."""

from datetime import UTC, datetime

from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_session
from tests.support.sandbox import Sandbox, running

MARCH = datetime(2026, 3, 1, 7, 0, tzinfo=UTC)


def test_stamps_follow_the_held_clock(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(MARCH)
    assert a_customer(stripe).created == int(MARCH.timestamp())
    sandbox.advance(days=15)
    assert a_customer(stripe).created == int(MARCH.timestamp()) + 15 * 86400
    assert sandbox.state()["held"] is True
    sandbox.set_clock(None)
    assert abs((datetime.now(UTC) - sandbox.now).total_seconds()) < 60


def test_a_session_expires_after_a_day(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(MARCH)
    session = a_session(stripe)
    sandbox.advance(hours=23, minutes=59)
    assert stripe.v1.checkout.sessions.retrieve(session.id).status == "open"
    sandbox.advance(minutes=1)
    assert stripe.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert [event["type"] for event in sandbox.events()][:2] == [
        "checkout.session.expired",
        "setup_intent.canceled",
    ]


def test_reset_forgets_everything_but_the_endpoints_given_at_start() -> None:
    with running(webhooks=[("http://127.0.0.1:9/given", "whsec_given")]) as sandbox:
        sandbox.set_clock(MARCH)
        sandbox.add_webhook("http://127.0.0.1:9/added", "whsec_added")
        a_customer(sandbox.client())
        sandbox.faults({"effect": "429"})
        sandbox.reset()
        state = sandbox.state()
        assert state["held"] is False
        assert state["faults"] == 0
        assert {kind: count for kind, count in state["counts"].items() if count} == {"webhook_endpoint": 1}
        assert [row["url"] for row in sandbox.objects("webhook_endpoint")] == ["http://127.0.0.1:9/given"]
        assert sandbox.client().v1.customers.list().data == []


def test_a_moment_that_was_kept_comes_back_with_its_time_and_without_faults(
    sandbox: Sandbox, stripe: Stripe
) -> None:
    sandbox.set_clock(MARCH)
    first = a_customer(stripe).id
    sandbox.keep("then")
    sandbox.advance(days=1)
    a_customer(stripe)
    sandbox.faults({"effect": "429", "times": None})
    for _ in range(2):
        sandbox.recall("then")
        assert [each.id for each in stripe.v1.customers.list().data] == [first]
        assert sandbox.now == MARCH
        assert sandbox.state()["faults"] == 0
        a_customer(stripe)
    assert sandbox.http.post("/_sandbox/moments/never").status_code == 400


def test_a_skewed_clock_is_off_in_every_stamp_and_what_is_due_comes_by_it(
    sandbox: Sandbox, stripe: Stripe
) -> None:
    sandbox.set_clock(MARCH)
    sandbox.skew(-5)
    assert a_customer(stripe).created == int(MARCH.timestamp()) - 5
    assert sandbox.now == MARCH, "whoever moves it does so by a clock of their own"
    sandbox.keep("behind")
    sandbox.skew(7)
    sandbox.advance(seconds=10)
    assert a_customer(stripe).created == int(MARCH.timestamp()) + 17
    sandbox.recall("behind")
    assert a_customer(stripe).created == int(MARCH.timestamp()) - 5
    sandbox.reset()
    assert sandbox.state()["skew"] == 0


def test_a_person_sets_the_clock_wrong_on_the_page(sandbox: Sandbox) -> None:
    answer = sandbox.http.post("/_sandbox/skew", data={"seconds": "-5"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/_sandbox#faults")
    assert "5 seconds behind" in " ".join(sandbox.http.get("/_sandbox").text.split())
    sandbox.http.post("/_sandbox/skew", data={"seconds": "0"})
    assert "seconds behind" not in sandbox.http.get("/_sandbox").text
