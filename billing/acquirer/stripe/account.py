"""Our Stripe account, for operators: what the key may read, webhook endpoints, Stripe's clock."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import stripe

from billing.acquirer.account_port import KeyPermission, RegisteredWebhooks, WebhookEndpoint
from billing.acquirer.answers import Unknown
from billing.acquirer.stripe import errors
from billing.acquirer.stripe.events import SIGNALS

ALL_EVENTS = "*"
MOST_ENDPOINTS = 100
"""On one page; an account has 16 at most (https://docs.stripe.com/webhooks)."""
LACKING = re.compile(r"'(?:rak_)?(\w+_(?:read|write))'")
"""The permission that a refusal names (https://github.com/tylerjrichards/st-paywall/issues/45)."""
ONE: Any = {"limit": 1}


class StripeAccount:
    """Reads the account. `restricted`: as the key's prefix says."""

    needs_write: tuple[str, ...] = (
        *("Customers", "Payment Intents", "Setup Intents", "Payment Methods"),
        *("Checkout Sessions", "Refunds", "Disputes", "Webhook Endpoints"),
    )

    def __init__(
        self, v1: "stripe.V1Services", *, restricted: bool, api_version: str, installation: str
    ) -> None:
        self._stripe = v1
        self._restricted, self._version, self._installation = restricted, api_version, installation

    @property
    def key_is_unrestricted(self) -> bool:
        """Whether it is a secret key instead of a restricted one."""
        return not self._restricted

    def permissions(self) -> list[KeyPermission] | Unknown:
        """The shortest list of each kind. Stripe has no call that tells a key's permissions."""
        found = []
        for what, listing in self._lists().items():
            try:
                listing()
                found.append(KeyPermission(what, granted=True))
            except stripe.PermissionError as error:
                named = LACKING.search(str(error.user_message or ""))
                found.append(KeyPermission(what, granted=False, name=named[1] if named else ""))
            except stripe.StripeError as error:
                return errors.unknown(error)
        return found

    def _lists(self) -> dict[str, Callable[[], object]]:
        v1 = self._stripe
        return {
            "Customers": lambda: v1.customers.list(ONE),
            "Payment Intents": lambda: v1.payment_intents.list(ONE),
            "Setup Intents": lambda: v1.setup_intents.list(ONE),
            "Payment Methods": lambda: v1.payment_methods.list(ONE),
            "Checkout Sessions": lambda: v1.checkout.sessions.list(ONE),
            "Charges": lambda: v1.charges.list(ONE),
            "Refunds": lambda: v1.refunds.list(ONE),
            "Disputes": lambda: v1.disputes.list(ONE),
            "Early Fraud Warnings": lambda: v1.radar.early_fraud_warnings.list(ONE),
            "Balance Transactions": lambda: v1.balance_transactions.list(ONE),
            "Payouts": lambda: v1.payouts.list(ONE),
            "Webhook Endpoints": lambda: v1.webhook_endpoints.list(ONE),
        }

    def webhook_endpoints(self, url: str) -> list[WebhookEndpoint] | Unknown:
        """The endpoints at this address, the newest first."""
        try:
            return [_endpoint(row) for row in self._endpoints_at(url)]
        except stripe.StripeError as error:
            return errors.unknown(error)

    def _endpoints_at(self, url: str) -> list[dict[str, Any]]:
        listed = self._stripe.webhook_endpoints.list({"limit": MOST_ENDPOINTS})
        return [row.to_dict() for row in listed.data if row.url == url]

    def register_webhooks(self, url: str) -> RegisteredWebhooks | Unknown:
        """Create the endpoint, or enable an existing one for all the events that it lacks. Other events of it stay."""
        try:
            present = self._endpoints_at(url)
            return self._update(present[0]) if present else self._create(url)
        except stripe.StripeError as error:
            return errors.unknown(error)

    def _create(self, url: str) -> RegisteredWebhooks:
        params = {
            "url": url,
            "enabled_events": list(SIGNALS),
            "api_version": self._version,
            "description": f"Masthead, installation {self._installation}",
        }
        made = self._stripe.webhook_endpoints.create(cast(Any, params))
        return RegisteredWebhooks(made.id, changed=True, secret=made.secret)

    def _update(self, row: dict[str, Any]) -> RegisteredWebhooks:
        endpoint = _endpoint(row)
        if endpoint.enabled and not endpoint.lacking:
            return RegisteredWebhooks(endpoint.endpoint_ref, changed=False)
        events = [*row["enabled_events"], *endpoint.lacking]
        params = cast(Any, {"enabled_events": events, "disabled": False})
        self._stripe.webhook_endpoints.update(endpoint.endpoint_ref, params)
        return RegisteredWebhooks(endpoint.endpoint_ref, changed=True)

    def time(self) -> datetime | Unknown:
        """By the `Date` of an answer (RFC 9110, 6.6.1)."""
        try:
            answer = self._stripe.payment_intents.list(ONE).last_response
        except stripe.StripeError as error:
            return errors.unknown(error)
        said = (answer.headers if answer else {}).get("date")
        return parsedate_to_datetime(said).astimezone(UTC) if said else Unknown("the answer has no date")


def _endpoint(row: dict[str, Any]) -> WebhookEndpoint:
    events = row["enabled_events"]
    lacking = () if ALL_EVENTS in events else tuple(name for name in SIGNALS if name not in events)
    return WebhookEndpoint(row["id"], row["status"] == "enabled", lacking)
