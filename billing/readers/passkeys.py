"""Passkeys (WebAuthn): a reader signs in with a fingerprint, a face or a PIN. The mailed link always works beside them.

How a browser's answer is checked is in `webauthn_checks`."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, NotFound
from billing.platform.logs import log_event
from billing.platform.site import Site
from billing.readers import sign_in, webauthn_checks
from billing.readers.models import Passkey, Reader
from billing.readers.notices import passkey_changed
from billing.readers.register import by_id, lock_reader
from billing.readers.sessions import Browser
from billing.readers.sign_in import SignedIn
from billing.readers.webauthn_checks import NotValid, Owner, PasskeyAnswer, RelyingParty, clean_name
from emails.languages import say

PURPOSE = "passkey"
ADDS = "passkey-add"
MOST = 10
REFUSED = say(
    "That passkey did not work here. It may have been removed, or this page was open for long. Try again, or have a link mailed."
)


class UnknownPasskey(NotFound):
    """You have no such passkey."""

    code = "unknown_passkey"


class EnoughPasskeys(Conflict):
    """You have ten passkeys, which is as many as an account takes. Remove one first."""

    code = "enough_passkeys"


def sign_in_options(site: Site, party: RelyingParty, at: datetime, browser_hash: str) -> str:
    """What the browser is asked to sign, as JSON. It names no reader: the browser offers the passkeys that it has for our host."""
    return webauthn_checks.use_options(site, party, PURPOSE, at, browser_hash, require_user=False)


def new_passkey_options(ctx: TransactionContext, party: RelyingParty, reader: Reader, publisher: str) -> str:
    """What a new passkey is made from, as JSON. Devices that have one of the reader's already make no second."""
    known = of_reader(ctx.session, reader.id)
    return webauthn_checks.new_options(ctx.site, party, ADDS, ctx.at, _owner(reader), publisher, known)


def _owner(reader: Reader) -> Owner:
    return Owner(reader.id, reader.email)


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
        passkey = _made(ctx, party, reader, PasskeyAnswer.read(credential), name, browser)
    except NotValid:
        log_event(ctx.session, "passkey refused", reader=reader.id)
        return None
    passkey_changed(ctx, reader, passkey, browser.device, added=True)
    log_event(ctx.session, "passkey added", reader=reader.id, passkey=passkey.id)
    return passkey


def _made(
    ctx: TransactionContext,
    party: RelyingParty,
    reader: Reader,
    answer: PasskeyAnswer,
    name: str,
    browser: Browser,
) -> Passkey:
    lock_reader(ctx.session, reader.id)  # two that come at once count each other
    if len(of_reader(ctx.session, reader.id)) >= MOST:
        raise EnoughPasskeys
    made = webauthn_checks.check_new(ctx, party, ADDS, answer, _owner(reader), name, browser.device)
    passkey = Passkey(id=ids.new("pky", ctx.at), reader_id=reader.id, **made)
    webauthn_checks.insert(ctx.session, passkey)
    return passkey


def authenticate(
    ctx: TransactionContext, party: RelyingParty, credential: str, browser: Browser
) -> SignedIn | None:
    """Sign a browser in by a passkey; None where its answer isn't valid, which must be committed: tries are counted."""
    try:
        passkey = _locked_and_checked(ctx, party, PasskeyAnswer.read(credential), browser)
    except NotValid:
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
    ctx: TransactionContext, party: RelyingParty, answer: PasskeyAnswer, browser: Browser
) -> Passkey:
    """The passkey that has signed a challenge of ours, shown in this browser within `LIFE` and not used before."""
    signed = webauthn_checks.challenge_in(ctx, PURPOSE, answer, [each[:32] for each in browser.hashes])
    passkey = webauthn_checks.lock(ctx.session, Passkey, col(Passkey.credential_id) == answer.credential_id)
    if passkey is None or not answer.is_for(_accounts_of(ctx.session, passkey.reader_id)):
        raise NotValid
    webauthn_checks.check_use(ctx, party, passkey, answer, signed, require_user=False)
    return passkey


def rename(ctx: TransactionContext, reader: Reader, passkey_id: str, name: str) -> None:
    """Give a passkey of the reader's another name; an empty one changes nothing. Raises UnknownPasskey."""
    passkey = _lock_of(ctx, reader, passkey_id)
    passkey.name = clean_name(name) or passkey.name


def remove(ctx: TransactionContext, reader: Reader, passkey_id: str, browser: Browser) -> None:
    """Forget a passkey of the reader's, and mail the reader about it. Its sessions stay. Raises UnknownPasskey."""
    passkey = _lock_of(ctx, reader, passkey_id)
    ctx.session.delete(passkey)
    passkey_changed(ctx, reader, passkey, browser.device, added=False)
    log_event(ctx.session, "passkey removed", reader=reader.id, passkey=passkey.id)


def _lock_of(ctx: TransactionContext, reader: Reader, passkey_id: str) -> Passkey:
    is_theirs = col(Passkey.reader_id) == reader.id
    found = webauthn_checks.lock(ctx.session, Passkey, col(Passkey.id) == passkey_id, is_theirs)
    if found is None:
        raise UnknownPasskey
    return found
