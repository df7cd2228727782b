"""The evidence fields of a dispute."""

from billing.dev.sandbox import params
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

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
FIELDS: params.Spec = {name: params.text(20_000) for name in _WORDS} | {
    name: params.text() for name in _FILES
}
MOST_CHARACTERS = 150_000
MOST_BYTES = 4_500_000
DECISIVE = {"winning_evidence": True, "losing_evidence": False}


def blank() -> Row:
    """Empty evidence."""
    return dict.fromkeys(sorted(_WORDS + _FILES)) | {"enhanced_evidence": {}}


def is_some(kept: Row) -> bool:
    """Whether any field is filled."""
    return any(kept[name] for name in _WORDS + _FILES)


def check(world: SandboxWorld, kept: Row) -> None:
    """Raises StripeError for more than a bank takes, or a file that was not uploaded as evidence."""
    if sum(len(kept[name] or "") for name in _WORDS) > MOST_CHARACTERS:
        raise invalid(f"Evidence text fields may have {MOST_CHARACTERS} characters in all.", param="evidence")
    found = [world.find("file", kept[name], param=f"evidence[{name}]") for name in _FILES if kept[name]]
    if sum(row["size"] for row in found) > MOST_BYTES:
        raise invalid(f"Evidence files may have {MOST_BYTES} bytes in all.", param="evidence")


def decides(kept: Row) -> bool | None:
    """The decision that Stripe's test texts cause at once: True won, False lost, None neither."""
    return DECISIVE.get(kept["uncategorized_text"] or "")
