"""Sign in by a mailed link, hardened as SEC-1: single use, ten minutes, bound to the browser that asked."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing import ids
from billing.errors import Refusal
from billing.mail import outbox
from billing.office import Office
from billing.readers import devices, rate, sessions
from billing.readers.models import Reader, ReaderSession, SignInLink
from billing.readers.register import by_address, by_id, clean_address
from billing.tokens import Tokens, code_place, place
from emails import SignedInElsewhere
from emails import SignInLink as SignInMail

LIFE = timedelta(minutes=10)
WRONG_CODES = 5
PURPOSE = "sign-in"


class LinkSpent(Refusal):
    """This link has been used or is older than ten minutes. Ask for a new one; it takes a moment."""

    status = 410
    code = "link_spent"


class OtherBrowser(Refusal):
    """You asked to sign in from another browser. Type the code there."""

    status = 403
    code = "other_browser"


class WrongCode(Refusal):
    """That isn't the code from the mail. Please check the digits."""

    status = 422
    code = "wrong_code"


@dataclass(frozen=True, slots=True)
class Browser:
    """Who is asking: the secret of the browser's own cookie, its network address, its name for itself."""

    secret: str
    ip: str
    device: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: whose, and the secret for the cookie."""

    reader_id: str
    session_secret: str


def count_tries(session: Session, tokens: Tokens, email: str, ip: str, at: datetime) -> None:
    """At most five mails in ten minutes, for an address and for a network address (SEC-1). Raises BadAddress, TooMany."""
    rate.count(session, tokens, "sign-in", clean_address(email), limit=5, per=LIFE, at=at)
    rate.count(session, tokens, "sign-in-from", ip, limit=20, per=LIFE, at=at)


def count_codes(session: Session, tokens: Tokens, ip: str, at: datetime) -> None:
    """At most thirty codes typed in ten minutes from a network address, whoever asked for them. Raises TooMany."""
    rate.count(session, tokens, "sign-in-code", ip, limit=30, per=LIFE, at=at)


def ask(session: Session, office: Office, email: str, browser: Browser, at: datetime) -> None:
    """Mail a link, if the address is known; do the same work, and say the same, if it isn't. Raises BadAddress."""
    tokens = office.tokens
    reader = by_address(session, clean_address(email))
    link_id = ids.new("lnk", at)
    browser_hash = tokens.digest("browser", browser.secret)
    for older in _usable(session, browser_hash, at):
        older.used_at = at
        session.add(older)
    if reader is not None:
        for older in session.exec(
            select(SignInLink).where(SignInLink.reader_id == reader.id, col(SignInLink.used_at).is_(None))
        ):
            older.used_at = at
            session.add(older)
    session.add(
        SignInLink(
            id=link_id,
            token_hash=_hash(tokens.token(PURPOSE, link_id)),
            browser_hash=browser_hash,
            reader_id=reader.id if reader else None,
            created_at=at,
            expires_at=at + LIFE,
        )
    )
    session.flush()
    if reader is None:
        return
    words = SignInMail(
        url=office.page(f"/sign-in/link/{place(PURPOSE, link_id)}"),
        code=code_place(PURPOSE, link_id),
        minutes=int(LIFE.total_seconds() // 60),
    )
    outbox.queue(
        session,
        words,
        key=f"sign-in:{link_id}",
        to=reader.email,
        reader_id=reader.id,
        at=at,
        expires_at=at + LIFE,
    )


def find_link(session: Session, tokens: Tokens, token: str, at: datetime) -> SignInLink:
    """The link with this token, still good. Changes nothing: mail scanners follow links too (H6). Raises LinkSpent."""
    if tokens.subject_of(PURPOSE, token) is None:
        raise LinkSpent
    link = session.exec(
        select(SignInLink).where(SignInLink.token_hash == _hash(token)).with_for_update()
    ).first()
    if link is None or link.used_at is not None or at > link.expires_at or link.reader_id is None:
        raise LinkSpent
    return link


def belongs_here(link: SignInLink, tokens: Tokens, browser_secret: str) -> bool:
    """Whether this browser is the one that asked (6.6.2)."""
    return hmac.compare_digest(link.browser_hash, tokens.digest("browser", browser_secret))


def confirm(session: Session, office: Office, token: str, browser: Browser, at: datetime) -> SignedIn:
    """Use the link, in the browser that asked. Raises LinkSpent, OtherBrowser."""
    link = find_link(session, office.tokens, token, at)
    if not belongs_here(link, office.tokens, browser.secret):
        raise OtherBrowser
    return _use(session, office, link, browser, at)


def confirm_code(
    session: Session, office: Office, code: str, browser: Browser, at: datetime
) -> SignedIn | None:
    """Use the code from the mail, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises LinkSpent.

    The count of wrong codes must be committed, so a wrong code is an answer and not an exception."""
    tokens = office.tokens
    links = _usable(session, tokens.digest("browser", browser.secret), at)
    if not links:
        raise LinkSpent
    link = links[0]
    typed = "".join(letter for letter in code if letter in "0123456789")
    right = link.reader_id is not None and hmac.compare_digest(tokens.code(PURPOSE, link.id), typed)
    if right:
        return _use(session, office, link, browser, at)
    link.wrong_codes += 1
    if link.wrong_codes >= WRONG_CODES:
        link.used_at = at
    session.add(link)
    return None


def _usable(session: Session, browser_hash: str, at: datetime) -> list[SignInLink]:
    rows = session.exec(
        select(SignInLink)
        .where(
            SignInLink.browser_hash == browser_hash,
            col(SignInLink.used_at).is_(None),
            SignInLink.expires_at >= at,
        )
        .order_by(col(SignInLink.id).desc())
        .with_for_update()
    )
    return list(rows)


def _use(session: Session, office: Office, link: SignInLink, browser: Browser, at: datetime) -> SignedIn:
    link.used_at = at
    session.add(link)
    reader = by_id(session, str(link.reader_id))
    known = session.exec(
        select(ReaderSession.id).where(
            ReaderSession.reader_id == reader.id, ReaderSession.device == browser.device[:300]
        )
    ).first()
    other = session.exec(select(ReaderSession.id).where(ReaderSession.reader_id == reader.id)).first()
    sessions.prove_address(session, reader, at)
    secret = sessions.open_session(
        session, office.tokens, reader.id, at=at, ip=browser.ip, device=browser.device, proved=True
    )
    if other is not None and known is None:
        _tell(session, office, reader, link, browser, at)
    return SignedIn(reader.id, secret)


def _tell(
    session: Session, office: Office, reader: Reader, link: SignInLink, browser: Browser, at: datetime
) -> None:
    """A device never seen before signed in: say so (6.3.5)."""
    words = SignedInElsewhere(
        at_text=f"{at.astimezone(office.zone):%-d %B %Y, %H:%M}",
        device=devices.in_words(browser.device),
        account_url=office.account_url,
    )
    outbox.queue(
        session,
        words,
        key=f"new-device:{link.id}",
        to=reader.email,
        reader_id=reader.id,
        at=at,
        expires_at=at + timedelta(days=3),
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
