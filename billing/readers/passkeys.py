"""Passkeys (WebAuthn): a reader signs in with a fingerprint, a face or a PIN. The mailed link always works beside them.

A browser signs a challenge of ours with a key that is bound to our host, so a page elsewhere can't ask for it. A challenge is a
signed token: nothing is stored when a page shows one, and it counts as used once it was accepted (`_spend`)."""

import base64
import json
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, NotFound, TooMany
from billing.platform.logs import log_event
from billing.platform.site import Site
from billing.readers import devices, rate, sign_in
from billing.readers.models import Passkey, Reader
from billing.readers.notices import passkey_changed
from billing.readers.register import by_id, lock_reader
from billing.readers.sessions import Browser
from billing.readers.sign_in import SignedIn
from emails.languages import say

PURPOSE = "passkey"
ADDS = "passkey-add"
LIFE = timedelta(minutes=30)
"""How long a page may stay open before its challenge is too old. Browsers offer passkeys on the sign-in page as long as it is open."""
MOST = 10
LONGEST_NAME = 60
LONGEST_CREDENTIAL = 16_000
"""Letters of a browser's answer. One with an attestation that we didn't ask for takes 8,000."""
ALGORITHMS = (-8, -7, -257)
"""EdDSA, ECDSA with SHA-256, RSA with SHA-256 (COSE); the first that the authenticator has is used."""
TRANSPORTS = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")
REFUSED = say(
    "That passkey did not work here. It may have been removed, or this page was open for long. Try again, or have a link mailed."
)


class UnknownPasskey(NotFound):
    """You have no such passkey."""

    code = "unknown_passkey"


class EnoughPasskeys(Conflict):
    """You have ten passkeys, which is as many as an account takes. Remove one first."""

    code = "enough_passkeys"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are for (`id`: our host), and the origin that alone may use them."""

    id: str
    origin: str


def relying_party(site: Site) -> RelyingParty | None:
    """From the public address. None where that is a bare IP address: passkeys are bound to a host's name."""
    parts = urlsplit(site.public_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(host, f"{parts.scheme}://{parts.netloc}") if host else None
    return None


def sign_in_options(site: Site, party: RelyingParty, at: datetime, browser_hash: str) -> str:
    """What the browser is asked to sign, as JSON. It names no reader: the browser offers the passkeys that it has for our host."""
    return json.dumps(
        {
            "challenge": _challenge(site, PURPOSE, at, browser_hash),
            "rpId": party.id,
            "userVerification": "preferred",
        }
    )


def new_passkey_options(ctx: TransactionContext, party: RelyingParty, reader: Reader, publisher: str) -> str:
    """What a new passkey is made from, as JSON. Devices that have one of the reader's already make no second."""
    known = [
        {"type": "public-key", "id": each.credential_id, "transports": each.transports.split()}
        for each in of_reader(ctx.session, reader.id)
    ]
    return json.dumps(
        {
            "challenge": _challenge(ctx.site, ADDS, ctx.at, reader.id),
            "rp": {"id": party.id, "name": publisher},
            "user": {"id": _encoded(reader.id.encode()), "name": reader.email, "displayName": reader.email},
            "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
            "excludeCredentials": known,
            "attestation": "none",
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "preferred",
            },
        }
    )


def of_reader(session: Session, reader_id: str) -> list[Passkey]:
    """The reader's passkeys, oldest first."""
    found = select(Passkey).where(Passkey.reader_id == reader_id).order_by(col(Passkey.id))
    return list(session.exec(found))


def sentence_of(session: Session, reader_id: str, zone: ZoneInfo) -> str | None:
    """How many passkeys the reader has and when one was last used, in words for staff; None without any."""
    found = of_reader(session, reader_id)
    if not found:
        return None
    used = max((each.last_used_at for each in found if each.last_used_at is not None), default=None)
    last = f"last used on {used.astimezone(zone):%-d %B %Y, %H:%M}" if used else "not used yet"
    return f"{len(found)} of {MOST}, {last}"


def add(
    ctx: TransactionContext, party: RelyingParty, reader: Reader, credential: str, name: str, browser: Browser
) -> Passkey | None:
    """Keep a new passkey and mail the reader about it. None where the browser's answer isn't valid. Raises EnoughPasskeys.

    Call it only after a fresh sign-in: whoever adds a passkey can come back."""
    try:
        passkey = _made(ctx, party, reader, _Answer.read(credential), name, browser)
    except _NotValid:
        log_event(ctx.session, "passkey refused", reader=reader.id)
        return None
    passkey_changed(ctx, reader, passkey, browser.device, added=True)
    log_event(ctx.session, "passkey added", reader=reader.id, passkey=passkey.id)
    return passkey


def _made(
    ctx: TransactionContext,
    party: RelyingParty,
    reader: Reader,
    answer: "_Answer",
    name: str,
    browser: Browser,
) -> Passkey:
    # Loaded here: only this and `_locked_and_checked` need it, and it takes 8 MB and 60 ms of every process.
    from webauthn import verify_registration_response
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    challenge = _challenge_in(ctx, ADDS, answer, (reader.id,))
    lock_reader(ctx.session, reader.id)  # two that come at once count each other
    if len(of_reader(ctx.session, reader.id)) >= MOST:
        raise EnoughPasskeys
    with _not_valid():
        made = verify_registration_response(
            credential=answer.whole,
            expected_challenge=challenge.encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(algorithm) for algorithm in ALGORITHMS],
        )
    _spend(ctx, challenge)
    passkey = Passkey(
        id=ids.new("pky", ctx.at),
        reader_id=reader.id,
        credential_id=_encoded(made.credential_id),
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        name=_clean_name(name) or str(devices.in_words(browser.device)),
        transports=answer.transports,
        backed_up=made.credential_backed_up,
        created_at=ctx.at,
    )
    try:
        with ctx.session.begin_nested():
            ctx.session.add(passkey)
    except sa.exc.IntegrityError:  # another reader's, as devices make no id twice
        raise _NotValid from None
    return passkey


