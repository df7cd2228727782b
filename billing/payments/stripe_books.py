"""Stripe's books behind the port: its objects as plain dictionaries in, values out. Needs nothing of its library."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from billing.payments import stripe_answers
from billing.payments.balance_models import PayoutListing
from billing.payments.books import (
    DisputeAnswer,
    FraudWarning,
    Movement,
    NotListed,
    PayoutAnswer,
    TakenCharge,
    TakenRefund,
)
from billing.payments.dispute_models import DisputeState
from billing.payments.gateway import Unknown
from billing.stop_points import around

Ask = Callable[[Callable[[], Any]], Any]
"""Calls Stripe, and turns what goes wrong into Unknown."""
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


_LISTINGS = {
    "completed": PayoutListing.LISTED,
    "in_progress": PayoutListing.WAITING,
    "not_applicable": PayoutListing.NONE,
}


@around
class StripeBooks:
    """Balance transactions, payouts, disputes, early fraud warnings. `client` is the library's, `ask` calls it safely."""

    def __init__(self, client: Any, ask: Ask) -> None:
        self._stripe = client
        self._ask = ask

    def movements(self, since: datetime, until: datetime) -> list[Movement] | Unknown:
        """By creation, whole seconds; Stripe lists newest first."""
        return self._list({"created": _span(since, until)})

    def movements_of(self, source_ref: str) -> list[Movement] | Unknown:
        """By source."""
        return self._list({"source": source_ref})

    def movements_in(self, payout_ref: str) -> list[Movement] | NotListed | Unknown:
        """By payout; only automatic payouts can be itemised (STR-11). For others Stripe refuses the request, without a code."""
        found = self._list({"payout": payout_ref})
        refused = isinstance(found, Unknown) and not found.down and not found.busy
        return NotListed() if refused else found

    def _list(self, wanted: dict[str, Any]) -> list[Movement] | Unknown:
        return self._all(self._stripe.balance_transactions, wanted, _movement)

    def _all(
        self, objects: Any, wanted: dict[str, Any], read: Callable[[dict[str, Any]], T]
    ) -> list[T] | Unknown:
        """Every page, oldest first."""

        def all_pages() -> list[T]:
            page = objects.list({**wanted, "limit": PAGE})
            return [read(one.to_dict()) for one in page.auto_paging_iter()][::-1]

        found: list[T] | Unknown = self._ask(all_pages)
        return found

    def charge(self, charge_ref: str) -> TakenCharge | Unknown:
        """A Charge."""
        return self._one(lambda: self._stripe.charges.retrieve(charge_ref), _charge)

    def refund(self, refund_ref: str) -> TakenRefund | Unknown:
        """A Refund."""
        return self._one(lambda: self._stripe.refunds.retrieve(refund_ref), _refund)

    def dispute(self, dispute_ref: str) -> DisputeAnswer | Unknown:
        """A Dispute."""
        return self._one(lambda: self._stripe.disputes.retrieve(dispute_ref), _dispute)

    def disputes_since(self, since: datetime, until: datetime) -> list[str] | Unknown:
        """By creation, whole seconds."""
        return self._all(self._stripe.disputes, {"created": _span(since, until)}, _ref)

    def send_evidence(
        self, dispute_ref: str, evidence: Mapping[str, str], *, key: str
    ) -> DisputeAnswer | Unknown:
        """Evidence is submitted at once; a dispute can be answered only once."""
        asked = {"evidence": dict(evidence), "submit": True}
        return self._one(
            lambda: self._stripe.disputes.update(dispute_ref, asked, {"idempotency_key": key}), _dispute
        )

    def warning(self, warning_ref: str) -> FraudWarning | Unknown:
        """A Radar early fraud warning."""
        return self._one(lambda: self._stripe.radar.early_fraud_warnings.retrieve(warning_ref), _warning)

    def warnings_since(self, since: datetime, until: datetime) -> list[str] | Unknown:
        """By creation, whole seconds."""
        return self._all(self._stripe.radar.early_fraud_warnings, {"created": _span(since, until)}, _ref)

    def payout(self, payout_ref: str) -> PayoutAnswer | Unknown:
        """A Payout."""
        return self._one(lambda: self._stripe.payouts.retrieve(payout_ref), _payout)

    def _one(self, call: Callable[[], Any], read: Callable[[dict[str, Any]], T]) -> T | Unknown:
        answer: T | Unknown = self._ask(lambda: read(call().to_dict()))
        return answer


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _span(since: datetime, until: datetime) -> dict[str, int]:
    return {"gte": int(since.timestamp()), "lt": int(until.timestamp())}


def _ref(row: dict[str, Any]) -> str:
    return str(row["id"])


def _movement(row: dict[str, Any]) -> Movement:
    return Movement(
        ref=row["id"],
        category=row["reporting_category"],
        source_ref=row.get("source"),
        amount=int(row["amount"]),
        fee=int(row["fee"]),
        net=int(row["net"]),
        currency=row["currency"].upper(),
        exchange_rate=row.get("exchange_rate"),
        description=row.get("description") or "",
        at=_instant(row["created"]),
        available_at=_instant(row["available_on"]),
    )


def _charge(row: dict[str, Any]) -> TakenCharge:
    card = (row.get("payment_method_details") or {}).get("card") or {}
    return TakenCharge(
        charge_ref=row["id"],
        intent_ref=row.get("payment_intent"),
        customer_ref=row.get("customer"),
        attempt_id=(row.get("metadata") or {}).get("attempt"),
        amount=int(row["amount"]),
        card=f"{card.get('brand', 'card')} ending in {card.get('last4', '?')}",
        at=_instant(row["created"]),
    )


def _refund(row: dict[str, Any]) -> TakenRefund:
    return TakenRefund(
        answer=stripe_answers.refund(row),
        charge_ref=str(row["charge"]),
        our_refund_id=(row.get("metadata") or {}).get("refund"),
        amount=int(row["amount"]),
        at=_instant(row["created"]),
    )


def _dispute(row: dict[str, Any]) -> DisputeAnswer:
    due_by = (row.get("evidence_details") or {}).get("due_by")
    return DisputeAnswer(
        dispute_ref=row["id"],
        charge_ref=row["charge"],
        intent_ref=row.get("payment_intent"),
        amount=int(row["amount"]),
        reason=row["reason"],
        state=_STATES[row["status"]],
        inquiry=row["status"].startswith("warning_") or row["status"] == "prevented",
        opened_at=_instant(row["created"]),
        answer_by=_instant(due_by) if due_by else None,
    )


def _warning(row: dict[str, Any]) -> FraudWarning:
    return FraudWarning(
        warning_ref=row["id"],
        charge_ref=row["charge"],
        intent_ref=row.get("payment_intent"),
        actionable=bool(row["actionable"]),
        kind=row["fraud_type"],
        at=_instant(row["created"]),
    )


def _payout(row: dict[str, Any]) -> PayoutAnswer:
    # What the SDK's types call required isn't in every payout of before March 2023, when the field came.
    listed = PayoutListing.LISTED if row["automatic"] else PayoutListing.NONE
    return PayoutAnswer(
        listing=_LISTINGS.get(str(row.get("reconciliation_status")), listed),
        payout_ref=row["id"],
        amount=int(row["amount"]),
        arrives_at=_instant(row["arrival_date"]),
        at=_instant(row["created"]),
    )
