"""A stolen key can only do what its scopes allow; scopes that move money, start or end are separate from reading."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from tests.support.actors import BY
from tests.support.programs import program
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


@pytest.fixture
def key_with(world: World) -> Callable[..., httpx.Client]:
    """A key with these scopes."""
    return lambda *scopes: program(world, *scopes)


def refunds(world: World) -> list[dict[str, Any]]:
    world.settle()
    return world.rows("SELECT amount FROM refund") + world.sandbox.refunds()


def test_a_key_without_money_gives_no_year_back_by_a_cancellation_dated_back(
    world: World, yearly: Subscriber, key_with: Callable[..., httpx.Client]
) -> None:
    """The caller chooses `requested_at`. It moves R750, so it needs the scope for money."""
    client = key_with("readers")
    path = f"/v1/subscriptions/{yearly.subscription_id}"
    before = world.subscription(yearly.subscription_id)
    for body in (
        {"requested_at": before["started_at"]},
        {"refund": "last"},
        {"refund": "last", "when": "now"},
        {"when": "early"},
    ):
        answer = client.post(f"{path}/cancel", json=body, headers={"Idempotency-Key": str(body)})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), answer.text
        assert "`money`" in answer.json()["detail"]
        assert answer.json()["needs"] == "money"
    withdrawn = client.post(f"{path}/withdraw")
    assert (withdrawn.status_code, withdrawn.json()["code"]) == (403, "scope_missing")
    assert refunds(world) == []
    assert world.subscription(yearly.subscription_id) == before, "nothing was done"
    assert world.rows("SELECT 1 FROM audit_line WHERE outcome = 'done'") == []


def test_a_key_with_money_gives_back_what_the_cancellation_says(
    world: World, yearly: Subscriber, key_with: Callable[..., httpx.Client]
) -> None:
    body = {"requested_at": world.subscription(yearly.subscription_id)["started_at"]}
    path = f"/v1/subscriptions/{yearly.subscription_id}/cancel"
    refused = key_with("readers:cancel").post(path, json=body)
    assert refused.json()["code"] == "scope_missing"
    assert key_with("readers:cancel", "money").post(path, json=body).status_code == 200
    assert [row["amount"] for row in refunds(world)] == [75000, 75000]
    (line,) = world.rows(f"SELECT {BY}, cents FROM audit_line WHERE outcome = 'done'")
    assert line == {"by": "api:readers:cancel-money", "cents": 75000}


def test_what_the_key_alone_forbade_can_be_asked_again_under_the_same_idempotency_key(
    world: World, yearly: Subscriber, key_with: Callable[..., httpx.Client]
) -> None:
    """Nothing was done, so the refusal isn't stored. The key may have the scope by the next call."""
    client, path = key_with("readers"), f"/v1/subscriptions/{yearly.subscription_id}/cancel"
    asked: dict[str, Any] = {"json": {"refund": "last"}, "headers": {"Idempotency-Key": "k1"}}
    assert client.post(path, **asked).status_code == 403
    world.execute("UPDATE api_key SET scopes = '[\"readers\", \"money\"]' WHERE name = 'readers'")
    assert client.post(path, **asked).status_code == 200


def test_a_key_without_money_cancels_and_gives_nothing_back(
    world: World, paid: Subscriber, key_with: Callable[..., httpx.Client]
) -> None:
    client, path = key_with("readers:cancel"), f"/v1/subscriptions/{paid.subscription_id}"
    answer = client.post(f"{path}/cancel", json={"refund": "none"})
    assert answer.status_code == 200
    assert answer.json()["cancel_requested_at"] is not None
    assert refunds(world) == []


def test_each_part_of_readers_is_apart(
    world: World, paid: Subscriber, key_with: Callable[..., httpx.Client]
) -> None:
    reader, subscription = f"/v1/readers/{paid.reader_id}", f"/v1/subscriptions/{paid.subscription_id}"
    calls: dict[str, Sequence[tuple[str, str, Any]]] = {
        "readers:read": [
            ("GET", path, None) for path in (reader, f"{reader}/events", subscription, "/v1/readers")
        ],
        "readers:cancel": [("POST", f"{subscription}/cancel", {"refund": "none"})],
        "readers:start": [("POST", f"{subscription}/resume", None)],
        "readers:support": [
            ("POST", f"{subscription}/extend", {"days": 1, "reason": "x"}),
            ("POST", f"{subscription}/charge-day", {"day": 25, "reason": "x"}),
            ("POST", f"{subscription}/charge-day/undo", {"reason": "x"}),
            ("POST", f"{reader}/notes", {"words": "x"}),
        ],
    }
    clients = {scope: key_with(scope) for scope in calls}
    whole, all_parts = key_with("readers"), key_with(*calls)
    for needed, asked in calls.items():
        for method, path, body in asked:
            for scope, client in clients.items():
                if scope != needed:
                    answer = client.request(method, path, json=body)
                    assert (answer.status_code, answer.json().get("needs")) == (403, needed), (path, scope)
            assert clients[needed].request(method, path, json=body).status_code in (200, 201), path
            for client in (whole, all_parts):
                assert client.request(method, path, json=body).status_code in (200, 201, 409), path
    assert all_parts.post("/v1/clock/advance", json={"seconds": 1}).status_code == 200
    assert clients["readers:start"].post("/v1/clock/advance", json={"seconds": 1}).status_code == 403


