"""Forged webhooks, and genuine ones that are no events (STR-6)."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from billing.http.limits import MOST_WEBHOOK_BYTES
from tests.support.installation import WEBHOOK_SECRET
from tests.support.routes import is_named_refusal
from tests.support.starting_points import Subscriber
from tests.support.table_contents import changed, contents
from tests.support.webhook_messages import event, post, signature
from tests.support.world import World


def refused(world: World, answer: httpx.Response, code: str = "forged_webhook") -> None:
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert is_named_refusal(answer)
    assert world.rows("SELECT event_ref AS id FROM inbound_event") == []


def test_an_event_is_kept_once_however_often_it_comes(world: World) -> None:
    answers = [post(world, event(world)) for _ in range(5)]
    assert [answer.json()["new"] for answer in answers] == [True] + [False] * 4
    assert [row["id"] for row in world.rows("SELECT event_ref AS id FROM inbound_event")] == [
        "evt_of_the_test"
    ]


def test_the_same_id_with_another_body_changes_nothing(world: World) -> None:
    post(world, event(world))
    before = contents(world)
    answer = post(world, event(world, type="refund.created"))
    assert (answer.status_code, answer.json()["new"]) == (200, False)
    assert changed(before, contents(world)) == []


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=",
        "v1=abc",
        "t=1",
        "t=²,v1=00",
        "t=9999999999999999999999,v1=00",
        "t=1=2,v1=00",
        "t=1,v1=é",
        "nonsense",
        "t=1,v1=" + "f" * 64,
        "," * 5_000,
    ],
)
def test_without_a_signature_nothing_is_believed(world: World, header: str | None) -> None:
    headers = {} if header is None else {b"stripe-signature": header.encode("latin-1")}
    answer = httpx.post(
        f"{world.url}/webhooks/stripe", json=event(world), headers=headers, trust_env=False, timeout=60
    )
    refused(world, answer)


def test_an_acquirer_that_nobody_knows_is_an_unknown_page(world: World) -> None:
    """Only the registry's names have an address, in their exact spelling."""
    for path in ("/webhooks/nobody", "/webhooks/Stripe", "/webhooks/", "/webhooks/stripe/more"):
        answer = httpx.post(world.url + path, json=event(world), trust_env=False, timeout=60)
        assert answer.status_code == 404, path
    assert world.rows("SELECT id FROM inbound_event") == []


def test_another_secret_is_a_forgery(world: World) -> None:
    refused(world, post(world, event(world), "whsec_of_somebody_else"))
    refused(world, post(world, event(world), ""))


def test_a_signature_of_the_old_scheme_is_none(world: World) -> None:
    raw = json.dumps(event(world)).encode()
    header = signature(raw, int(world.now.timestamp()), WEBHOOK_SECRET, scheme="v0")
    headers = {"stripe-signature": header}
    refused(
        world,
        httpx.post(f"{world.url}/webhooks/stripe", content=raw, headers=headers, trust_env=False, timeout=60),
    )


@pytest.mark.parametrize(
    "turn",
    [lambda raw: raw + b" ", lambda raw: raw.replace(b"pi_", b"pj_"), lambda raw: b"", lambda raw: raw[:-1]],
)
def test_one_byte_changed_and_the_signature_is_void(world: World, turn: Callable[[bytes], bytes]) -> None:
    raw = json.dumps(event(world)).encode()
    header = signature(raw, int(world.now.timestamp()), WEBHOOK_SECRET)
    answer = httpx.post(
        f"{world.url}/webhooks/stripe",
        content=turn(raw),
        headers={"stripe-signature": header},
        trust_env=False,
        timeout=60,
    )
    refused(world, answer)


def test_the_signature_is_over_the_bytes_as_they_came(world: World) -> None:
    raw = json.dumps(event(world), indent=7, sort_keys=True).replace("\n", "\r\n").encode() + b"\n\n"
    assert post(world, raw).status_code == 200


@pytest.mark.parametrize(
    ("seconds", "believed"),
    [(-301, False), (-300, True), (0, True), (300, True), (301, False), (-86_400, False)],
)
def test_a_message_counts_for_five_minutes_either_way_of_our_clock(
    world: World, seconds: int, believed: bool
) -> None:
    """The clock is held in March 2027. The machine's clock isn't used."""
    answer = post(world, event(world), off=timedelta(seconds=seconds))
    if believed:
        assert answer.status_code == 200
    else:
        refused(world, answer)


