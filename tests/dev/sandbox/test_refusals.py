"""Requests that the sandbox refuses."""

from functools import partial

import pytest
from stripe import AuthenticationError, InvalidRequestError, StripeClient

from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "live key"),
        ("rk_live_4eC39HqLyjWDarjtT1zdp7dc", "live key"),
        ("pk_test_1", "Invalid API Key"),
        ("nonsense", "Invalid API Key"),
    ],
)
def test_a_key_from_elsewhere_is_refused(sandbox: Sandbox, key: str, words: str) -> None:
    client = StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=0)
    with pytest.raises(AuthenticationError, match=words) as refused:
        client.v1.customers.list()
    assert refused.value.http_status == 401
    assert key not in str(refused.value) or len(key) < 9


def test_no_key_at_all(sandbox: Sandbox) -> None:
    assert sandbox.http.get("/v1/customers").status_code == 401
    assert sandbox.http.get("/v1/customers", auth=(sandbox.key, "")).status_code == 200


def test_another_api_version_is_refused(sandbox: Sandbox) -> None:
    client = StripeClient(sandbox.key, base_addresses={"api": sandbox.url}, stripe_version="2024-06-20")
    with pytest.raises(InvalidRequestError, match=r"2026-10-28\.endive"):
        client.v1.customers.list()


def test_answers_carry_their_version_and_request(sandbox: Sandbox, stripe: Stripe) -> None:
    headers = a_customer(stripe).last_response.headers
    assert headers["Stripe-Version"] == "2026-10-28.endive"
    assert headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    ("path", "form", "code", "param"),
    [
        ("/v1/customers", {"colour": "red"}, "parameter_unknown", "colour"),
        ("/v1/customers", {"address[planet]": "Earth"}, "parameter_unknown", "address[planet]"),
        ("/v1/customers", {"name": ["a"], "name[b]": "c"}, None, "name"),
        ("/v1/customers", {"preferred_locales[x]": "en"}, None, "preferred_locales"),
        ("/v1/payment_intents", {"currency": "zar"}, "parameter_missing", "amount"),
        ("/v1/payment_intents", {"amount": "7.5", "currency": "zar"}, "parameter_invalid_integer", "amount"),
        ("/v1/payment_intents", {"amount": "", "currency": "zar"}, "parameter_invalid_integer", "amount"),
        ("/v1/setup_intents", {"confirm": "perhaps"}, None, "confirm"),
        ("/v1/setup_intents", {"description": ""}, "parameter_invalid_empty", "description"),
        (
            "/v1/setup_intents",
            {"payment_method_types[0]": "card"},
            "parameter_unknown",
            "payment_method_types",
        ),
        (
            "/v1/checkout/sessions",
            {"payment_method_types[]": "card"},
            "parameter_unknown",
            "payment_method_types",
        ),
    ],
)
def test_parameters_are_read_strictly(
    sandbox: Sandbox, path: str, form: dict[str, str], code: str | None, param: str
) -> None:
    answer = sandbox.http.post(path, data=form, headers={"Authorization": f"Bearer {sandbox.key}"})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error["param"]) == (code, param)
    assert sandbox.state()["counts"]["event"] == 0


def test_what_does_not_exist_is_not_found(sandbox: Sandbox, stripe: Stripe) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.payment_intents.retrieve("pi_nobody")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    answer = sandbox.http.get("/v1/nonsense", headers={"Authorization": f"Bearer {sandbox.key}"})
    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["example.com", "192.168.1.5:8000", "127.0.0.1.example.com", ""])
@pytest.mark.parametrize("path", ["/_sandbox", "/v1/customers", "/_sandbox/state"])
def test_only_loopback_names_are_answered(sandbox: Sandbox, host: str, path: str) -> None:
    assert sandbox.http.get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_sandbox/clock", {"now": "tomorrow"}),
        ("/_sandbox/clock", {"now": -1}),
        ("/_sandbox/skew", {"seconds": "early"}),
        ("/_sandbox/skew", {"seconds": 3601}),
        ("/_sandbox/declines", {"payment_method": "pm_nobody"}),
        ("/_sandbox/webhook", {"url": 5}),
        ("/_sandbox/resend", {"event": "evt_nobody"}),
        ("/_sandbox/trouble", {"effect": "explode"}),
        ("/_sandbox/trouble", {"effect": "delay", "seconds": 0}),
    ],
)
def test_control_endpoints_refuse_nonsense(sandbox: Sandbox, path: str, body: dict[str, object]) -> None:
    assert sandbox.http.post(path, json=body).status_code == 400
    assert sandbox.http.post(path, content=b"{").status_code in (200, 400)


def test_an_oversized_request_is_refused(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.key}", "Content-Type": "application/x-www-form-urlencoded"}
    assert (
        sandbox.http.post("/v1/customers", content=b"name=" + b"x" * 1_000_001, headers=headers).status_code
        == 413
    )
    assert sandbox.state()["counts"]["customer"] == 0


def test_a_setup_intent_that_is_refused_leaves_nothing_behind(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    before = stripe.v1.setup_intents.list().data
    with pytest.raises(InvalidRequestError, match="belongs to the Customer"):
        stripe.v1.setup_intents.create({"payment_method": card.id})
    assert [one.id for one in stripe.v1.setup_intents.list().data] == [one.id for one in before]


@pytest.mark.parametrize("email", ["thandi@intranet", "thandi", " thandi@example.com", "t@example..com"])
def test_an_address_that_can_not_be_is_refused(stripe: Stripe, email: str) -> None:
    made = a_customer(stripe).id
    for refuse in (stripe.v1.customers.create, partial(stripe.v1.customers.update, made)):
        with pytest.raises(InvalidRequestError, match="Invalid email address") as refused:
            refuse({"email": email})
        said = (refused.value.http_status, refused.value.param, refused.value.code)
        assert said == (400, "email", "email_invalid")
