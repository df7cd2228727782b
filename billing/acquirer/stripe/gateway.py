"""Stripe behind the port. Only this file, `account`, `errors`, `http`, `refunds` and `signature` import its library: SDK 16.1,
API 2026-10-28.endive, named explicitly (STR-3)."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import stripe

from billing.acquirer import find_or_send
from billing.acquirer.answers import (
    CardGone,
    CardPage,
    CardPageRequest,
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
from billing.acquirer.stripe import (
    answers,
    declines,
    errors,
    events,
    evidence,
    lists,
    pages,
    refunds,
    requests,
    signature,
)
from billing.acquirer.stripe.account import StripeAccount
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
    ),  # Stripe keeps answers for 24 hours at least; our clocks may differ (STR-5)
    refunds_repeatable=True,
    dispute_answer_within=timedelta(days=7),
    evidence=evidence.LIMITS,
    descriptor_length=22,
    card_updates=True,
)
API, FILES = "https://api.stripe.com", "https://files.stripe.com"
log = logging.getLogger(__name__)


def _files_base(api_base: str) -> str:
    """Stripe takes uploads at a host of its own; its sandbox at the same."""
    return FILES if api_base.rstrip("/") == API else api_base


@around
class StripeGateway:
    """Talks to Stripe, or to its sandbox, at `api_base`."""

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
        """`installation` is written on everything, as others may share the account. `waits`: as in `StripeHttp`."""
        self._stripe = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base, "files": _files_base(api_base)},
            max_network_retries=1,
            http_client=StripeHttp(waits=waits),
        ).v1
        self._metadata = StripeMetadata(installation)
        self.books = StripeBooks(self._stripe, errors.ask, self._metadata)
        self.account = StripeAccount(
            self._stripe,
            restricted=secret_key.startswith("rk_"),
            api_version=API_VERSION,
            installation=installation,
        )
        api = urlsplit(api_base)
        self.page_origin = CHECKOUT if api.hostname == "api.stripe.com" else f"{api.scheme}://{api.netloc}"
        self._secrets = tuple(webhook_secrets)
        self._live = secret_key.startswith(("sk_live_", "rk_live_"))

    def create_customer(self, *, reader_id: str, email: str, key: str) -> str | Unknown:
        """A Customer with our id, and the address for Stripe's fraud checks; without the address where Stripe refuses it."""
        params: Any = {"email": email, "metadata": self._metadata.of_customer(reader_id)}
        try:
            try:
                made = self._stripe.customers.create(params, {"idempotency_key": key})
            except stripe.InvalidRequestError as error:  # Stripe refuses some addresses that mail reaches
                if error.param != "email":
                    raise
                # under another key, as Stripe refuses one key for two different requests
                del params["email"]
                made = self._stripe.customers.create(params, {"idempotency_key": f"{key}-no-email"})
        except stripe.StripeError as error:
            return errors.unknown(error)
        return made.id

    def open_card_page(self, request: CardPageRequest) -> CardPage | CustomerGone | Unknown:
        """A Checkout Session in setup mode with 3-D Secure (COF-1, 3DS-1), our words beside its button (CARD-2)."""
        metadata = self._metadata.of_setup(request.setup_id, request.subscription_id)
        return self._open_page(requests.card_page(request, metadata), request.key)

    def _open_page(self, params: dict[str, Any], key: str) -> CardPage | CustomerGone | Unknown:
        try:
            opened = self._stripe.checkout.sessions.create(cast(Any, params), {"idempotency_key": key})
        except stripe.StripeError as error:
            return errors.customer_gone(error) or errors.unknown(error)
        return CardPage(opened.id, opened.url) if opened.url else Unknown("the page has no address")

    def _fetch_session(self, session_ref: str, expand: str) -> dict[str, Any] | NoSuchObject | Unknown:
        sessions = self._stripe.checkout.sessions
        return errors.ask(lambda: sessions.retrieve(session_ref, {"expand": [expand]}).to_dict())

    def fetch_setup(self, session_ref: str) -> SetupAnswer | NoSuchObject:
        """The Checkout Session with its SetupIntent and card, in one call."""
        session = self._fetch_session(session_ref, "setup_intent.payment_method")
        if isinstance(session, NoSuchObject | Unknown):
            return session
        if session["status"] == "expired":
            return SetupExpired()
        intent = session.get("setup_intent") or {}
        if isinstance(intent, str):
            return Unknown("the SetupIntent of the page isn't expanded")
        if session["status"] != "complete" or intent.get("status") != "succeeded":
            return SetupOpen()
        method = intent.get("payment_method") or {}
        card = self.fetch_card(method) if isinstance(method, str) else answers.card(method)
        return SetupExpired() if isinstance(card, CardGone) else card  # saved, and removed before we came

    def save_card(
        self, *, customer_ref: str, method_ref: str, key: str
    ) -> SavedCard | Declined | CustomerGone | Unknown:
        """A SetupIntent confirmed at once, for recurring charges without the reader (COF-1)."""
        params = cast(Any, requests.save_card(customer_ref, method_ref))
        try:
            intent = self._stripe.setup_intents.create(params, {"idempotency_key": key}).to_dict()
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
            needs_reader = declines.decline({"code": "authentication_required"})
            return Declined(needs_reader, None, "The bank wants the reader to confirm this card in person.")
        card = answers.card(intent["payment_method"])
        return declines.GONE if isinstance(card, CardGone) else card

    def fetch_card(self, method_ref: str) -> SavedCard | CardGone | NoSuchObject | Unknown:
        """The PaymentMethod; networks replace expired cards in place (STR-12)."""
        return errors.ask(lambda: answers.card(self._stripe.payment_methods.retrieve(method_ref).to_dict()))

    def fetch_customer(self, customer_ref: str) -> CustomerGone | Unknown | None:
        """A deleted Customer is still found, and says that it is deleted."""
        found = errors.ask(lambda: self._stripe.customers.retrieve(customer_ref).to_dict())
        if isinstance(found, Unknown):
            return found
        return CustomerGone() if isinstance(found, NoSuchObject) or found.get("deleted") else None

    def update_customer(self, customer_ref: str, *, email: str, key: str) -> CustomerGone | Unknown | None:
        """The address of a Customer; where Stripe refuses it, none."""
        try:
            try:
                self._stripe.customers.update(customer_ref, {"email": email}, {"idempotency_key": key})
            except stripe.InvalidRequestError as error:
                if error.param != "email":
                    raise
                self._stripe.customers.update(
                    customer_ref, {"email": ""}, {"idempotency_key": f"{key}-no-email"}
                )
        except stripe.StripeError as error:
            return CustomerGone() if errors.missing(error) else errors.unknown(error)
        return None

    def delete_customer(self, customer_ref: str) -> CustomerGone | Unknown:
        """`DELETE /v1/customers/{id}`. The call needs no key: the second one finds no customer."""
        found = errors.ask(lambda: self._stripe.customers.delete(customer_ref).to_dict())
        return found if isinstance(found, Unknown) else CustomerGone()

    def charge(self, request: ChargeRequest) -> Outcome:
        """A PaymentIntent, confirmed off session as a recurring charge on a stored credential (COF-1)."""
        params = cast(Any, requests.charge(request, self._metadata.of_charge(request.claim)))
        try:
            made = self._stripe.payment_intents.create(params, {"idempotency_key": request.idempotency_key})
        except stripe.CardError as error:
            return errors.declined(error)
        except stripe.InvalidRequestError as error:  # refused before any bank was asked: nothing was taken
            return self._not_taken(request, error)
        except stripe.StripeError as error:
            return errors.unknown(error)
        return answers.outcome(made.to_dict())

    def _not_taken(self, request: ChargeRequest, error: stripe.InvalidRequestError) -> Outcome:
        """Why a charge was refused before any bank was asked. Stripe's words don't say, so the card itself is fetched. Where it
        is in order, no reader may be told that it failed."""
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
        """By listing the customer's intents, or all where that customer is gone. Search isn't read-after-write (STR-10)."""
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
        """The PaymentIntent as it is now, whatever its event said."""
        intent = errors.ask(lambda: lists.intent(self._stripe, intent_ref))
        if isinstance(intent, NoSuchObject | Unknown):
            return None, intent
        claim = self._metadata.claim(intent.get("metadata") or {})
        if claim is None:  # whatever became of it: another's may wait for its owner for ever
            return None, NotTaken("it is not this installation's")
        return claim, answers.outcome(intent)

    def open_pay_page(self, request: PayPageRequest) -> CardPage | CustomerGone | Unknown:
        """A Checkout Session in payment mode (see `pages`)."""
        params = pages.params(request, self._metadata.of_charge(request.claim))
        return self._open_page(params, request.idempotency_key)

    def fetch_pay_page(self, session_ref: str) -> PayPageAnswer | NoSuchObject:
        """The Checkout Session with its PaymentIntent and charge, in one call."""
        session = self._fetch_session(session_ref, "payment_intent.latest_charge")
        if isinstance(session, NoSuchObject | Unknown):
            return session
        if session["status"] == "complete":
            return pages.paid(session)
        return PageOpen(str(session["url"])) if session["status"] == "open" else PageClosed()

    def close_pay_page(self, session_ref: str) -> PayPageAnswer:
        """Expire the session. Stripe refuses that for one that is complete or expired: then fetch what it became."""
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
        metadata = self._metadata.of_refund(request.refund_id, request.cause)
        params = {"payment_intent": request.intent_ref, "amount": request.amount, "metadata": metadata}
        return refunds.make(self._stripe.refunds, params, request.key)

    def find_refund(self, *, refund_id: str, intent_ref: str) -> RefundAnswer | NeverArrived | Unknown:
        """By listing the intent's refunds. Stripe lists none for an intent that it doesn't have, and says so when asked to refund
        it."""
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
        found = errors.ask(lambda: self._stripe.refunds.retrieve(refund_ref).to_dict())
        if isinstance(found, NoSuchObject | Unknown):
            return None, found
        return (found.get("metadata") or {}).get("refund"), answers.refund(found)

    def answers(self) -> Unknown | None:
        """By the shortest list there is."""
        try:
            self._stripe.payment_intents.list({"limit": 1})
        except stripe.StripeError as error:
            return errors.unknown(error)
        return None

    def verify(self, body: bytes, headers: Mapping[str, str], at: datetime) -> Notification:
        """A webhook that Stripe has signed in its own header. Raises ForgedWebhook, NotAnEvent, OtherMode."""
        signature.check(body, headers.get("stripe-signature", ""), self._secrets, at)
        return events.notification(body, live=self._live)
