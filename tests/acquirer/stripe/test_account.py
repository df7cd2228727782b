"""What operators learn of the Stripe account, and the webhook endpoint that a command makes."""

from collections.abc import Iterator

import pytest

from billing.acquirer.account_port import KeyPermission, RegisteredWebhooks, WebhookEndpoint
from billing.acquirer.answers import Unknown
from billing.acquirer.stripe.account import StripeAccount
from billing.acquirer.stripe.events import SIGNALS
from billing.acquirer.stripe.gateway import StripeGateway
from tests.support.sandbox import KEY, Sandbox, running

URL = "https://accounts.paper.co.za/webhooks/stripe"
RESTRICTED = "rk_test_of_the_sandbox"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.reset()
    return shared


def account(sandbox: Sandbox, key: str = KEY) -> StripeAccount:
    return StripeGateway(secret_key=key, api_base=sandbox.url, webhook_secrets=[], waits=False).account


def test_a_restricted_key_is_read_through_what_it_may(sandbox: Sandbox) -> None:
    ours = account(sandbox, RESTRICTED)
    assert not ours.key_is_unrestricted
    found = ours.permissions()
    assert isinstance(found, list)
    assert all(each.granted for each in found)
    sandbox.banks("restrict_key", lacking=["payout_read", "dispute_read"])
    found = ours.permissions()
    assert isinstance(found, list)
    assert [each for each in found if not each.granted] == [
        KeyPermission("Disputes", granted=False, name="dispute_read"),
        KeyPermission("Payouts", granted=False, name="payout_read"),
    ]


def test_a_secret_key_may_everything(sandbox: Sandbox) -> None:
    sandbox.banks("restrict_key", lacking=["payout_read"])
    ours = account(sandbox)
    assert ours.key_is_unrestricted
    found = ours.permissions()
    assert isinstance(found, list)
    assert all(each.granted for each in found)


def test_a_key_that_stripe_doesnt_know_says_so(sandbox: Sandbox) -> None:
    found = account(sandbox, "sk_of_nobody").permissions()
    assert isinstance(found, Unknown)
    assert "Invalid API Key" in found.reason


def test_an_endpoint_is_made_once_with_what_is_needed(sandbox: Sandbox) -> None:
    ours = account(sandbox)
    assert ours.webhook_endpoints(URL) == []
    made = ours.register_webhooks(URL)
    assert isinstance(made, RegisteredWebhooks)
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)
    assert ours.register_webhooks(URL) == RegisteredWebhooks(made.endpoint_ref, changed=False)
    [row] = sandbox.objects("webhook_endpoint")
    assert set(row["enabled_events"]) == set(SIGNALS)
    assert ours.webhook_endpoints(URL) == [WebhookEndpoint(made.endpoint_ref, enabled=True, lacking=())]


def test_an_endpoint_that_lacks_events_or_is_disabled_is_brought_up_to_date(sandbox: Sandbox) -> None:
    made = sandbox.client().v1.webhook_endpoints.create(
        {"url": URL, "enabled_events": ["refund.created", "invoice.paid"]}
    )
    sandbox.client().v1.webhook_endpoints.update(made.id, {"disabled": True})
    ours = account(sandbox)
    found = ours.webhook_endpoints(URL)
    assert isinstance(found, list)
    assert not found[0].enabled
    assert set(found[0].lacking) == set(SIGNALS) - {"refund.created"}
    assert ours.register_webhooks(URL) == RegisteredWebhooks(made.id, changed=True)
    [row] = sandbox.objects("webhook_endpoint")
    assert row["status"] == "enabled"
    assert set(row["enabled_events"]) == {*SIGNALS, "invoice.paid"}


def test_an_endpoint_for_every_event_lacks_none(sandbox: Sandbox) -> None:
    sandbox.add_webhook(URL, "whsec_x")
    found = account(sandbox).webhook_endpoints(URL)
    assert isinstance(found, list)
    assert [each.lacking for each in found] == [()]


def test_stripes_clock(sandbox: Sandbox) -> None:
    sandbox.set_clock(sandbox.now)
    assert account(sandbox).time() == sandbox.now
    sandbox.skew(-40)
    assert account(sandbox).time() != sandbox.now


def test_an_account_that_doesnt_answer_is_in_doubt(sandbox: Sandbox) -> None:
    sandbox.faults({"effect": "500_before", "times": None})
    ours = account(sandbox)
    for found in (ours.permissions(), ours.webhook_endpoints(URL), ours.register_webhooks(URL), ours.time()):
        assert isinstance(found, Unknown)
