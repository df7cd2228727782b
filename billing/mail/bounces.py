"""Bounces (RFC 3464) and complaints (RFC 5965), accepted only where they carry an envelope sender of ours.

Each newsletter leaves with its own envelope sender (VERP): the number of the delivery and a keyed hash of it. Only someone who has
seen that mail can forge a report about it (B1, B2)."""

import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from enum import StrEnum

from billing.platform.tokens import Tokens

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TAG = re.compile(r"(?:b\+|n\.)([0-9a-z]{1,13}\.[0-9a-f]{24})@")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MAC_LENGTH = 24
LARGEST = 2_000_000
"""Octets of a report that we read; reports are short."""
NO_SUCH_MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.10"})
"""The address doesn't exist: no newsletter goes there again (B3)."""
RECIPIENTS = ("delivered-to", "x-original-to", "envelope-to", "to")
"""Headers that say where a mail came to."""


class BounceKind(StrEnum):
    """Why a mail bounced."""

    HARD = "hard"
    """There is no such mailbox."""
    SOFT = "soft"
    """The mailbox is full, or couldn't be reached in days."""
    POLICY = "policy"
    """The receiving side rejects the mail or its sender; the reader's mailbox works (B3)."""
    COMPLAINT = "complaint"
    """The reader marked it as spam (B4)."""


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A report about one of our deliveries. `name` is the same for each copy of the report."""

    number: int
    kind: BounceKind
    status: str
    name: str


def tag(tokens: Tokens, number: int) -> str:
    """The number of a delivery with its keyed hash, in characters that survive a mail server's change of case."""
    return f"{_base36(number)}.{tokens.digest('verp', str(number))[:_MAC_LENGTH]}"


def number_of(tokens: Tokens, tagged: str) -> int | None:
    """The delivery that a tag names, or None when it isn't ours."""
    written, _, mac = tagged.lower().partition(".")
    try:
        number = int(written, 36)
    except ValueError:
        return None
    expected = (digest[:_MAC_LENGTH].encode() for digest in tokens.digests("verp", str(number)))
    return number if any(hmac.compare_digest(valid, mac.encode()) for valid in expected) else None


def envelope_sender(tokens: Tokens, number: int, domain: str) -> str:
    """The address for reports about this delivery (B1)."""
    return f"b+{tag(tokens, number)}@{domain}"


def message_id(tokens: Tokens, number: int, domain: str) -> str:
    """A Message-ID that is the same for each attempt of a delivery, and recognisable as ours (H11)."""
    return f"<n.{tag(tokens, number)}@{domain}>"


def kind_of(status: str) -> BounceKind:
    """The meaning of an enhanced status code (RFC 3463) such as 5.1.1 for the mailbox (B3)."""
    if status in NO_SUCH_MAILBOX:
        return BounceKind.HARD
    _, subject, detail = [*status.split("."), "", ""][:3]
    if subject in ("6", "7") or (subject, detail) == ("3", "4"):
        return BounceKind.POLICY  # content, size, security: the mail or the sender, not the mailbox
    return BounceKind.SOFT


def status_in(words: str) -> str | None:
    """The first enhanced status code in an answer or a header."""
    found = _STATUS.search(words)
    return found.group() if found else None


def kind_in(words: str) -> BounceKind:
    """The meaning of an answer for the mailbox, by the status code in it."""
    return kind_of(status_in(words) or "5.0.0")


def read_report(tokens: Tokens, raw: bytes, *, recipient: str = "") -> BounceReport | None:
    """The report in this mail; None when it is no report, not about our mail, or forged. Never raises for its content.

    `recipient` is the address it came to, where the mail server passes it on; otherwise the headers tell it."""
    try:
        # not by the library's newer policy, which raises at addresses like `x <`
        message = message_from_bytes(raw[:LARGEST])
        if message.get_content_type() != "multipart/report":
            return None
        parts = {part.get_content_type(): part for part in message.walk()}
    except RecursionError:  # parts within parts, as no mail server writes them
        return None
    name = hashlib.sha256(raw).hexdigest()[:32]
    if "message/feedback-report" in parts:
        return _complaint(tokens, parts["message/feedback-report"], raw, recipient, name)
    if "message/delivery-status" in parts:
        return _bounce(tokens, message, parts["message/delivery-status"], recipient, name)
    return None


def _bounce(
    tokens: Tokens, message: Message, part: Message, recipient: str, name: str
) -> BounceReport | None:
    number = _first(tokens, [recipient, *addresses_in(message, RECIPIENTS)])
    failed = [block for block in _blocks(part) if block.get("action", "").lower() == "failed"]
    if number is None or not failed:
        return None
    status = status_in(failed[0].get("status", "")) or status_in(failed[0].get("diagnostic-code", ""))
    return BounceReport(number, kind_of(status or "5.0.0"), status or "", name)


def _complaint(tokens: Tokens, part: Message, raw: bytes, recipient: str, name: str) -> BounceReport | None:
    """Complaints often redact addresses, so our own tag in the copy of the mail counts (B4)."""
    fields = next(_blocks(part), {})
    if fields.get("feedback-type", "").lower() not in ("abuse", "fraud", "other"):
        return None
    copy = raw[:LARGEST].decode("latin-1")
    number = _first(tokens, [recipient, fields.get("original-mail-from", ""), copy])
    return None if number is None else BounceReport(number, BounceKind.COMPLAINT, "", name)


def _first(tokens: Tokens, texts: list[str]) -> int | None:
    for text in texts:
        for found in _TAG.finditer(text.lower()):
            number = number_of(tokens, found.group(1))
            if number is not None:
                return number
    return None


def addresses_in(message: Message, headers: Sequence[str]) -> Iterator[str]:
    """The addresses in these headers of a mail."""
    for header in headers:
        for _, address in getaddresses([str(value) for value in message.get_all(header, [])]):
            yield address


def _blocks(part: Message) -> Iterator[dict[str, str]]:
    """The groups of fields in a part like message/delivery-status, which the library parses as messages."""
    payload = part.get_payload()
    for block in payload if isinstance(payload, list) else []:
        if not isinstance(block, Message):
            continue
        fields = {str(key).lower(): " ".join(str(value).split()) for key, value in block.items()}
        # after a blank line the library takes the fields for a body
        yield fields or _fields(str(block.get_payload()))


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _base36(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number, 36)
        letters = _DIGITS[rest] + letters
    return letters or "0"
