"""The acquirers that the contract is tested for. A new one adds a function and a row."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta

import pytest

from billing.acquirer.answers import CardPage
from billing.acquirer.stripe.gateway import StripeGateway
from tests.acquirer.contract.under_test import Names, UnderTest
from tests.support.sandbox import KEY, Sandbox, running

REAL_KEY = os.environ.get("STRIPE_TEST_KEY", "")
STRIPE = Names(
    good="pm_card_visa",
    of_another_scheme="pm_card_mastercard",
    refused_when_saved=("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"),
    declined="pm_card_chargeCustomerFail",
    disputed="pm_card_createDispute",
    inquired="pm_card_createDisputeInquiry",
    warned="pm_card_createIssuerFraudRecord",
    without_fingerprint="pm_card_wallet",
    number_confirmed_each_time="4000002760003184",
    number_confirmed_once="4000002500003155",
    no_card="pm_nobody_knows_this",
    no_customer="cus_nobody_knows_this",
    no_charge="pi_nobody_knows_this",
    no_taken_charge="ch_nobody_knows_this",
    no_page="cs_test_nobody_knows_this",
    no_refund="re_nobody_knows_this",
    no_dispute="du_nobody_knows_this",
    no_warning="issfr_nobody_knows_this",
    no_payout="po_nobody_knows_this",
)


class StripeSandbox:
    """The Stripe sandbox, behind the contract's protocol."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def reset(self) -> None:
        self._sandbox.reset()

    def check(self) -> None:
        self._sandbox.check()

    @property
    def now(self) -> datetime:
        return self._sandbox.now

    def pass_time(self, span: timedelta) -> None:
        self._sandbox.set_clock(self._sandbox.now + span)

    def fill_in(self, page: CardPage, number: str) -> None:
        self._sandbox.fill_in(page.url, number)

    def remove_card(self, method_ref: str) -> None:
        self._sandbox.banks("remove_card", payment_method=method_ref)

    def delete_customer(self, customer_ref: str) -> None:
        self._sandbox.banks("delete_customer", customer=customer_ref)

    def require_confirmation(self, method_ref: str) -> None:
        self._sandbox.decline(method_ref, "requires_action")

    def refuse_refunds(self, reason: str) -> None:
        self._sandbox.banks("refunds", **{"as": reason})

    def disputes(self) -> list[str]:
        oldest_first = sorted(self._sandbox.disputes(), key=lambda dispute: int(dispute["created"]))
        return [dispute["id"] for dispute in oldest_first]

    def warnings(self) -> list[str]:
        return [str(warning["id"]) for warning in self._sandbox.objects("radar.early_fraud_warning")]

    def payouts(self) -> list[str]:
        return [str(payout["id"]) for payout in self._sandbox.payouts()]

    def pay_out_manually_only(self) -> None:
        self._sandbox.banks("payouts", schedule="manual")

    def pay_out(self) -> str:
        return str(self._sandbox.banks("pay_out", method="standard")["id"])


@contextmanager
def stripe() -> Iterator[UnderTest]:
    """The gateway against the sandbox. All exchanges are checked against Stripe's own specification."""
    with running() as sandbox:
        gateway = StripeGateway(secret_key=KEY, api_base=sandbox.url, webhook_secrets=["whsec_contract"])
        yield UnderTest(gateway, STRIPE, StripeSandbox(sandbox))


@contextmanager
def stripe_test_mode() -> Iterator[UnderTest]:
    """The gateway against Stripe's own test mode, if STRIPE_TEST_KEY is set."""
    if not REAL_KEY.startswith(("sk_test_", "rk_test_")):
        pytest.skip("STRIPE_TEST_KEY isn't given, so Stripe's own test mode is not asked")
    gateway = StripeGateway(secret_key=REAL_KEY, api_base="https://api.stripe.com", webhook_secrets=[])
    yield UnderTest(gateway, STRIPE, None)


ACQUIRERS: dict[str, Callable[[], AbstractContextManager[UnderTest]]] = {
    "stripe": stripe,
    "stripe-test-mode": stripe_test_mode,
}
