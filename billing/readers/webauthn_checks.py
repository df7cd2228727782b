"""What WebAuthn (passkeys) takes from whoever uses it, readers and staff alike: challenges, options for the browser, and the check of its answer.

A browser signs a challenge of ours with a key that is bound to our host, so a page elsewhere can't ask for it. A challenge is a
signed token: nothing is stored when a page shows one, and it counts as used once it was accepted (`_spend`)."""

import base64
import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlmodel import Session, select

from billing.platform.context import TransactionContext
from billing.platform.errors import TooMany
from billing.platform.site import Site
from billing.platform.storable import storable
from billing.readers import devices, rate
from billing.readers.models import PasskeyColumns

LIFE = timedelta(minutes=30)
"""How long a page may stay open before its challenge is too old. Browsers offer passkeys on the sign-in page as long as it is open."""
LONGEST_NAME = 60
LONGEST_CREDENTIAL = 16_000
"""Letters of a browser's answer. One with an attestation that we didn't ask for takes 8,000."""
ALGORITHMS = (-8, -7, -257)
"""EdDSA, ECDSA with SHA-256, RSA with SHA-256 (COSE); the first that the authenticator has is used."""
TRANSPORTS = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")
Key = TypeVar("Key", bound=PasskeyColumns)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are for (`id`: our host), and the origin that alone may use them."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a new passkey is. `found_by_host`: the device keeps it among those of our host, and offers it to whoever names nobody.
    `require_user`: the device must check its user's fingerprint, face or PIN."""

    id: str
    email: str
    found_by_host: bool = True
    require_user: bool = False


def relying_party(site: Site) -> RelyingParty | None:
    """From the public address. None where that is a bare IP address: passkeys are bound to a host's name."""
    parts = urlsplit(site.public_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(host, f"{parts.scheme}://{parts.netloc}") if host else None
    return None


def use_options(
    site: Site,
    party: RelyingParty,
    purpose: str,
    at: datetime,
    bound_to: str,
    *,
    require_user: bool,
    of: Sequence[PasskeyColumns] = (),
) -> str:
    """What the browser is asked to sign, as JSON. Without `of` it names nobody: the browser offers the passkeys that it has for our
    host. `require_user`: the device must check its user's fingerprint, face or PIN."""
    options: dict[str, Any] = {
        "challenge": _challenge(site, purpose, at, bound_to),
        "rpId": party.id,
        "userVerification": "required" if require_user else "preferred",
    }
    if of:
        options["allowCredentials"] = _listed(of)
    return json.dumps(options)


def new_options(
    site: Site,
    party: RelyingParty,
    purpose: str,
    at: datetime,
    owner: Owner,
    publisher: str,
    known: Sequence[PasskeyColumns],
) -> str:
    """What a new passkey is made from, as JSON. Devices that have one of `known` already make no second."""
    return json.dumps(
        {
            "challenge": _challenge(site, purpose, at, owner.id),
            "rp": {"id": party.id, "name": publisher},
            "user": {"id": _encoded(owner.id.encode()), "name": owner.email, "displayName": owner.email},
            "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
            "excludeCredentials": _listed(known),
            "attestation": "none",
            "authenticatorSelection": {
                "residentKey": "required" if owner.found_by_host else "discouraged",
                "requireResidentKey": owner.found_by_host,
                "userVerification": "required" if owner.require_user else "preferred",
            },
        }
    )


def _listed(keys: Sequence[PasskeyColumns]) -> list[dict[str, Any]]:
    return [
        {"type": "public-key", "id": key.credential_id, "transports": key.transports.split()} for key in keys
    ]


def check_new(
    ctx: TransactionContext,
    party: RelyingParty,
    purpose: str,
    answer: "PasskeyAnswer",
    owner: Owner,
    name: str,
    device: str,
) -> dict[str, Any]:
    """The columns of a new passkey, but for its id and owner. It uses up the challenge. Raises NotValid."""
    # Loaded here: only this and `check_use` need it, and it takes 8 MB and 60 ms of every process.
    from webauthn import verify_registration_response
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    signed = challenge_in(ctx, purpose, answer, (owner.id[:32],))
    with _not_valid():
        made = verify_registration_response(
            credential=answer.whole,
            expected_challenge=signed.encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=owner.require_user,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(algorithm) for algorithm in ALGORITHMS],
        )
    _spend(ctx, signed)
    return {
        "credential_id": _encoded(made.credential_id),
        "public_key": made.credential_public_key,
        "sign_count": made.sign_count,
        "name": clean_name(name) or str(devices.in_words(device)),
        "transports": answer.transports,
        "backed_up": made.credential_backed_up,
        "created_at": ctx.at,
    }


