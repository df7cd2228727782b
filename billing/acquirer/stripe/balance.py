"""Stripe's books behind the port: plain dictionaries in, values out. Imports nothing of its library."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from billing.acquirer.answers import CardGone, Declined, NoSuchObject, NotTaken, Unknown
from billing.acquirer.balance_port import (
    DisputeAnswer,
    DisputeState,
    FoundCard,
    FoundCharge,
    FoundRefund,
    FraudWarning,
    Movement,
    NotListed,
    PayoutAnswer,
    PayoutListing,
    TakenCharge,
    TakenRefund,
)
from billing.acquirer.evidence_port import FileRefs, Texts
from billing.acquirer.stripe import answers, evidence
from billing.acquirer.stripe.metadata import StripeMetadata
from billing.platform.stop_points import around
from emails.card_schemes import scheme_name

Ask = Callable[[Callable[[], Any]], Any]
"""`errors.ask`: calls Stripe, and turns errors into Unknown or NoSuchObject."""
_NEVER_ITEMISED = re.compile(r"^InvalidRequestError: .*can only be filtered on automatic\b", re.IGNORECASE)
"""Stripe's words for a payout by hand, which has no code (the same in several public repositories). "Transfer" is its old name
for a payout, so that word isn't read. Should the words change, the payout isn't kept, and a case says so."""
T = TypeVar("T")
PAGE = 100
_STATES = {
    "needs_response": DisputeState.NEEDS_ANSWER,
    "warning_needs_response": DisputeState.NEEDS_ANSWER,
    "under_review": DisputeState.ANSWERED,
    "warning_under_review": DisputeState.ANSWERED,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "warning_closed": DisputeState.CLOSED,
    "prevented": DisputeState.CLOSED,
}
"""A state that Stripe may add counts as the worst of them, until a person has looked at the case."""
_LISTINGS = {
    "completed": PayoutListing.LISTED,
    "in_progress": PayoutListing.WAITING,
    "not_applicable": PayoutListing.NONE,
}


@around
class StripeBooks:
    """Balance transactions, payouts, disputes, early fraud warnings. `client` is the library's."""

    def __init__(self, client: Any, ask: Ask, metadata: StripeMetadata) -> None:
        self._stripe = client
        self._metadata = metadata
        self._ask = ask

    def movements(self, since: datetime, until: datetime) -> list[Movement] | Unknown:
        """By creation, whole seconds; Stripe lists newest first."""
        return self._list({"created": _span(since, until)})

    def movements_of(self, source_ref: str) -> list[Movement] | Unknown:
        """By source."""
        return self._list({"source": source_ref})

    def movements_in(self, payout_ref: str) -> list[Movement] | NotListed | Unknown:
        """By payout. Stripe itemises only automatic payouts, and refuses the request for others (STR-11)."""
        found = self._list({"payout": payout_ref})
        never = isinstance(found, Unknown) and _NEVER_ITEMISED.search(found.reason) is not None
        return NotListed() if never else found

    def _list(self, params: dict[str, Any]) -> list[Movement] | Unknown:
        """With their sources where any was converted: only the source says what the reader paid. The rate doesn't, as a cent of
        one currency may be twenty of another."""
        found = self._all(self._stripe.balance_transactions, params, _movement)
        if isinstance(found, list) and any(movement.exchange_rate is not None for movement in found):
            return self._all(
                self._stripe.balance_transactions, params | {"expand": ["data.source"]}, _movement
            )
        return found

    def _all(
        self, objects: Any, params: dict[str, Any], read: Callable[[dict[str, Any]], T]
    ) -> list[T] | Unknown:
        """Every page, oldest first."""

        def all_pages() -> list[T]:
            page = objects.list({**params, "limit": PAGE})
            return [read(row.to_dict()) for row in page.auto_paging_iter()][::-1]

        found: list[T] | NoSuchObject | Unknown = self._ask(all_pages)
        return Unknown(found.reason) if isinstance(found, NoSuchObject) else found

    def charge(self, charge_ref: str) -> TakenCharge | NoSuchObject | Unknown:
        """A Charge."""
        return self._one(lambda: self._stripe.charges.retrieve(charge_ref), partial(_charge, self._metadata))

    def refund(self, refund_ref: str) -> TakenRefund | NoSuchObject | Unknown:
        """A Refund."""
        return self._one(lambda: self._stripe.refunds.retrieve(refund_ref), _refund)

    def dispute(self, dispute_ref: str) -> DisputeAnswer | NoSuchObject | Unknown:
        """A Dispute."""
        return self._one(lambda: self._stripe.disputes.retrieve(dispute_ref), _dispute)

    def disputes_since(self, since: datetime, until: datetime) -> list[str] | Unknown:
        """By creation, whole seconds."""
        return self._all(self._stripe.disputes, {"created": _span(since, until)}, _ref)

    def upload_evidence(self, name: str, pdf: bytes) -> str | Unknown:
        """A File. Without a key of ours: a second copy does nothing, and a body with another boundary would be another request."""
        upload = io.BytesIO(pdf)
        upload.name = f"{name}.pdf"
        params = {"purpose": evidence.FILES_FOR, "file": upload}
        answer: str | NoSuchObject | Unknown = self._ask(lambda: str(self._stripe.files.create(params).id))
        return Unknown(answer.reason) if isinstance(answer, NoSuchObject) else answer

    def send_evidence(
        self, dispute_ref: str, texts: Texts, files: FileRefs, *, key: str
    ) -> DisputeAnswer | NoSuchObject | Unknown:
        """Evidence is submitted at once; a dispute can be answered only once."""
        params = {"evidence": evidence.in_fields(texts, files), "submit": True}
        return self._one(
            lambda: self._stripe.disputes.update(dispute_ref, params, {"idempotency_key": key}), _dispute
        )

    def warning(self, warning_ref: str) -> FraudWarning | NoSuchObject | Unknown:
        """A Radar early fraud warning."""
        return self._one(lambda: self._stripe.radar.early_fraud_warnings.retrieve(warning_ref), _warning)

    def warnings_since(self, since: datetime, until: datetime) -> list[str] | Unknown:
        """By creation, whole seconds."""
        return self._all(self._stripe.radar.early_fraud_warnings, {"created": _span(since, until)}, _ref)

    def charges_since(self, since: datetime, until: datetime) -> list[FoundCharge] | Unknown:
        """PaymentIntents by creation, whole seconds, each with its charge."""
        params = {"created": _span(since, until), "expand": ["data.latest_charge"]}
        return _some(self._all(self._stripe.payment_intents, params, partial(_found_charge, self._metadata)))

    def refunds_since(self, since: datetime, until: datetime) -> list[FoundRefund] | Unknown:
        """Refunds by creation, whole seconds."""
        params = {"created": _span(since, until)}
        return _some(self._all(self._stripe.refunds, params, partial(_found_refund, self._metadata)))

    def cards_since(self, since: datetime, until: datetime) -> list[FoundCard] | Unknown:
        """SetupIntents by creation, whole seconds, each with its card and Customer, who says whose it is."""
        params = {"created": _span(since, until), "expand": ["data.payment_method", "data.customer"]}
        return _some(self._all(self._stripe.setup_intents, params, partial(_found_card, self._metadata)))

    def payout(self, payout_ref: str) -> PayoutAnswer | NoSuchObject | Unknown:
        """A Payout."""
        return self._one(lambda: self._stripe.payouts.retrieve(payout_ref), _payout)

    def _one(
        self, call: Callable[[], Any], read: Callable[[dict[str, Any]], T]
    ) -> T | NoSuchObject | Unknown:
        answer: T | NoSuchObject | Unknown = self._ask(lambda: read(call().to_dict()))
        return answer


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _span(since: datetime, until: datetime) -> dict[str, int]:
    return {"gte": int(since.timestamp()), "lt": int(until.timestamp())}


