"""Secrets are derived and never stored, so a leaked database opens no door.

A mailed link carries ``subject.mac``. A mail in the outbox holds a place, ``⟦token:purpose:subject⟧``; the secret is filled in
when the mail is sent (SEC-1, SEC-10).

There are three kinds of keys. The secret key makes new tokens. Previous keys only check older ones, from before a rotation.
The list key belongs to the database, and hashes the lists that outlive every secret key (`list_key`)."""

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
    """Derives and checks tokens with the installation's keys."""

    secret_key: str = field(repr=False)
    previous_keys: tuple[str, ...] = field(default=(), repr=False)
    """Former secret keys, the newest first; also one that is about to become it."""
    list_key: str = field(default="", repr=False)
    """Hashes the lists that outlive every secret key. Empty: the secret key does."""
    signs_until: tuple[tuple[str, datetime], ...] = field(default=(), repr=False)
    """Previous keys that a rotation replaced, each with the end of its signatures' validity. Other previous keys have no end."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that are checked, the present one first."""
        return self.secret_key, *self.previous_keys

    def token(self, purpose: str, subject: str) -> str:
        """The token that proves ``subject`` for ``purpose``: 192 bits, safe in a URL."""
        return _token(self.secret_key, purpose, subject)

    def tokens(self, purpose: str, subject: str) -> tuple[str, ...]:
        """The token under each key, the present one's first."""
        return tuple(_token(key, purpose, subject) for key in self.keys)

    def subject_of(self, purpose: str, token: str) -> str | None:
        """The subject that the token proves, or None when it is forged, damaged, or made for another purpose."""
        subject, dot, _ = token.rpartition(".")
        if not dot or not token.isascii():
            return None
        return subject if self.is_token(purpose, subject, token) else None

    def is_token(self, purpose: str, subject: str, token: str) -> bool:
        """Whether the token proves ``subject`` under any key."""
        return _is_one_of(token, (_token(key, purpose, subject) for key in self.keys))

    def code(self, purpose: str, subject: str) -> str:
        """A short code of eight digits to type on another device (SEC-1)."""
        return _code(self.secret_key, purpose, subject)

    def is_code(self, purpose: str, subject: str, typed: str) -> bool:
        """Whether the typed digits are that code under any key."""
        return _is_one_of(typed, (_code(key, purpose, subject) for key in self.keys))

    def key(self, purpose: str, subject: str) -> bytes:
        """A derived key of 32 bytes, stored nowhere."""
        return _mac(self.secret_key, "key-" + purpose, subject)

    def keys_of(self, purpose: str, subject: str, at: datetime) -> tuple[bytes, ...]:
        """The derived key under each key whose signatures are valid at `at`, the present one's first."""
        expired = {key for key, until in self.signs_until if at >= until} - {self.secret_key}
        return tuple(_mac(key, "key-" + purpose, subject) for key in self.keys if key not in expired)

    def digest(self, purpose: str, value: str) -> str:
        """A keyed hash to recognise a value without knowing it, for months at most: a cookie, a rate limit's bucket."""
        return _digest(self.secret_key, purpose, value)

    def digests(self, purpose: str, value: str) -> tuple[str, ...]:
        """The hash under each key, the present one's first; the row has one of them."""
        return tuple(_digest(key, purpose, value) for key in self.keys)

    def list_digest(self, purpose: str, value: str) -> str:
        """A keyed hash for a list that outlives every secret key: an address that opted out, a card that had its trial."""
        return _digest(self.list_key or self.secret_key, purpose, value)

    def seal(self, purpose: str, plain: str) -> str:
        """Encrypt a text with the secret key, for one purpose (AES-256-GCM)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self.key("seal", purpose)).encrypt(nonce, plain.encode(), purpose.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """Decrypt what `seal` made, with any key; None where none of them opens it."""
        opened = (_unsealed(key, purpose, sealed) for key in self.keys)
        return next((plain for plain in opened if plain is not None), None)

    def is_current(self, purpose: str, sealed: str) -> bool:
        """Whether the present key opens it, so that it needs no previous key."""
        return _unsealed(self.secret_key, purpose, sealed) is not None

    def digester(self, purpose: str) -> Callable[[bytes], bytes]:
        """`digest` as a fast function from bytes to bytes, for what comes with requests."""
        return _digester(self.secret_key, purpose)

    def list_digester(self, purpose: str) -> Callable[[bytes], bytes]:
        """`list_digest` as such a function."""
        return _digester(self.list_key or self.secret_key, purpose)

    def fill(self, text: str) -> str:
        """Replace the places in an outbox row with their secrets."""

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
    """HMAC (RFC 2104) with the padded key hashed once, here: it takes a quarter of the time."""
    key = secret.encode()
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    inner = hashlib.sha256(block.translate(hmac.trans_36) + b"digest-%b\0" % purpose.encode())
    outer = hashlib.sha256(block.translate(hmac.trans_5C))

    def digest(value: bytes) -> bytes:
        inside, outside = inner.copy(), outer.copy()
        inside.update(value)
        outside.update(inside.digest())
        return outside.digest()

    return digest


def _is_one_of(given: str, valid: Iterable[str]) -> bool:
    # A list, not a generator: comparing all of them keeps the time the same whichever matches. Bytes, as `compare_digest` raises
    # TypeError for text that isn't ASCII.
    return any([hmac.compare_digest(each.encode(), given.encode()) for each in valid])  # noqa: C419


def _unsealed(key: str, purpose: str, sealed: str) -> str | None:
    try:
        raw = base64.urlsafe_b64decode(sealed)
        cipher = AESGCM(_mac(key, "key-seal", purpose))
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
    except (InvalidTag, ValueError, binascii.Error):
        return None


def without_secrets(text: str) -> str:
    """A text for the log: everything that looks like a token of ours loses its secret half (SEC-9)."""
    return _MAC.sub(".…", text)


def without_places(text: str) -> str:
    """A stored text with its places covered, for staff who may read it but not act by it."""
    return _PLACE.sub("•••", text)


def place(purpose: str, subject: str) -> str:
    """The place of a token in a stored text (see `Tokens.fill`)."""
    return f"⟦token:{purpose}:{subject}⟧"


def code_place(purpose: str, subject: str) -> str:
    """The place of a typed code in a stored text."""
    return f"⟦code:{purpose}:{subject}⟧"
