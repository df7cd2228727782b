"""Our answer to a dispute in Stripe's fields (docs.stripe.com/api/disputes/update: `evidence`)."""

from billing.acquirer.evidence_port import EvidenceField, EvidenceFile, EvidenceLimits, FileRefs, Texts

FILES_FOR = "dispute_evidence"
LIMITS = EvidenceLimits(
    text=20_000,
    all_texts=150_000,
    file_bytes=4_500_000,
    pages=19,  # Mastercard takes 19, the other networks 50 (docs.stripe.com/disputes/best-practices)
)
_TEXTS = {
    EvidenceField.WORDS: "uncategorized_text",
    EvidenceField.PRODUCT: "product_description",
    EvidenceField.SERVICE_DATE: "service_date",
    EvidenceField.NOT_CANCELLED: "cancellation_rebuttal",
    EvidenceField.TERMS_SHOWN: "cancellation_policy_disclosure",
    EvidenceField.REFUND_POLICY_SHOWN: "refund_policy_disclosure",
    EvidenceField.ACCESS_LOG: "access_activity_log",
    EvidenceField.EMAIL: "customer_email_address",
    EvidenceField.NETWORK_ADDRESS: "customer_purchase_ip",
}
_FILES = {
    EvidenceFile.RECEIPT: "receipt",
    EvidenceFile.CORRESPONDENCE: "customer_communication",
    EvidenceFile.TERMS: "cancellation_policy",
    EvidenceFile.REFUND_POLICY: "refund_policy",
}


def in_fields(texts: Texts, files: FileRefs) -> dict[str, str]:
    """Texts and uploaded documents by Stripe's names; an empty text is left out, as Stripe refuses it."""
    fields = {_TEXTS[name]: text for name, text in texts.items() if text}
    return fields | {_FILES[name]: ref for name, ref in files.items()}