def _named(thing: Any) -> str | None:
    """The id of an object, expanded or not."""
    return str(thing["id"]) if isinstance(thing, dict) else thing


def _ref(row: dict[str, Any]) -> str:
    return str(row["id"])


def _movement(row: dict[str, Any]) -> Movement:
    source = row.get("source")
    # the amount of a source is never negative: only the movement's sign says which way the money went
    presented = source if isinstance(source, dict) and row.get("exchange_rate") is not None else {}
    if presented.get("amount") is None or not presented.get("currency"):
        presented = {}
    is_charge = presented.get("object") == "charge"
    return Movement(
        ref=row["id"],
        category=row["reporting_category"],
        source_ref=_named(source),
        presented_amount=abs(presented["amount"]) * (1 if row["amount"] >= 0 else -1) if presented else None,
        presented_currency=presented["currency"].upper() if presented else None,
        charge_ref=presented["id"] if is_charge else _named(presented.get("charge")),
        amount=int(row["amount"]),
        fee=int(row["fee"]),
        fee_vat=sum(int(part["amount"]) for part in row.get("fee_details") or [] if part["type"] == "tax"),
        net=int(row["net"]),
        currency=row["currency"].upper(),
        exchange_rate=row.get("exchange_rate"),
        description=row.get("description") or "",
        at=_instant(row["created"]),
        available_at=_instant(row["available_on"]),
    )


def _some(found: list[T | None] | Unknown) -> list[T] | Unknown:
    return found if isinstance(found, Unknown) else [row for row in found if row is not None]


