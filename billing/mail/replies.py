"""Replies to mails about a request. They come to an address of their own, which only a recipient of such a mail knows.

The address names the request, with a keyed hash. What arrives there belongs to the thread, and proves nothing more: a From line can
be typed, and a mail can be passed on. An automatic answer belongs to no thread, or two machines would write to each other for ever."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr

from billing.mail.bounces import LARGEST, RECIPIENTS, addresses_in
from billing.mail.mail_text import header, names_of_attachments, text_of
from billing.platform.tokens import Tokens
from billing.rules.quoted_text import without_quote

_TAG = re.compile(r"r\+([0-9a-z]{26})\.([0-9a-f]{24})@")
_MAC_LENGTH = 24
_MASS = ("bulk", "junk", "list", "auto_reply", "auto-reply")
_OF_MACHINES = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "list-id", "list-unsubscribe")
"""Headers that only machines write: responders, and mailing lists."""


@dataclass(frozen=True, slots=True)
class MailedReply:
    """A mail to the reply address of a request. `sender` is what its From line says, in lower case; anybody can type it.

    `is_automatic`: no person wrote it. `words` has no quoted mail, `attachments` are names. `name` is the same for each copy."""

    request_id: str
    sender: str
    words: str
    attachments: tuple[str, ...]
    is_automatic: bool
    name: str


def reply_address(tokens: Tokens, request_id: str, domain: str) -> str:
    """The address for replies to mails about this request, in characters that survive a mail server's change of case."""
    body = request_id.removeprefix("req_")
    return f"r+{body}.{tokens.digest('reply', body)[:_MAC_LENGTH]}@{domain}"


def request_of(tokens: Tokens, address: str) -> str | None:
    """The id of the request that a reply address names; None when it is none of ours."""
    for found in _TAG.finditer(address.lower()):
        body, mac = found.groups()
        valid = [digest[:_MAC_LENGTH] for digest in tokens.digests("reply", body)]
        if any([hmac.compare_digest(each, mac) for each in valid]):  # noqa: C419 - all of them, in the same time
            return f"req_{body}"
    return None


def read_reply(tokens: Tokens, raw: bytes, *, recipient: str = "") -> MailedReply | None:
    """The reply in this mail; None when it came to no reply address of ours. Never raises for its content.

    `recipient` is the address it came to, where the mail server passes it on; otherwise the headers say it."""
    try:
        message = message_from_bytes(raw[:LARGEST])
        addresses = [recipient, *addresses_in(message, (*RECIPIENTS, "cc"))]
        found = (request_of(tokens, address) for address in addresses)
        request_id = next((each for each in found if each is not None), None)
        if request_id is None:
            return None
        text = text_of(message)
        return MailedReply(
            request_id=request_id,
            sender=parseaddr(header(message, "from"))[1].lower()[:254],
            words=without_quote(text) or text.strip(),
            attachments=tuple(names_of_attachments(message)),
            is_automatic=_is_automatic(message),
            name=hashlib.sha256(raw).hexdigest()[:32],
        )
    except RecursionError:  # parts within parts, as no person's mail has them
        return None


def _is_automatic(message: Message) -> bool:
    """Whether a machine wrote it (RFC 3834): a responder, a mail server, a mailing list."""
    submitted = header(message, "auto-submitted").lower() or "no"
    return (
        not submitted.startswith("no")
        or header(message, "precedence").lower() in _MASS
        or header(message, "return-path") == "<>"
        or message.get_content_type() in ("multipart/report", "message/disposition-notification")
        or any(name in message for name in _OF_MACHINES)
    )