def test_while_a_secret_is_replaced_both_are_good_and_then_only_one(make_world: Callable[..., World]) -> None:
    both = make_world(stripe_webhook_secrets=f"{WEBHOOK_SECRET}, whsec_new")
    assert post(both, event(both), WEBHOOK_SECRET).status_code == 200
    assert post(both, event(both, id="evt_2"), "whsec_new").status_code == 200
    assert post(both, event(both, id="evt_3"), "whsec_other", "whsec_new").status_code == 200
    assert post(both, event(both, id="evt_4"), "whsec_other").status_code == 400
    after = make_world(stripe_webhook_secrets="whsec_new")
    assert post(after, event(after), "whsec_new").status_code == 200
    assert post(after, event(after, id="evt_2"), WEBHOOK_SECRET).status_code == 400


def test_without_any_secret_no_webhook_is_believed(make_world: Callable[..., World]) -> None:
    world = make_world(stripe_webhook_secrets="")
    refused(world, post(world, event(world), ""))
    refused(world, post(world, event(world), WEBHOOK_SECRET))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"\xff\xfe",
        b"[" * 20_000,
        {},
        {"id": 1},
        {"id": ""},
        {"id": {"a": 1}},
        {"id": "e" * 256},
        {"id": "evt_\x00"},
        {"id": "evt_\ud800"},
        {"type": None},
        {"created": "soon"},
        {"created": 10**40},
        {"created": 1e400},
        {"data": None},
        {"data": []},
        {"data": {"object": "pi_1"}},
        {"data": {"object": {}}},
        {"data": {"object": {"id": "pi_1", "name": "a\x00b"}}},
        {"data": {"object": {"id": "pi_1", "na\x00me": "ab"}}},
        {"data": {"object": {"id": "pi_1", "list": [["\udfff"]]}}},
        {"data": {"object": {"id": "pi_1", "amount": float("inf")}}},
        {"data": {"object": {"id": "pi_1", "deep": json.loads("[" * 500 + "]" * 500)}}},
        {"data": {"object": {"id": "pi_1", "amounts": [float("nan")]}}},
        b'{"id": "evt_1", "type": "a.b", "created": 1, "data": {"object": {"id": "pi_1", "amount": -1e400}}}',
    ],
)
def test_a_signed_message_that_is_no_event_is_named_as_that(world: World, body: Any) -> None:
    whole = event(world) | body if isinstance(body, dict) and body else body
    answer = post(world, whole)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in ("not_an_event", "forged_webhook")
    assert answer.json()["code"] == "not_an_event" or body == b"\xff\xfe"
    assert world.rows("SELECT event_ref AS id FROM inbound_event") == []


def test_a_huge_message_is_not_read_to_its_end(world: World) -> None:
    whole = json.dumps(event(world, padding="x" * MOST_WEBHOOK_BYTES)).encode()
    assert post(world, whole).status_code == 413
    pieces = (whole[start : start + 1024] for start in range(0, len(whole), 1024))
    header = signature(whole, int(world.now.timestamp()), WEBHOOK_SECRET)
    answer = httpx.post(
        f"{world.url}/webhooks/stripe",
        content=pieces,
        headers={"stripe-signature": header},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 413
    assert world.rows("SELECT event_ref AS id FROM inbound_event") == []
    largest = json.dumps(event(world, padding="x" * (MOST_WEBHOOK_BYTES - 400))).encode()
    assert post(world, largest).status_code == 200


def test_an_event_about_nobody_we_know_is_settled_and_harms_nothing(
    world: World, in_trial: Subscriber
) -> None:
    assert world.subscription(in_trial.subscription_id)["status"] == "trialing"
    before = contents(world, but=("inbound_event",))
    for number, kind in enumerate(("checkout.session.completed", "customer.created", "no.such.event")):
        assert (
            post(
                world, event(world, id=f"evt_{number}", type=kind, data={"object": {"id": f"cs_{number}"}})
            ).status_code
            == 200
        )
    world.settle()
    assert changed(before, contents(world, but=("inbound_event",))) == []
    assert {
        row["outcome"] for row in world.rows("SELECT outcome FROM inbound_event WHERE event_ref LIKE 'evt__'")
    } == {
        "not our page",
        "not for us",
    }


def test_a_signed_lie_charges_nobody_and_pays_no_invoice(world: World, in_trial: Subscriber) -> None:
    """A thief of the secret can only make us look things up at Stripe. An event's contents are never trusted."""
    before = contents(world, but=("inbound_event",))
    lie = {
        "id": "pi_made_up",
        "object": "payment_intent",
        "status": "succeeded",
        "amount_received": 7500,
        "metadata": {"attempt": "att_1", "invoice": "inv_1"},
    }
    post(world, event(world, data={"object": lie}))
    world.settle()
    assert changed(before, contents(world, but=("inbound_event",))) == []
    assert world.subscription(in_trial.subscription_id)["status"] == "trialing"
    world.sandbox.exchanges.clear()