def _found_charge(metadata: StripeMetadata, row: dict[str, Any]) -> FoundCharge | None:
    claim, became = metadata.claim(row.get("metadata") or {}), answers.outcome(row)
    if answers.is_unconfirmed(row):
        return None
    return None if claim is None or isinstance(became, Declined | NotTaken) else FoundCharge(claim, became)


def _found_refund(metadata: StripeMetadata, row: dict[str, Any]) -> FoundRefund | None:
    written = row.get("metadata") or {}
    if "refund" not in written or not row.get("payment_intent") or not metadata.is_ours(written):
        return None
    return FoundRefund(
        refund_id=written["refund"],
        cause=written.get("cause", ""),
        intent_ref=row["payment_intent"],
        amount=int(row["amount"]),
        answer=answers.refund(row),
        at=_instant(row["created"]),
    )


def _found_card(metadata: StripeMetadata, row: dict[str, Any]) -> FoundCard | None:
    owner, method, written = row.get("customer"), row.get("payment_method"), row.get("metadata") or {}
    if row["status"] != "succeeded" or not isinstance(owner, dict) or not isinstance(method, dict):
        return None
    of_owner = owner.get("metadata") or {}
    if owner.get("deleted") or "reader" not in of_owner or not metadata.is_ours(of_owner):
        return None
    card = answers.card(method | {"customer": owner["id"]})
    if isinstance(card, CardGone):
        return None
    return FoundCard(
        card=card,
        email=owner.get("email"),
        setup_id=written.get("setup"),
        subscription_id=written.get("subscription"),
        at=_instant(row["created"]),
    )


def _charge(metadata: StripeMetadata, row: dict[str, Any]) -> TakenCharge:
    card = (row.get("payment_method_details") or {}).get("card") or {}
    return TakenCharge(
        charge_ref=row["id"],
        intent_ref=row.get("payment_intent"),
        customer_ref=row.get("customer"),
        claim=metadata.claim(row.get("metadata") or {}),
        amount=int(row["amount"]),
        card=f"{scheme_name(card.get('brand', 'card'))} ending in {card.get('last4', '?')}",
        at=_instant(row["created"]),
    )


def _refund(row: dict[str, Any]) -> TakenRefund:
    return TakenRefund(
        answer=answers.refund(row),
        charge_ref=_named(row.get("charge")) or "",
        our_refund_id=(row.get("metadata") or {}).get("refund"),
        amount=int(row["amount"]),
        at=_instant(row["created"]),
    )


def _dispute(row: dict[str, Any]) -> DisputeAnswer:
    due_by = (row.get("evidence_details") or {}).get("due_by")
    return DisputeAnswer(
        dispute_ref=row["id"],
        charge_ref=_named(row["charge"]) or "",
        intent_ref=_named(row.get("payment_intent")),
        amount=int(row["amount"]),
        currency=row["currency"].upper(),
        withdrawn=_withdrawn(row),
        reason=row["reason"],
        state=_STATES.get(row["status"], DisputeState.NEEDS_ANSWER),
        inquiry=row["status"].startswith("warning_") or row["status"] == "prevented",
        opened_at=_instant(row["created"]),
        answer_by=_instant(due_by) if due_by else None,
    )


def _withdrawn(row: dict[str, Any]) -> tuple[int, str] | None:
    """There is more than one withdrawal where Stripe corrects the first for another rate (alphagov/pay-connector#5011)."""
    moved = [taken for taken in row.get("balance_transactions") or [] if taken["amount"] < 0]
    return (-sum(taken["amount"] for taken in moved), moved[0]["currency"].upper()) if moved else None


def _warning(row: dict[str, Any]) -> FraudWarning:
    return FraudWarning(
        warning_ref=row["id"],
        charge_ref=_named(row["charge"]) or "",
        intent_ref=_named(row.get("payment_intent")),
        actionable=bool(row["actionable"]),
        kind=row["fraud_type"],
        at=_instant(row["created"]),
    )


def _payout(row: dict[str, Any]) -> PayoutAnswer:
    # `reconciliation_status` is required in the SDK's types, but payouts of before March 2023 lack it.
    listed = PayoutListing.LISTED if row["automatic"] else PayoutListing.NONE
    # `trace_id` came with API version 2024-11-20; it stays pending for up to ten days after the arrival.
    trace = row.get("trace_id") or {}
    return PayoutAnswer(
        listing=_LISTINGS.get(str(row.get("reconciliation_status")), listed),
        payout_ref=row["id"],
        amount=int(row["amount"]),
        currency=row["currency"].upper(),
        arrives_at=_instant(row["arrival_date"]),
        at=_instant(row["created"]),
        bank_reference=trace.get("value"),
        reference_is_pending=trace.get("status") == "pending",
    )
