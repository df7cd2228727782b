"""What an answer to a dispute consists of, in our words; each acquirer has fields of its own for it."""

from dataclasses import dataclass

from billing.rules.worded import WordedEnum


class EvidenceField(WordedEnum):
    """A text of the answer; each member's `words` are its label for staff."""

    WORDS = "words", "Why the charge was right"
    PRODUCT = "product", "What was sold"
    SERVICE_DATE = "service_date", "The period that the charge paid for"
    NOT_CANCELLED = "not_cancelled", "Why it was not cancelled before"
    TERMS_SHOWN = "terms_shown", "How the terms were agreed to, and their text"
    REFUND_POLICY_SHOWN = "refund_policy_shown", "How the refund policy was shown, and its text"
    ACCESS_LOG = "access_log", "Sign-ins, and articles read while they were counted, by day"
    EMAIL = "email", "The reader’s address"
    NETWORK_ADDRESS = "network_address", "The network address from which the reader agreed"


class EvidenceFile(WordedEnum):
    """A document of the answer, as a PDF; each member's `words` are its title."""

    RECEIPT = "receipt", "Tax invoice"
    CORRESPONDENCE = "correspondence", "Correspondence with the reader"
    TERMS = "terms", "Terms"
    REFUND_POLICY = "refund_policy", "Refund policy"


Texts = dict[EvidenceField, str]
FileRefs = dict[EvidenceFile, str]
"""The acquirer's references of uploaded documents."""


@dataclass(frozen=True, slots=True)
class EvidenceLimits:
    """How much an acquirer takes: characters in one text and in all texts, bytes and pages in all documents."""

    text: int
    all_texts: int
    file_bytes: int
    pages: int
