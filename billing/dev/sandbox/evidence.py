"""The evidence fields of a dispute."""

from billing.dev.sandbox import params
from billing.dev.sandbox.store import Row

_WORDS = (
    "access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip
_FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
FIELDS: params.Spec = {name: params.text(20_000) for name in _WORDS}
DECISIVE = {"winning_evidence": True, "losing_evidence": False}


def blank() -> Row:
    """Empty evidence."""
    return dict.fromkeys(sorted(_WORDS + _FILES)) | {"enhanced_evidence": {}}


def is_some(kept: Row) -> bool:
    """Whether any text field is filled."""
    return any(kept[name] for name in _WORDS)


def decides(kept: Row) -> bool | None:
    """The decision that Stripe's test texts cause at once: True won, False lost, None neither."""
    return DECISIVE.get(kept["uncategorized_text"] or "")
