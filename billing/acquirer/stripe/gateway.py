"""Stripe behind the port: with `errors`, `http` and `signature` the only file that knows its library. SDK 16.1, API 2026-10-28.endive, named explicitly (STR-3)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import stripe

from billing.acquirer import find_or_send
from billing.acquirer.answers import (
    CardGone,
    CardPage,
    ChargeClaim,
    ChargeRequest,
    CustomerGone,
    Declined,
    NeverArrived,
    NoSuchObject,
    NotTaken,
    Outcome,
    PageClosed,
    PageOpen,
    PayPageAnswer,
    PayPageRequest,
    RefundAnswer,
    RefundOutcome,
    RefundRequest,
    SavedCard,
    SentBefore,
    SetupAnswer,
    SetupExpired,
    SetupOpen,
    Unknown,
)
from billing.acquirer.capabilities import Capabilities, Idempotency
from billing.acquirer.signals import Notification
from billing.acquirer.stripe import answers as stripe_answers
from billing.acquirer.stripe import declines, errors, events, lists, pages, refunds, requests
from billing.acquirer.stripe import signature as stripe_signature
from billing.acquirer.stripe.balance import StripeBooks
from billing.acquirer.stripe.http import StripeHttp
from billing.acquirer.stripe.metadata import StripeMetadata
from billing.platform.stop_points import around

API_VERSION = "2026-10-28.endive"
CHECKOUT = "https://checkout.stripe.com"
CAPABILITIES = Capabilities(
    zero_amount_setup=True,
    closes_pages=True,
    idempotency=Idempotency.BY_KEY,
    key_holds=timedelta(
        hours=20
    ),  # Stripe keeps answers for at least 24 hours; our clocks may differ (STR-5)
    refunds_repeatable=True,
    dispute_answer_within=timedelta(days=7),
    descriptor_length=22,
    card_updates=True,
)
log = logging.getLogger(__name__)


@around
class StripeGateway:
    """Talks to Stripe, or to its twin in the sandbox, at `api_base`."""

    name = "stripe"
    display_name = "Stripe"
    capabilities = CAPABILITIES

    def __init__(
        self,
        *,
        secret_key: str,
        api_base: str,
        webhook_secrets: Sequence[str],
        installation: str = "main",
        waits: bool = True,
    ) -> None:
        """`installation` is written on all that is made, for there may be others on the same account. `waits`: half a second before a call without an answer is made once more; on a held clock that changes nothing."""
        self._stripe = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base},
            max_network_retries=1,
            http_client=StripeHttp(waits=waits),
        ).v1
        self._metadata = StripeMetadata(installation)
        self.books = StripeBooks(self._stripe, _asked, self._metadata)
        api = urlsplit(api_base)
        self.page_origin = CHECKOUT if api.hostname == "api.stripe.com" else f"{api.scheme}://{api.netloc}"
        self._secrets = tuple(webhook_secrets)
        self._live = secret_key.startswith(("sk_live_", "rk_live_"))

    def create_customer(self, *, reader_id: str, email: str, key: str) -> str | Unknown:
        """A Customer holding our id, and the address that Stripe's own fraud checks use; without it, where Stripe takes it for none."""
        asked: Any = {"email": email, "metadata": self._metadata.of_customer(reader_id)}
        try:
            try:
                made = self._stripe.customers.create(asked, {"idempotency_key": key})
            except stripe.InvalidRequestError as error:  # Stripe refuses some addresses that mail reaches
                if error.param != "email":
                    raise
                del asked["email"]
                made = self._stripe.customers.create(asked, {"idempotency_key": f"{key}-no-email"})
        except stripe.StripeError as error:
            return errors.unknown(error)
        return made.id

    def open_card_page(
        self,
        *,
        setup_id: str,
        subscription_id: str | None,
        customer_ref: str,
        words: str,
        success_url: str,
        cancel_url: str,
        expires_at: datetime,
        key: str,
    ) -> CardPage | CustomerGone | Unknown:
        """A Checkout Session in setup mode, 3-D Secure asked for (COF-1, 3DS-1), our words beside its button (CARD-2)."""
        asked = requests.card_page(
            self._metadata.of_setup(setup_id, subscription_id),
            setup_id=setup_id,
            customer_ref=customer_ref,
            words=words,
            success_url=success_url,
            cancel_url=cancel_url,
            expires_at=expires_at,
        )
        return self._open_page(asked, key)

    def _open_page(self, asked: dict[str, Any], key: str) -> CardPage | CustomerGone | Unknown:
        try:
            opened = self._stripe.checkout.sessions.create(cast(Any, asked), {"idempotency_key": key})
        except stripe.StripeError as error:
            return errors.customer_gone(error) or errors.unknown(error)
        return CardPage(opened.id, opened.url) if opened.url else Unknown("the page has no address")

    def fetch_setup(self, session_ref: str) -> SetupAnswer | NoSuchObject:
        """The Checkout Session with its SetupIntent and card, in one call."""
        try:
            session = self._stripe.checkout.sessions.retrieve(
                session_ref, {"expand": ["setup_intent.payment_method"]}
            ).to_dict()
        except stripe.StripeError as error:
            return errors.no_such_object(error) or errors.unknown(error)
        if session["status"] == "expired":
            return SetupExpired()
        intent = session.get("setup_intent") or {}
        if isinstance(intent, str):
            return Unknown("the SetupIntent of the page isn't expanded")
        if session["status"] != "complete" or intent.get("status") != "succeeded":
            return SetupOpen()
        method = intent.get("payment_method") or {}
        card = self.fetch_card(method) if isinstance(method, str) else stripe_answers.card(method)
        return SetupExpired() if isinstance(card, CardGone) else card  # saved, and removed before we came

    def save_card(
        self, *, customer_ref: str, method_ref: str, key: str
    ) -> SavedCard | Declined | CustomerGone | Unknown:
        """A SetupIntent confirmed at once, for recurring charges without the reader (COF-1)."""
        try:
            intent = self._stripe.setup_intents.create(
                cast(Any, requests.save_card(customer_ref, method_ref)),
                {"idempotency_key": key},
            ).to_dict()
        except stripe.CardError as error:
            return errors.declined(error)
        except stripe.InvalidRequestError as error:
            words = (
                "This payment method can't be saved: it is unknown to Stripe, used up, or somebody else's."
            )
            return errors.customer_gone(error) or declines.card_gone(words, error.code)
        except stripe.StripeError as error:
            return errors.unknown(error)
        if intent["status"] != "succeeded":
            return Declined(
                declines.decline({"code": "authentication_required"}),
                None,
                "The bank wants the reader to confirm this card in person.",
            )
        card = stripe_answers.card(intent["payment_method"])
        return declines.GONE if isinstance(card, CardGone) else card

    def fetch_card(self, method_ref: str) -> SavedCard | CardGone | NoSuchObject | Unknown:
        """The PaymentMethod; networks replace expired cards in place (STR-12)."""
        try:
            return stripe_answers.card(self._stripe.payment_methods.retrieve(method_ref).to_dict())
        except stripe.StripeError as error:
            return errors.no_such_object(error) or errors.unknown(error)

    def fetch_customer(self, customer_ref: str) -> CustomerGone | Unknown | None:
        """A deleted Customer is still found, and says that it is deleted."""
        try:
            found = self._stripe.customers.retrieve(customer_ref).to_dict()
        except stripe.StripeError as error:
            return CustomerGone() if errors.missing(error) else errors.unknown(error)
        return CustomerGone() if found.get("deleted") else None

    def charge(self, request: ChargeRequest) -> Outcome:
        """A PaymentIntent, confirmed off session as a recurring charge on a stored credential (COF-1)."""
        params = requests.charge(request, self._metadata.of_charge(request.claim))
        try:
            made = self._stripe.payment_intents.create(
                cast(Any, params), {"idempotency_key": request.idempotency_key}
            )
        except stripe.CardError as error:
            return errors.declined(error)
        except stripe.InvalidRequestError as error:  # refused before any bank was asked: nothing was taken
            return self._not_taken(request, error)
        except stripe.StripeError as error:
            return errors.unknown(error)
        return stripe_answers.outcome(made.to_dict())

    def _not_taken(self, request: ChargeRequest, error: stripe.InvalidRequestError) -> Outcome:
        """Why a charge was refused before any bank was asked. The words aren't read: the card itself is asked for. Where it is
        as it should be, no reader may be told that it failed."""
        if errors.about_the_card(error):
            return declines.GONE
        card = self.fetch_card(request.method_ref)
        if isinstance(card, Unknown):
            return card
        if isinstance(card, CardGone | NoSuchObject) or card.customer_ref != request.customer_ref:
            return declines.GONE
        log.error("Stripe refuses our request: %s (%s, %s)", errors.in_short(error), error.code, error.param)
        return NotTaken(errors.in_short(error))

    def find_charge(self, request: ChargeRequest) -> Outcome | NeverArrived:
        """By listing the customer's intents, or everybody's where that customer is gone: search is not read-after-write
        (STR-10)."""
        try:
            return lists.charge(self._stripe, request, {"customer": request.customer_ref})
        except stripe.StripeError as error:
            if errors.customer_gone(error) is None:
                return errors.unknown(error)
        try:
            return lists.charge(self._stripe, request, {})
        except stripe.StripeError as error:
            return errors.unknown(error)

    def find_or_charge(
        self, request: ChargeRequest, before: SentBefore, at: datetime, *, may_send: bool
    ) -> Outcome | NeverArrived:
        """By listing, then under its key."""
        return find_or_send.find_or_charge(self, request, before, at, may_send=may_send)

    def fetch_charge(self, intent_ref: str) -> tuple[ChargeClaim | None, Outcome | NoSuchObject]:
        """The PaymentIntent as it is now, whatever the event about it said."""
        try:
            intent = lists.intent(self._stripe, intent_ref)
        except stripe.StripeError as error:
            return None, errors.no_such_object(error) or errors.unknown(error)
        claim = self._metadata.claim(intent.get("metadata") or {})
        if claim is None:  # whatever became of it: another's may wait for its owner for ever
            return None, NotTaken("it is not this installation's")
        return claim, stripe_answers.outcome(intent)

    def open_pay_page(self, request: PayPageRequest) -> CardPage | CustomerGone | Unknown:
        """A Checkout Session in payment mode (see `pages`)."""
        asked = pages.params(request, self._metadata.of_charge(request.claim))
        return self._open_page(asked, request.idempotency_key)

    def fetch_pay_page(self, session_ref: str) -> PayPageAnswer | NoSuchObject:
        """The Checkout Session with its PaymentIntent and charge, in one call."""
        try:
            session = self._stripe.checkout.sessions.retrieve(
                session_ref, {"expand": ["payment_intent.latest_charge"]}
            ).to_dict()
        except stripe.StripeError as error:
            return errors.no_such_object(error) or errors.unknown(error)
        if session["status"] == "complete":
            return pages.paid(session)
        return PageOpen(str(session["url"])) if session["status"] == "open" else PageClosed()

    def close_pay_page(self, session_ref: str) -> PayPageAnswer:
        """Expire the session. Stripe refuses that for one that is complete or expired: then what it became is asked."""
        try:
            self._stripe.checkout.sessions.expire(session_ref)
        except stripe.InvalidRequestError:
            found = self.fetch_pay_page(session_ref)
            return PageClosed() if isinstance(found, NoSuchObject) else found
        except stripe.StripeError as error:
            return errors.unknown(error)
        return PageClosed()

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """A Refund of the intent's charge."""
        written = self._metadata.of_refund(request.refund_id, request.cause)
        asked = {"payment_intent": request.intent_ref, "amount": request.amount, "metadata": written}
        return refunds.make(self._stripe.refunds, asked, request.key)

    def find_refund(self, *, refund_id: str, intent_ref: str) -> RefundAnswer | NeverArrived | Unknown:
        """By listing the intent's refunds. Stripe lists none for an intent that it doesn't have; why it makes none, it says when it is
        asked for one."""
        try:
            return lists.refund(self._stripe, refund_id, intent_ref)
        except stripe.StripeError as error:
            gone = errors.missing_named(error, "payment_intent")
            return NeverArrived() if gone else errors.unknown(error)

    def find_or_refund(
        self, request: RefundRequest, before: SentBefore, at: datetime
    ) -> RefundOutcome | NeverArrived:
        """By listing, then under its key."""
        return find_or_send.find_or_refund(self, request, before, at)

    def fetch_refund(self, refund_ref: str) -> tuple[str | None, RefundAnswer | NoSuchObject | Unknown]:
        """The Refund as it is now."""
        try:
            found = self._stripe.refunds.retrieve(refund_ref).to_dict()
        except stripe.StripeError as error:
            return None, errors.no_such_object(error) or errors.unknown(error)
        return (found.get("metadata") or {}).get("refund"), stripe_answers.refund(found)

    def answers(self) -> Unknown | None:
        """The shortest list there is."""
        try:
            self._stripe.payment_intents.list({"limit": 1})
        except stripe.StripeError as error:
            return errors.unknown(error)
        return None

    def verify(self, body: bytes, headers: Mapping[str, str], at: datetime) -> Notification:
        """A webhook that Stripe has signed in its own header. Raises ForgedWebhook, NotAnEvent, OtherMode."""
        stripe_signature.check(body, headers.get("stripe-signature", ""), self._secrets, at)
        return events.notification(body, live=self._live)


def _asked(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except stripe.StripeError as error:
        return errors.no_such_object(error) or errors.unknown(error)
