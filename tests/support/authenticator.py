"""A device with passkeys, in software: it answers what a page asks as a browser with an authenticator would (WebAuthn, level 3)."""

import base64
import hashlib
import html
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.browser import Answer

PRESENT, VERIFIED, MAY_BACK_UP, BACKED_UP, HAS_KEY = 1, 4, 8, 16, 64


@dataclass
class DeviceKey:
    """A passkey on the device. `count` is how often it was used; None for a device that doesn't count."""

    id: bytes
    key: EllipticCurvePrivateKey
    owner: str
    count: int | None = 0


@dataclass
class Authenticator:
    """A device, in a browser that shows a page of `origin`."""

    origin: str
    keys: list[DeviceKey] = field(default_factory=list)
    flags: int = PRESENT | VERIFIED | MAY_BACK_UP | BACKED_UP
    counts: bool = True

    def create(self, options: dict[str, Any], **changed: Any) -> str:
        """Make a passkey; the browser's answer, as the page sends it."""
        made = DeviceKey(
            secrets.token_bytes(16),
            generate_private_key(SECP256R1()),
            options["user"]["id"],
            0 if self.counts else None,
        )
        self.keys.append(made)
        point = made.key.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        about = bytes(16) + len(made.id).to_bytes(2, "big") + made.id + public
        data = self._data(options["rp"]["id"], made, HAS_KEY) + about
        response = {
            "clientDataJSON": encoded(self._client_data("webauthn.create", options)),
            "attestationObject": encoded(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "hybrid", "made-up"],
        }
        return _answer(made, response | changed)

    def get(self, options: dict[str, Any], passkey: DeviceKey | None = None, **changed: Any) -> str:
        """Sign in with a passkey, by default the newest; the browser's answer, as the page sends it."""
        used = passkey or self.keys[-1]
        if used.count is not None:
            used.count += 1
        data = self._data(options["rpId"], used)
        client = self._client_data("webauthn.get", options)
        signature = used.key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        response = {
            "clientDataJSON": encoded(client),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            "userHandle": used.owner,
        }
        return _answer(used, response | changed)

    def _data(self, rp_id: str, key: DeviceKey, more: int = 0) -> bytes:
        flags = (self.flags | more).to_bytes(1, "big")
        return hashlib.sha256(rp_id.encode()).digest() + flags + (key.count or 0).to_bytes(4, "big")

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()


def options_on(page: Answer) -> dict[str, Any]:
    """What the page asks the browser for."""
    (written,) = re.findall(r'data-options="([^"]*)"', page.text)
    options: dict[str, Any] = json.loads(html.unescape(written))
    return options


def encoded(raw: bytes) -> str:
    """In base64url, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _answer(key: DeviceKey, response: dict[str, Any]) -> str:
    name = encoded(key.id)
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
