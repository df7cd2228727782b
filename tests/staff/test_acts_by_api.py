"""Staff's acts by the API, audited with the key's name."""

from typing import Any

from billing.platform.actors import WORKER
from billing.staff.api_keys import create
from tests.support.actors import BY
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


def lines(world: World) -> list[dict[str, Any]]:
    return world.rows(
        f"SELECT {BY}, act, reason, reader_id, subject, before, after, ip FROM audit_line ORDER BY id"
    )


def test_days_are_given_by_api(world: World, in_trial: Subscriber) -> None:
    path = f"/v1/subscriptions/{in_trial.subscription_id}/extend"
    body = {"days": 5, "reason": "print edition was late"}
    answer = world.api.post(path, json=body, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_charge"]["at"] == "2027-03-21T07:00:00Z"
    again = world.api.post(path, json=body, headers={"Idempotency-Key": "k1"})
    assert again.json() == answer.json()
    line = lines(world)[-1]
    assert (line["by"], line["act"], line["reason"]) == ("api:tests", "extend", "print edition was late")
    assert line["before"]["subscription"]["charge_on"] == "2027-03-16"
    assert line["after"]["subscription"]["charge_on"] == "2027-03-21"
    assert line["ip"] == "127.0.0.1"
    assert len(lines(world)) == 1
    for wrong in (
        {"days": 0, "reason": "x"},
        {"days": 367, "reason": "x"},
        {"days": 5},
        {"days": 5, "reason": " "},
    ):
        assert world.api.post(path, json=wrong).status_code == 422, wrong
    assert world.api.post("/v1/subscriptions/sub_none/extend", json=body).status_code == 404


def test_refusals_are_named_and_change_nothing(world: World, in_trial: Subscriber) -> None:
    subscription, reader = in_trial.subscription_id, in_trial.reader_id
    days = {"days": 5, "reason": "x"}
    assert world.api.post(f"/v1/readers/{reader}/grants", json=days).json()["code"] == "has_subscription"
    world.api.post(f"/v1/subscriptions/{subscription}/cancel").raise_for_status()
    extend = f"/v1/subscriptions/{subscription}/extend"
    assert world.api.post(extend, json=days).json()["code"] == "is_cancelled"
    world.advance_to(local(2027, 3, 17))
    assert world.api.post(extend, json=days).json()["code"] == "already_ended"
    assert world.api.post("/v1/readers/rdr_none/grants", json=days).status_code == 404
    assert [line["act"] for line in lines(world)] == ["cancel"]


def test_grants_exceptions_and_notes(world: World, in_trial: Subscriber) -> None:
    reader = in_trial.reader_id
    cancel = f"/v1/subscriptions/{in_trial.subscription_id}/cancel"
    world.api.post(cancel, json={"when": "now", "reason": "moved"}).raise_for_status()
    grant = world.api.post(f"/v1/readers/{reader}/grants", json={"days": 3, "reason": "sorry"})
    assert (grant.status_code, grant.json()["until"]) == (201, "2027-03-04T22:00:00Z")
    assert grant.json()["features"] == ["listen"]
    assert world.access(world.articles["subscriber"][0], reader)["reason"] == "complimentary"
    allowed = world.api.post(f"/v1/readers/{reader}/trial-exceptions", json={"reason": "was ill"})
    assert allowed.status_code == 201
    again = world.api.post(f"/v1/readers/{reader}/trial-exceptions", json={"reason": "was ill"})
    assert again.json()["code"] == "trial_already_allowed"
    assert world.start_trial(READER)["subscription"]["status"] == "trialing"
    note = world.api.post(f"/v1/readers/{reader}/notes", json={"words": "Writes from the farm."})
    assert (note.status_code, note.json()["words"]) == (201, "Writes from the farm.")
    assert (
        world.api.post(f"/v1/readers/{reader}/notes", json={"words": "card 4242 4242 4242 4242"}).status_code
        == 422
    )
    acts = [(line["act"], line["by"]) for line in lines(world)]
    assert acts == [(act, "api:tests") for act in ("cancel", "complimentary", "another_trial", "note")]


def test_cancelling_undoing_and_refunding_by_api_are_audited_too(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    subscription, reader = paid.subscription_id, paid.reader_id
    payment = world.api.get(f"/v1/readers/{reader}/invoices").json()["data"][0]["payment_id"]
    world.api.post(f"/v1/subscriptions/{subscription}/cancel", json={"reason": "moved"}).raise_for_status()
    world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
    refund = {"amount": 1000, "reason": "an outage"}
    assert world.api.post(f"/v1/payments/{payment}/refunds", json=refund).status_code == 201
    assert (
        world.api.post(f"/v1/payments/{payment}/refunds", json={"amount": 9000, "reason": "x"}).status_code
        == 409
    )
    found = [(line["act"], line["reader_id"], line["after"]["cents_returned"]) for line in lines(world)]
    assert found == [("cancel", reader, 0), ("resume", reader, 0), ("refund", reader, 1000)]
    page = staff("support").get(f"/staff/readers/{reader}?only=staff")
    assert page.words.count("api:tests") == 3


def test_the_reason_for_undoing_a_cancellation_is_kept(world: World, in_trial: Subscriber) -> None:
    path = f"/v1/subscriptions/{in_trial.subscription_id}"
    for wrong in (
        {"reason": ""},
        {"reason": None},
        {"reason": "x" * 1001},
        {"reason": "on 4242 4242 4242 4242"},
        {"why": "x"},
    ):
        assert world.api.post(f"{path}/resume", json=wrong).status_code == 422, wrong
    for n, sent in enumerate(({"reason": "rang to say so"}, {}, None)):
        world.api.post(f"{path}/cancel").raise_for_status()
        headers = {"Idempotency-Key": f"k{n}"}
        once = world.api.post(f"{path}/resume", headers=headers, json=sent).raise_for_status()
        assert once.json()["cancel_requested_at"] is None
        again = world.api.post(f"{path}/resume", headers=headers, json=sent)
        assert (again.json(), again.headers["idempotent-replayed"]) == (once.json(), "true")
    other = world.api.post(f"{path}/resume", headers={"Idempotency-Key": "k0"}, json={"reason": "another"})
    assert other.status_code == 409
    assert [line["reason"] for line in lines(world) if line["act"] == "resume"] == ["rang to say so", "", ""]
    history = world.rows(
        "SELECT reason FROM subscription_change WHERE event = 'cancel_undone' ORDER BY at, id"
    )
    assert sorted(row["reason"] for row in history) == ["cancellation undone"] * 2 + ["rang to say so"]


def test_a_key_needs_the_scope(world: World, in_trial: Subscriber) -> None:
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        key = create(ctx, "narrow", ("access",))
    headers = {"Authorization": f"Bearer {key}"}
    for path, body in (
        ("grants", {"days": 1, "reason": "x"}),
        ("trial-exceptions", {"reason": "x"}),
        ("notes", {"words": "x"}),
    ):
        assert (
            world.api.post(f"/v1/readers/{in_trial.reader_id}/{path}", json=body, headers=headers).status_code
            == 403
        )
    assert lines(world) == []
