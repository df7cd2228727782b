"""Secrets that are derived, never stored: a leaked database opens no door.

A mailed link carries ``subject.mac``. A mail waiting in the outbox names its secret as ``⟦token:purpose:subject⟧``;
the secret itself comes into being when the mail is sent (SEC-1, SEC-10).

Three kinds of keys. The secret key makes whatever is new. Previous keys are read and make nothing: a link or a session from
before a rotation is still ours. The list key belongs to the database: it hashes the lists that outlive every secret key
(`list_key`)."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_PLACE = re.compile(r"⟦(token|code):([a-z-]+):([A-Za-z0-9_:.-]+)⟧")
CODE_DIGITS = 8
_NONCE_BYTES = 12
_MAC = re.compile(r"\.[A-Za-z0-9_-]{16,}(?![A-Za-z0-9_-])")
"""The secret half of a token, whole or cut short."""


@dataclass(frozen=True)
class Tokens:
    """Derives and checks tokens under the installation's keys."""

    secret_key: str = field(repr=False)
    previous_keys: tuple[str, ...] = field(default=(), repr=False)
    """Keys that were the secret key before, the newest first; also one that is about to be."""
    list_key: str = field(default="", repr=False)
    """Of the lists that outlive every secret key; empty: the secret key itself."""
    signs_until: tuple[tuple[str, datetime], ...] = field(default=(), repr=False)
    """Until when a signature by a previous key is believed, of each that a rotation replaced; of any other one, while it is
    configured."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All that is read, the present key first."""
        return self.secret_key, *self.previous_keys

    def token(self, purpose: str, subject: str) -> str:
        """The token that proves ``subject`` for ``purpose``: 192 bits, safe in a URL."""
        return _token(self.secret_key, purpose, subject)

    def tokens(self, purpose: str, subject: str) -> tuple[str, ...]:
        """The same under each key that is read, the present one's first."""
        return tuple(_token(key, purpose, subject) for key in self.keys)

    def subject_of(self, purpose: str, token: str) -> str | None:
        """Who or what the token stands for, or None when it is forged, damaged, or made for another purpose."""
        subject, dot, _ = token.rpartition(".")
        if not dot or not token.isascii():
            return None
        return subject if self.is_token(purpose, subject, token) else None

    def is_token(self, purpose: str, subject: str, token: str) -> bool:
        """Whether the token proves ``subject``, under any key that is read."""
        return _is_one_of(token, (_token(key, purpose, subject) for key in self.keys))

    def code(self, purpose: str, subject: str) -> str:
        """A short code of eight digits to type on another device (SEC-1)."""
        return _code(self.secret_key, purpose, subject)

    def is_code(self, purpose: str, subject: str, typed: str) -> bool:
        """Whether these digits are that code, under any key that is read."""
        return _is_one_of(typed, (_code(key, purpose, subject) for key in self.keys))

    def key(self, purpose: str, subject: str) -> bytes:
        """32 bytes that stand in no table, for a key of their own kind."""
        return _mac(self.secret_key, "key-" + purpose, subject)

    def keys_of(self, purpose: str, subject: str, at: datetime) -> tuple[bytes, ...]:
        """The same under each key whose signatures are believed at `at`, the present one's first."""
        over = {key for key, until in self.signs_until if at >= until} - {self.secret_key}
        return tuple(_mac(key, "key-" + purpose, subject) for key in self.keys if key not in over)

    def digest(self, purpose: str, value: str) -> str:
        """A keyed hash of something we must recognise again but not know, and for months at most: a cookie, a bucket."""
        return _digest(self.secret_key, purpose, value)

    def digests(self, purpose: str, value: str) -> tuple[str, ...]:
        """The same under each key that is read, the present one's first: by one of them the row is found."""
        return tuple(_digest(key, purpose, value) for key in self.keys)

    def list_digest(self, purpose: str, value: str) -> str:
        """A keyed hash for a list that outlives every secret key: an address that opted out, a card that had its trial."""
        return _digest(self.list_key or self.secret_key, purpose, value)

    def seal(self, purpose: str, plain: str) -> str:
        """The text, readable only with the secret key and for the same purpose (AES-256-GCM)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self.key("seal", purpose)).encrypt(nonce, plain.encode(), purpose.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """What was sealed, under any key that is read; None for what none of them opens."""
        for key in self.keys:
            found = _unsealed(key, purpose, sealed)
            if found is not None:
                return found
        return None

    def is_current(self, purpose: str, sealed: str) -> bool:
        """Whether the present key opens it, so that no previous one is needed for it."""
        return _unsealed(self.secret_key, purpose, sealed) is not None

    def digester(self, purpose: str) -> Callable[[bytes], bytes]:
        """What `digest` says, of bytes that come with requests, as bytes."""
        return _digester(self.secret_key, purpose)

    def list_digester(self, purpose: str) -> Callable[[bytes], bytes]:
        """What `list_digest` says, likewise."""
        return _digester(self.list_key or self.secret_key, purpose)

    def fill(self, text: str) -> str:
        """Put the secrets where the outbox row names them."""

        def secret(match: re.Match[str]) -> str:
            kind, purpose, subject = match.groups()
            return self.token(purpose, subject) if kind == "token" else self.code(purpose, subject)

        return _PLACE.sub(secret, text)


def _mac(key: str, purpose: str, subject: str) -> bytes:
    return hmac.digest(key.encode(), f"{purpose}\x00{subject}".encode(), "sha256")


def _token(key: str, purpose: str, subject: str) -> str:
    return f"{subject}.{base64.urlsafe_b64encode(_mac(key, purpose, subject)[:24]).decode()}"


def _code(key: str, purpose: str, subject: str) -> str:
    number = int.from_bytes(_mac(key, purpose + "-code", subject)[:8], "big")
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def _digest(key: str, purpose: str, value: str) -> str:
    return _mac(key, "digest-" + purpose, value).hex()


def _digester(secret: str, purpose: str) -> Callable[[bytes], bytes]:
    """HMAC as RFC 2104 has it, with all that is the same each time worked out here, once: a quarter of the time."""
    key = secret.encode()
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    inner = hashlib.sha256(block.translate(hmac.trans_36) + b"digest-%b\0" % purpose.encode())
    outer = hashlib.sha256(block.translate(hmac.trans_5C))

    def digest(value: bytes) -> bytes:
        one, other = inner.copy(), outer.copy()
        one.update(value)
        other.update(one.digest())
        return other.digest()

    return digest


def _is_one_of(given: str, right: Iterable[str]) -> bool:
    """All are compared, so that the time tells nothing of which one it is."""
    compared = [hmac.compare_digest(one.encode(), given.encode()) for one in right]
    return any(compared)


def _unsealed(key: str, purpose: str, sealed: str) -> str | None:
    try:
        raw = base64.urlsafe_b64decode(sealed)
        nonce, rest = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        cipher = AESGCM(_mac(key, "key-seal", purpose))
        return cipher.decrypt(nonce, rest, purpose.encode()).decode()
    except (InvalidTag, ValueError, binascii.Error):
        return None


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