def authenticate(
    ctx: TransactionContext, party: RelyingParty, credential: str, browser: Browser
) -> SignedIn | None:
    """Sign a browser in by a passkey; None where its answer isn't valid, which must be committed: tries are counted."""
    try:
        passkey = _locked_and_checked(ctx, party, _Answer.read(credential), browser)
    except _NotValid:
        log_event(ctx.session, "passkey refused", reader="")
        return None
    about = f"{passkey.id}:{ctx.at.isoformat()}"
    done = sign_in.open_for(ctx, by_id(ctx.session, passkey.reader_id), browser, about)
    log_event(ctx.session, "signed in by passkey", reader=passkey.reader_id, passkey=passkey.id)
    return done


def _accounts_of(session: Session, reader_id: str) -> list[str]:
    """The reader's id, and those of accounts merged into it: a device goes on naming the one that it made the key for."""
    merged = select(Reader.id).where(Reader.merged_into == reader_id)
    return [reader_id, *session.exec(merged)]


def _locked_and_checked(
    ctx: TransactionContext, party: RelyingParty, answer: "_Answer", browser: Browser
) -> Passkey:
    """The passkey that has signed. The signature covers a challenge of ours that was shown in this browser within `LIFE` and not
    used before, our host, and our origin. A count that doesn't rise, where the device counts at all, means a copied key."""
    from webauthn import verify_authentication_response

    challenge = _challenge_in(ctx, PURPOSE, answer, [each[:32] for each in browser.hashes])
    passkey = _lock(ctx.session, col(Passkey.credential_id) == answer.credential_id)
    if passkey is None or not answer.is_for(_accounts_of(ctx.session, passkey.reader_id)):
        raise _NotValid
    with _not_valid():
        done = verify_authentication_response(
            credential=answer.whole,
            expected_challenge=challenge.encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
        )
    _spend(ctx, challenge)  # after the passkey is locked: of two that come at once, one waits there
    passkey.sign_count, passkey.backed_up = done.new_sign_count, done.credential_backed_up
    passkey.last_used_at = ctx.at
    return passkey


def rename(ctx: TransactionContext, reader: Reader, passkey_id: str, name: str) -> None:
    """Give a passkey of the reader's another name; an empty one changes nothing. Raises UnknownPasskey."""
    passkey = _lock_of(ctx, reader, passkey_id)
    passkey.name = _clean_name(name) or passkey.name


def remove(ctx: TransactionContext, reader: Reader, passkey_id: str, browser: Browser) -> None:
    """Forget a passkey of the reader's, and mail the reader about it. Its sessions stay. Raises UnknownPasskey."""
    passkey = _lock_of(ctx, reader, passkey_id)
    ctx.session.delete(passkey)
    passkey_changed(ctx, reader, passkey, browser.device, added=False)
    log_event(ctx.session, "passkey removed", reader=reader.id, passkey=passkey.id)


def _lock_of(ctx: TransactionContext, reader: Reader, passkey_id: str) -> Passkey:
    found = _lock(ctx.session, sa.and_(col(Passkey.id) == passkey_id, col(Passkey.reader_id) == reader.id))
    if found is None:
        raise UnknownPasskey
    return found


def _lock(session: Session, which: sa.ColumnElement[bool]) -> Passkey | None:
    return session.exec(
        select(Passkey).where(which).with_for_update().execution_options(populate_existing=True)
    ).first()


class _NotValid(Exception):
    """The browser's answer proves nothing. The reader isn't told why: an attacker would learn from it."""


@contextmanager
def _not_valid() -> Iterator[None]:
    """Whatever the library raises means that. It parses strangers' bytes, and each of its parsers has errors of its own."""
    try:
        yield
    except Exception as error:
        raise _NotValid from error


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the browser answered, as far as we read it ourselves."""

    whole: dict[str, Any]
    credential_id: str
    challenge: str
    owner: bytes | None
    """The account that the device has noted for the key."""
    transports: str

    @classmethod
    def read(cls, credential: str) -> Self:
        """Raises _NotValid."""
        with _not_valid():
            whole = json.loads(credential[:LONGEST_CREDENTIAL])
            response = whole["response"]
            signed = json.loads(_decoded(response["clientDataJSON"]))
            owner = response.get("userHandle")
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
    """A new challenge for one browser, or one reader: 128 random bits, when it was made, and our signature over both."""
    subject = f"{secrets.token_hex(16)}:{int(at.timestamp())}:{bound_to[:32]}"
    return _encoded(site.tokens.token(purpose, subject).encode())


def _challenge_in(ctx: TransactionContext, purpose: str, answer: _Answer, bound_to: Collection[str]) -> str:
    """The challenge that the browser has signed, if it is one of ours, for this browser or reader, and not too old. Raises
    _NotValid."""
    subject = ctx.site.tokens.subject_of(purpose, answer.challenge)
    if subject is None:
        raise _NotValid
    _, seconds, bound = subject.split(":")
    if bound not in bound_to or ctx.at.timestamp() - int(seconds) > LIFE.total_seconds():
        raise _NotValid
    return answer.challenge


def _spend(ctx: TransactionContext, challenge: str) -> None:
    """Use the challenge up. Raises _NotValid where that was done before."""
    try:
        rate.count(ctx, "passkey-challenge", challenge, limit=1, per=LIFE)
    except TooMany:
        raise _NotValid from None


def _clean_name(name: str) -> str:
    return " ".join("".join(letter for letter in name if letter.isprintable()).split())[:LONGEST_NAME].strip()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