def insert(session: Session, passkey: PasskeyColumns) -> None:
    """Keep a new passkey. Raises NotValid where we have its id: another owner's, as devices make no id twice."""
    try:
        with session.begin_nested():
            session.add(passkey)
    except sa.exc.IntegrityError:
        raise NotValid from None


def lock(session: Session, table: type[Key], *which: sa.ColumnElement[bool]) -> Key | None:
    """The one passkey that fits, locked until the transaction ends and read again."""
    return session.exec(
        select(table).where(*which).with_for_update().execution_options(populate_existing=True)
    ).first()


def check_use(
    ctx: TransactionContext,
    party: RelyingParty,
    passkey: PasskeyColumns,
    answer: "PasskeyAnswer",
    signed: str,
    *,
    require_user: bool,
) -> None:
    """Note that the locked passkey has signed the challenge. The signature covers it, our host, and our origin. A count that doesn't
    rise, where the device counts at all, means a copied key. It uses up the challenge. Raises NotValid."""
    from webauthn import verify_authentication_response

    with _not_valid():
        done = verify_authentication_response(
            credential=answer.whole,
            expected_challenge=signed.encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=require_user,
        )
    _spend(ctx, signed)  # after the passkey is locked: of two that come at once, one waits there
    passkey.sign_count, passkey.backed_up = done.new_sign_count, done.credential_backed_up
    passkey.last_used_at = ctx.at


class NotValid(Exception):
    """The browser's answer proves nothing. Nobody is told why: an attacker would learn from it."""


@contextmanager
def _not_valid() -> Iterator[None]:
    """Whatever the library raises means that. It parses strangers' bytes, and each of its parsers has errors of its own."""
    try:
        yield
    except Exception as error:
        raise NotValid from error


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """What the browser answered, as far as we read it ourselves."""

    whole: dict[str, Any]
    credential_id: str
    challenge: str
    owner: bytes | None
    """The account that the device has noted for the key."""
    transports: str

    @classmethod
    def read(cls, credential: str) -> Self:
        """Raises NotValid."""
        with _not_valid():
            whole = json.loads(credential[:LONGEST_CREDENTIAL])
            response = whole["response"]
            signed = json.loads(_decoded(response["clientDataJSON"]))
            owner = response.get("userHandle")
            if not storable(whole["id"]):
                raise ValueError("no key of ours has such an id")
            given = response.get("transports") or ()
            return cls(
                whole,
                str(whole["id"]),
                _decoded(signed["challenge"]).decode("ascii"),
                None if owner is None else _decoded(owner),
                " ".join(name for name in TRANSPORTS if name in given),
            )

    def is_for(self, reader_ids: Collection[str]) -> bool:
        """Whether the device means the account that we have the key for, by any of its ids."""
        return self.owner is None or self.owner in {reader_id.encode() for reader_id in reader_ids}


def _challenge(site: Site, purpose: str, at: datetime, bound_to: str) -> str:
    """A new challenge for one browser, reader, member or session: 128 random bits, when it was made, and our signature over both."""
    subject = f"{secrets.token_hex(16)}:{int(at.timestamp())}:{bound_to[:32]}"
    return _encoded(site.tokens.token(purpose, subject).encode())


def challenge_in(
    ctx: TransactionContext, purpose: str, answer: PasskeyAnswer, bound_to: Collection[str]
) -> str:
    """The challenge that the browser has signed, if it is one of ours, for this browser or reader, and not too old. Raises
    NotValid."""
    subject = ctx.site.tokens.subject_of(purpose, answer.challenge)
    if subject is None:
        raise NotValid
    _, seconds, bound = subject.split(":")
    if bound not in bound_to or ctx.at.timestamp() - int(seconds) > LIFE.total_seconds():
        raise NotValid
    return answer.challenge


def _spend(ctx: TransactionContext, challenge: str) -> None:
    """Use the challenge up. Raises NotValid where that was done before."""
    try:
        rate.count(ctx, "passkey-challenge", challenge, limit=1, per=LIFE)
    except TooMany:
        raise NotValid from None


def clean_name(name: str) -> str:
    """What it is called, without what doesn't print, at most 60 letters."""
    return " ".join("".join(letter for letter in name if letter.isprintable()).split())[:LONGEST_NAME].strip()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