def test_the_reference_names_the_scope_of_each_call(world: World) -> None:
    paths = world.api.get("/openapi.json").json()["paths"]
    cancel = paths["/v1/subscriptions/{subscription_id}/cancel"]["post"]
    assert cancel["security"] == [{"HTTPBearer": ["readers:cancel"]}]
    assert paths["/v1/payments/{payment_id}/refunds"]["post"]["security"] == [{"HTTPBearer": ["money"]}]


READER = "thandi@example.com"


def ask_by_form(world: World, email: str) -> None:
    """Anybody can, since the form needs no proof of identity."""
    stranger = world.browser()
    stranger.get("/contact")
    stranger.post("/contact", kind="cancel", email=email, words="")


@pytest.fixture
def charged_after_a_form(world: World) -> str:
    """A subscription that was charged within the week after a form; an earlier one had put that charge off."""

    def live() -> str:
        subscription_id = str(world.start_trial(READER)["subscription"]["id"])
        for day in (14, 20):
            world.advance_to(local(2027, 4, day, 11))
            ask_by_form(world, READER)
        charged = len(world.charges())
        world.advance_to(local(2027, 4, 24, 12))
        assert len(world.charges()) == charged + 1
        return subscription_id

    return world.once("a charge in the week after a form", live)


@pytest.mark.parametrize(
    ("scopes", "body"),
    [
        (["readers:cancel"], {}),
        (["readers:cancel"], {"refund": "none"}),
        (["readers:cancel"], {"when": "now"}),
        (["readers:cancel", "money"], {"refund": "none"}),
    ],
)
def test_a_form_that_a_stranger_posts_stops_no_cancellation(
    world: World,
    charged_after_a_form: str,
    key_with: Callable[..., httpx.Client],
    scopes: list[str],
    body: dict[str, str],
) -> None:
    """It is cancelled as of now without a refund. The form waits for staff, who decide about the later charge."""
    path = f"/v1/subscriptions/{charged_after_a_form}/cancel"
    answer = key_with(*scopes).post(path, json=body)
    assert answer.status_code == 200, answer.text
    (row,) = world.rows("SELECT cancel_asked_at FROM subscription")
    assert row["cancel_asked_at"] == world.now
    assert refunds(world) == []
    assert len(world.rows("SELECT 1 FROM reader_request WHERE closed_at IS NULL")) == 2


def test_a_form_counts_once_who_may_return_its_charge_cancels(
    world: World, charged_after_a_form: str, key_with: Callable[..., httpx.Client]
) -> None:
    """The later charge is refunded, also if a program without `money` has cancelled before."""
    path = f"/v1/subscriptions/{charged_after_a_form}/cancel"
    assert key_with("readers:cancel").post(path).status_code == 200
    assert key_with("readers:cancel", "money").post(path).status_code == 200
    assert [row["amount"] for row in refunds(world)] == [7500, 7500]
    assert len(world.rows("SELECT 1 FROM reader_request WHERE closed_at IS NULL")) == 1, "the old one waits"


def test_a_key_without_money_answers_a_form_that_nothing_was_charged_after(
    world: World, paid: Subscriber, key_with: Callable[..., httpx.Client]
) -> None:
    ask_by_form(world, paid.email)
    asked = world.now
    world.advance(hours=2)
    cancelled = key_with("readers:cancel").post(f"/v1/subscriptions/{paid.subscription_id}/cancel")
    assert cancelled.status_code == 200
    (row,) = world.rows("SELECT cancel_asked_at FROM subscription")
    assert row["cancel_asked_at"] == asked
    assert world.rows("SELECT 1 FROM reader_request WHERE closed_at IS NULL") == []
