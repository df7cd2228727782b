"""Faults as the SDK sees them, and what Stripe did nevertheless."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from stripe import APIConnectionError, APIError, HTTPClient, HTTPXClient, RateLimitError, RequestsClient

from billing.dev.sandbox import faults, webhook_faults
from tests.dev.sandbox.stripe_calls import Stripe, a_saved_card, charge
from tests.support.sandbox import Sandbox

CHARGING = {"method": "POST", "path": "/v1/payment_intents"}


@pytest.mark.parametrize(
    ("effect", "raised", "charged"),
    [
        ({"effect": "reset"}, APIConnectionError, 0),
        ({"effect": "reset", "when": "after"}, APIConnectionError, 1),
        ({"effect": "timeout_before", "seconds": 0.3}, APIConnectionError, 0),
        ({"effect": "timeout_after", "seconds": 0.3}, APIConnectionError, 1),
        ({"effect": "cut"}, (APIConnectionError, APIError), 1),
        ({"effect": "429"}, RateLimitError, 0),
        ({"effect": "500_before"}, APIError, 0),
        ({"effect": "500_halfway"}, APIError, 0),
        ({"effect": "500_after"}, APIError, 1),
    ],
)
def test_one_fault_and_the_next_call_is_well(
    sandbox: Sandbox,
    stripe: Stripe,
    effect: dict[str, object],
    raised: type[Exception] | tuple[type[Exception], ...],
    charged: int,
) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults(CHARGING | effect)
    with pytest.raises(raised):
        charge(stripe, card, "first")
    assert len(sandbox.charges()) == charged
    assert charge(stripe, card, "second").status == "succeeded"


@pytest.mark.parametrize("effect", ["timeout_after", "reset_after", "cut"])
def test_the_same_key_finds_out_what_happened(sandbox: Sandbox, stripe: Stripe, effect: str) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults(CHARGING | {"effect": effect, "seconds": 0.2})
    with pytest.raises((APIConnectionError, APIError)):
        charge(stripe, card, "invoice-1-attempt-1")
    assert charge(stripe, card, "invoice-1-attempt-1").status == "succeeded"
    assert len(sandbox.charges()) == 1


def test_a_client_that_waits_less_gives_up_first(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults(CHARGING | {"effect": "timeout_after", "seconds": 30})
    impatient = sandbox.client(http_client=RequestsClient(timeout=0.5))
    with pytest.raises(APIConnectionError, match=r"(?i)time"):
        charge(impatient, card)
    assert len(sandbox.charges()) == 1


@pytest.mark.parametrize(("effect", "charged"), [("timeout_before", 0), ("timeout_after", 1), ("slow", 1)])
def test_a_call_that_is_withheld_goes_on_when_faults_are_cleared(
    sandbox: Sandbox, stripe: Stripe, effect: str, charged: int
) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults(CHARGING | {"effect": effect, "seconds": 600})
    with ThreadPoolExecutor(1) as pool:
        withheld = pool.submit(charge, sandbox.client(), card)
        while not sandbox.http.get("/_sandbox/faults").json()["faults"][0]["hit"]:
            assert not withheld.done()
        sandbox.faults()
        failed = withheld.exception(timeout=30)
    assert (failed is None) is (effect == "slow"), failed
    assert len(sandbox.charges()) == charged


def test_the_sdk_repeats_by_itself_and_charges_once(
    sandbox: Sandbox, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.01)  # instead of half a second, doubled each time
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults(CHARGING | {"effect": "reset", "when": "after", "times": 2})
    assert charge(sandbox.client(max_network_retries=2), card).status == "succeeded"
    assert len(sandbox.charges()) == 1


def test_the_nth_call_and_only_it(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults(CHARGING | {"effect": "429", "nth": 2, "times": 2})
    outcomes = []
    for _ in range(4):
        try:
            outcomes.append(charge(stripe, card).status)
        except RateLimitError:
            outcomes.append("429")
    assert outcomes == ["succeeded", "429", "429", "succeeded"]
    sandbox.faults(CHARGING | {"effect": "429", "times": None})
    sandbox.faults()
    assert charge(stripe, card).status == "succeeded"


def test_a_cut_answer_is_cut_for_every_client(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.faults({"effect": "cut", "path": "/v1/customers*", "times": 2})
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.http.get("/v1/customers", headers={"Authorization": f"Bearer {sandbox.key}"})
    with pytest.raises((APIConnectionError, APIError)):
        sandbox.client(http_client=HTTPXClient(allow_sync_methods=True)).v1.customers.list()


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"effect": "explode"},
        {"effect": "429", "nth": 0},
        {"effect": "429", "times": "many"},
        {"effect": "slow", "seconds": -1},
        {"effect": "slow", "colour": "red"},
        {"effect": "429", "path": 5},
        {"effect": "429", "probability": 0},
        {"effect": "429", "probability": 1.5},
        {"effect": "429", "seed": "seven"},
        {"effect": "429", "retry_after": 0},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(sandbox: Sandbox, rule: dict[str, object]) -> None:
    answer = sandbox.http.post("/_sandbox/faults", json=rule)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.http.get("/_sandbox/faults").json() == {"faults": []}


def test_some_calls_by_chance_and_the_same_ones_each_time(sandbox: Sandbox, stripe: Stripe) -> None:
    def struck() -> list[bool]:
        sandbox.faults()
        sandbox.faults({"effect": "429", "method": "GET", "probability": 0.4, "seed": 7})
        found = []
        for _ in range(30):
            try:
                stripe.v1.customers.list({"limit": 1})
                found.append(False)
            except RateLimitError:
                found.append(True)
        return found

    first = struck()
    assert 5 < sum(first) < 20
    assert struck() == first


def test_too_many_requests_names_the_seconds_to_wait(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.faults({"effect": "429", "retry_after": 7})
    with pytest.raises(RateLimitError) as refused:
        stripe.v1.customers.list()
    assert refused.value.headers is not None
    assert refused.value.headers["Retry-After"] == "7"


def test_every_fault_is_told_on_the_page_and_can_be_made_there(sandbox: Sandbox, stripe: Stripe) -> None:
    shown = sandbox.http.get("/_sandbox").text
    for effect in (*faults.EFFECTS, *webhook_faults.EFFECTS):
        assert f"<option>{effect}</option>" in shown
        assert f"<dt><code>{effect}</code></dt>" in shown
    made = sandbox.http.post(
        "/_sandbox/by-hand", data={"on": "GET /v1/customers*", "effect": "429", "count": "1"}
    )
    assert (made.status_code, made.headers["location"]) == (303, "/_sandbox#faults")
    with pytest.raises(RateLimitError):
        stripe.v1.customers.list()
    stripe.v1.customers.list()
    sandbox.http.post("/_sandbox/by-hand", data={"on": "refund.*", "effect": "drop", "count": "0"})
    (rule,) = sandbox.http.get("/_sandbox/trouble").json()["trouble"]
    assert (rule["effect"], rule["type"], rule["times"]) == ("drop", "refund.*", None)
    sandbox.http.post("/_sandbox/by-hand", data={})
    assert sandbox.http.get("/_sandbox/faults").json() == {"faults": []}
    assert sandbox.http.get("/_sandbox/trouble").json() == {"trouble": []}
    assert sandbox.http.post("/_sandbox/by-hand", data={"effect": "explode"}).status_code == 400
