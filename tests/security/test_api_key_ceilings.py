"""A stolen key has daily ceilings: money given back, days given, subscriptions started."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.rules.ceilings import Ceilings, Spent
from billing.staff import key_limits
from tests.support.actors import BY
from tests.support.polling import until
from tests.support.programs import program
from tests.support.starting_points import Subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World, local

MakeWorld = Callable[..., World]


def two_years(world: World) -> list[str]:
    """The payments of two readers who pay by the year."""
    for number, email in enumerate(("a@example.com", "b@example.com")):
        world.start_trial(email, f"pm_card_visa__{number}", plan="yearly")
    world.advance_to(local(2027, 3, 16, 12))
    return [row["id"] for row in world.rows("SELECT id FROM payment ORDER BY id")]


def refund(client: httpx.Client, payment: str, cents: int, key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"amount": cents, "reason": "kindness"}
    return client.post(f"/v1/payments/{payment}/refunds", json=body, headers=headers)


def is_over(answer: httpx.Response, ceiling: str) -> bool:
    body = answer.json()
    assert (answer.status_code, body.get("code")) == (403, "over_limit"), answer.text
    return f"`{ceiling}`" in body["detail"] and body["ceiling"] == ceiling


def refunded(world: World) -> int:
    return sum(row["amount"] for row in world.rows("SELECT amount FROM refund"))


def test_a_key_gives_no_more_money_back_than_its_ceiling_in_a_day(world: World) -> None:
    first, second = two_years(world)
    client = program(world, "money", ceilings=Ceilings(cents=100_000))
    assert refund(client, first, 75_000).status_code == 201
    assert is_over(refund(client, second, 25_001, "k1"), "cents_a_day")
    assert "R1\u00a0000.00" in refund(client, second, 25_001).json()["detail"]
    assert refund(client, second, 25_000).status_code == 201
    assert refunded(world) == 100_000
    world.advance_to(world.now + timedelta(hours=22))
    assert is_over(refund(client, second, 1), "cents_a_day"), "midnight is no new day"
    world.advance_to(world.now + timedelta(hours=2))
    assert refund(client, second, 25_001, "k1").status_code == 201, "the refusal isn't kept as the answer"


def test_a_cancellation_dated_back_counts_towards_the_same_ceiling(world: World, yearly: Subscriber) -> None:
    client = program(world, "readers", "money", ceilings=Ceilings(cents=70_000))
    before = world.subscription(yearly.subscription_id)
    body = {"requested_at": before["started_at"]}
    path = f"/v1/subscriptions/{yearly.subscription_id}"
    assert is_over(client.post(f"{path}/cancel", json=body), "cents_a_day")
    assert is_over(client.post(f"{path}/withdraw"), "cents_a_day")
    assert world.subscription(yearly.subscription_id) == before
    assert refunded(world) == 0


def test_a_key_gives_no_more_days_than_its_ceiling(world: World, in_trial: Subscriber) -> None:
    client = program(world, "readers", ceilings=Ceilings(days=20))
    extend = f"/v1/subscriptions/{in_trial.subscription_id}/extend"
    assert client.post(extend, json={"days": 12, "reason": "x"}).status_code == 200
    assert is_over(client.post(extend, json={"days": 9, "reason": "x"}), "days_a_day")
    other = world.start_trial("b@example.com", "pm_card_visa__2")
    world.api.post(f"/v1/subscriptions/{other['subscription']['id']}/cancel", json={"when": "now"})
    reader = f"/v1/readers/{other['reader']['id']}"
    assert is_over(client.post(f"{reader}/grants", json={"days": 9, "reason": "x"}), "days_a_day")
    assert is_over(client.post(f"{reader}/trial-exceptions", json={"reason": "x"}), "days_a_day"), (
        "another trial is 14 days"
    )
    assert client.post(f"{reader}/grants", json={"days": 8, "reason": "x"}).status_code == 201


def test_a_key_starts_no_more_subscriptions_than_its_ceiling_and_asks_stripe_for_none(world: World) -> None:
    client = program(world, "readers:start", ceilings=Ceilings(starts=1))

    def start(email: str, number: int) -> httpx.Response:
        body: dict[str, Any] = {
            "email": email,
            "payment_method": f"pm_card_visa__{number}",
            "consent": {
                "text_version": "1",
                "accepted_at": "2027-03-01T08:00:00Z",
                "ip": "::1",
                "user_agent": "A",
            },
        }
        return client.post("/v1/trials", json=body)

    assert start("a@example.com", 1).status_code == 201
    saved = world.sandbox.objects("customer")
    assert is_over(start("b@example.com", 2), "starts_a_day")
    assert world.rows("SELECT count(*) AS n FROM reader") == [{"n": 1}]
    assert world.sandbox.objects("customer") == saved != []


def test_at_its_ceiling_a_key_is_a_case_a_day_and_a_line_an_hour(world: World) -> None:
    first, second = two_years(world)
    client = program(world, "money", ceilings=Ceilings(cents=1_000))
    for payment in (first, second, first, second):
        assert is_over(refund(client, payment, 1_001), "cents_a_day")
    (case,) = world.rows("SELECT what FROM staff_case WHERE kind = 'key_limit'")
    assert "“money”" in case["what"]
    (line,) = world.rows(f"SELECT {BY}, act, reason, after FROM audit_line WHERE outcome = 'refused'")
    assert (line["by"], line["act"]) == ("api:money", "over_limit")
    assert line["after"] == {"asked": f"POST /v1/payments/{first}/refunds"}


def test_two_refunds_with_one_key_at_once_do_not_exceed_it_together(world: World) -> None:
    """The second waits for the first's commit, and then counts its sum."""
    two_years(world)
    program(world, "money", ceilings=Ceilings(cents=100_000))
    (key,) = world.rows("SELECT id FROM api_key WHERE name = 'money'")

    def spend(session: Session) -> None:
        key_limits.spend(
            TransactionContext(session, world.services.site, world.now, WORKER),
            key["id"],
            Spent(cents=75_000),
        )

    with world.services.database.transaction() as one:
        spend(one)
        with world.services.database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            with pytest.raises(OperationalError, match="lock timeout"):
                spend(other)
    with pytest.raises(key_limits.KeyOverLimit), world.services.database.transaction() as other:
        spend(other)


def test_a_race_over_http_gives_back_what_one_of_them_may(world: World) -> None:
    """Two programs use the same key at once, while a lock on it makes both wait. One is refused."""
    payments = two_years(world)
    client = program(world, "money", ceilings=Ceilings(cents=100_000))
    (key,) = world.rows("SELECT id FROM api_key WHERE name = 'money'")

    def waiting() -> bool:
        asked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        return len(world.rows(asked)) == 2

    with ThreadPoolExecutor(2) as programs:
        with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
            key_limits.spend(ctx, key["id"], Spent(days=1))
            answers = [programs.submit(refund, client, payment, 75_000) for payment in payments]
            until(waiting, "both wait for the key")
        codes = sorted(answer.result().status_code for answer in answers)
    assert codes == [201, 403]
    assert refunded(world) == 75_000
