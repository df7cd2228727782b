"""Stripe's specifics behind the port: names, keys, retries, and doubtful outcomes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from billing.acquirer.answers import Declined, SavedCard, Unknown
from billing.acquirer.stripe.gateway import StripeGateway
from tests.acquirer.contract.listed import STRIPE, StripeSandbox
from tests.acquirer.contract.under_test import UnderTest
from tests.support.sandbox import KEY, Sandbox, running


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Sandbox]:
    """One sandbox for this file."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox in its first state, with its requests checked."""
    running_sandbox.reset()
    yield running_sandbox
    running_sandbox.check()


def stripe(sandbox: Sandbox, key: str = KEY, *, waits: bool = True) -> UnderTest:
    gateway = StripeGateway(secret_key=key, api_base=sandbox.url, webhook_secrets=[], waits=waits)
    return UnderTest(gateway, STRIPE, StripeSandbox(sandbox))


@pytest.mark.parametrize("method", STRIPE.refused_when_saved)
def test_a_card_that_is_refused_when_it_is_saved_says_why(sandbox: Sandbox, method: str) -> None:
    acquirer = stripe(sandbox)
    saved = acquirer.gateway.save_card(
        customer_ref=acquirer.customer(), method_ref=method, key=acquirer.key()
    )
    assert isinstance(saved, Declined)
    assert saved.decline.code


def test_a_decline_names_its_reason(sandbox: Sandbox) -> None:
    acquirer = stripe(sandbox)
    request = acquirer.request(acquirer.card(STRIPE.declined))
    for outcome in (acquirer.gateway.charge(request), acquirer.gateway.find_charge(request)):
        assert isinstance(outcome, Declined)
        assert outcome.decline.code


def test_a_saved_card_has_stripes_name(sandbox: Sandbox) -> None:
    assert stripe(sandbox).card().method_ref.startswith("pm_")


def test_a_wrong_key_is_doubt_and_never_a_decline(sandbox: Sandbox) -> None:
    acquirer = stripe(sandbox, "sk_live_not_here")
    assert isinstance(
        acquirer.gateway.create_customer(reader_id="r", email="r@example.com", key="k"), Unknown
    )
    unknown_card = SavedCard("cus_x", "pm_x", "visa", "4242", 1, 2030, "f")
    assert isinstance(acquirer.gateway.charge(acquirer.request(unknown_card)), Unknown)


def unreachable() -> StripeGateway:
    """A gateway to an address without a server. It tries twice, without a pause."""
    return StripeGateway(secret_key=KEY, api_base="http://127.0.0.1:9", webhook_secrets=[], waits=False)


def test_no_answer_at_all_is_doubt() -> None:
    gateway = unreachable()
    assert isinstance(gateway.fetch_card("pm_x"), Unknown)
    assert isinstance(gateway.fetch_setup("cs_x"), Unknown)
    assert isinstance(gateway.fetch_charge("pi_x")[1], Unknown)
    assert isinstance(gateway.fetch_refund("re_x")[1], Unknown)


@pytest.mark.parametrize("waits", [True, False])
def test_where_the_clock_is_held_the_second_try_follows_at_once(
    sandbox: Sandbox, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("stripe._http_client.time.sleep", waited.append)
    gateway = stripe(sandbox, waits=waits).gateway
    sandbox.faults({"effect": "reset_before", "path": "/v1/customers", "nth": 1})
    assert isinstance(gateway.create_customer(reader_id="r", email="r@example.com", key="k"), str)
    assert len(waited) == 1
    assert (waited[0] > 0) is waits


def test_books_that_do_not_answer_are_doubt() -> None:
    books = unreachable().books
    now = datetime.now(UTC)
    assert isinstance(books.movements(now - timedelta(days=1), now), Unknown)
    assert isinstance(books.dispute("du_x"), Unknown)
    assert isinstance(books.disputes_since(now - timedelta(days=1), now), Unknown)
    assert isinstance(books.warnings_since(now - timedelta(days=1), now), Unknown)
    assert isinstance(books.payout("po_x"), Unknown)
