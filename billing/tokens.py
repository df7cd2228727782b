"""Secrets that are derived, never stored: a leaked database opens no door.

A mailed link carries ``subject.mac``. A mail waiting in the outbox names its secret as ``⟦token:purpose:subject⟧``;
the secret itself comes into being when the mail is sent (SEC-1, SEC-10)."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field

_PLACE = re.compile(r"⟦(token|code):([a-z-]+):([A-Za-z0-9_:.-]+)⟧")
CODE_DIGITS = 8
_MAC = re.compile(r"\.[A-Za-z0-9_-]{16,}(?![A-Za-z0-9_-])")
"""The secret half of a token, whole or cut short."""


@dataclass(frozen=True)
class Tokens:
    """Derives and checks tokens under the installation's secret key."""

    secret_key: str = field(repr=False)

    def _mac(self, purpose: str, subject: str) -> bytes:
        return hmac.digest(self.secret_key.encode(), f"{purpose}\x00{subject}".encode(), "sha256")

    def token(self, purpose: str, subject: str) -> str:
        """The token that proves ``subject`` for ``purpose``: 192 bits, safe in a URL."""
        mac = base64.urlsafe_b64encode(self._mac(purpose, subject)[:24]).decode()
        return f"{subject}.{mac}"

    def subject_of(self, purpose: str, token: str) -> str | None:
        """Who or what the token stands for, or None when it is forged, damaged, or made for another purpose."""
        subject, dot, _ = token.rpartition(".")
        if not dot or not token.isascii():
            return None
        return subject if hmac.compare_digest(self.token(purpose, subject), token) else None

    def code(self, purpose: str, subject: str) -> str:
        """A short code of eight digits to type on another device (SEC-1)."""
        number = int.from_bytes(self._mac(purpose + "-code", subject)[:8], "big")
        return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

    def key(self, purpose: str, subject: str) -> bytes:
        """32 bytes that stand in no table, for a key of their own kind."""
        return self._mac("key-" + purpose, subject)

    def digest(self, purpose: str, value: str) -> str:
        """A keyed hash of something we must recognise again but not know: an address, a card's fingerprint, a cookie."""
        return self._mac("digest-" + purpose, value).hex()

    def digester(self, purpose: str) -> Callable[[bytes], bytes]:
        """The same of bytes that come with requests, as bytes. HMAC as RFC 2104 has it, with all that is the same each time
        worked out here, once: a quarter of the time."""
        key = self.secret_key.encode()
        block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
        inner = hashlib.sha256(block.translate(hmac.trans_36) + b"digest-%b\0" % purpose.encode())
        outer = hashlib.sha256(block.translate(hmac.trans_5C))

        def digest(value: bytes) -> bytes:
            one, other = inner.copy(), outer.copy()
            one.update(value)
            other.update(one.digest())
            return other.digest()

        return digest

    def fill(self, text: str) -> str:
        """Put the secrets where the outbox row names them."""

        def secret(match: re.Match[str]) -> str:
            kind, purpose, subject = match.groups()
            return self.token(purpose, subject) if kind == "token" else self.code(purpose, subject)

        return _PLACE.sub(secret, text)


def without_secrets(text: str) -> str:
    """An address or a line for the log: whatever looks like a token of ours loses its secret half (SEC-9)."""
    return _MAC.sub(".…", text)


def without_places(text: str) -> str:
    """A stored text with its places covered, for whoever may read it and not act by it."""
    return _PLACE.sub("•••", text)


def place(purpose: str, subject: str) -> str:
    """Names the place of a token in a text that is stored (see `Tokens.fill`)."""
    return f"⟦token:{purpose}:{subject}⟧"


def code_place(purpose: str, subject: str) -> str:
    """Names the place of a typed code in a text that is stored."""
    return f"⟦code:{purpose}:{subject}⟧"
