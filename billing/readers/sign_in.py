"""Sign in by a mailed link, hardened as SEC-1: single use, ten minutes, bound to the browser that asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from billing.errors import Conflict
from billing.logs import say
from billing.mail import outbox, refusing
from billing.office import Office
from billing.readers import devices, rate, sessions
from billing.readers.links import LIFE, Links
from billing.readers.models import Reader, ReaderSession, SignInLink
from billing.readers.register import by_address, clean_address, register
from billing.tokens import Tokens, code_place, place
from emails import SignedInElsewhere
from emails import SignInLink as SignInMail

PURPOSE = "sign-in"
LINKS = Links(SignInLink, PURPOSE, "email")


@dataclass(frozen=True, slots=True)
class Browser:
    """Who is asking: the secret of the browser's own cookie, its network address, its name for itself, whom it is signed in as."""

    secret: str
    ip: str
    device: str
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: whose, and the secret for the cookie."""

    reader_id: str
    session_secret: str


def count_tries(
    session: Session, tokens: Tokens, email: str, ip: str, at: datetime, *, what: str = PURPOSE
) -> None:
    """At most five mails in ten minutes for an address (SEC-1), and twenty from a network address: behind one of those stands a
    newsroom, or a mobile network's whole suburb. Raises BadAddress, TooMany."""
    rate.count_mailbox(session, tokens, what, clean_address(email), limit=5, per=LIFE, at=at)
    rate.count_network(session, tokens, f"{what}-from", ip, limit=20, per=LIFE, at=at)


def count_codes(session: Session, tokens: Tokens, ip: str, at: datetime, *, what: str = PURPOSE) -> None:
    """At most thirty codes typed in ten minutes from a network address, whoever asked for them. Raises TooMany."""
    rate.count_network(session, tokens, f"{what}-code", ip, limit=30, per=LIFE, at=at)


class AddressWorks(Conflict):
    """Our mails reach your address, so there is no need for another one here. To change it, write to us."""

    code = "address_works"


def ask_for_another(
    session: Session, office: Office, reader: Reader, email: str, browser: Browser, at: datetime
) -> None:
    """Mail a link to another address of a reader whose own refuses our mail; used, it is theirs. One that is somebody's already
    is mailed an ordinary link, so the answer doesn't tell that we know it. Raises BadAddress, AddressWorks."""
    if not refusing.refuses(session, reader.id, reader.email):
        raise AddressWorks
    ask(session, office, email, browser, at, replaces_of=reader.id)


def ask(
    session: Session,
    office: Office,
    email: str,
    browser: Browser,
    at: datetime,
    *,
    replaces_of: str | None = None,
) -> None:
    """Mail a link. A known address signs in by it, a new one is registered by it: the same work and the same answer for
    both, so that nobody learns which addresses are known (6.3.8). Raises BadAddress."""
    email = clean_address(email)
    reader = by_address(session, email)
    to = reader.email if reader else email
    link_id = LINKS.issue(session, office.tokens, to.lower(), browser.secret, at)
    if replaces_of is not None and reader is None:
        LINKS.of_id(session, link_id).replaces_of = replaces_of
    say(session, "sign-in link asked for", link=link_id, address=to)
    words = SignInMail(
        url=office.page(f"/sign-in/link/{place(PURPOSE, link_id)}"),
        code=code_place(PURPOSE, link_id),
        minutes=int(LIFE.total_seconds() // 60),
    )
    outbox.queue(
        session,
        words,
        key=f"sign-in:{link_id}",
        to=to,
        reader_id=reader.id if reader else None,
        at=at,
        expires_at=at + LIFE,
        about=link_id,
    )


def find_link(session: Session, tokens: Tokens, token: str, at: datetime) -> SignInLink:
    """The link with this token, still good. Changes nothing. Raises LinkSpent."""
    return LINKS.find(session, tokens, token, at)


def confirm(session: Session, office: Office, token: str, browser: Browser, at: datetime) -> SignedIn:
    """Use the link, in the browser that asked. Raises LinkSpent, OtherBrowser."""
    link = LINKS.use(session, office.tokens, token, browser.secret, at)
    return _sign_in(session, office, link, browser, at)


def confirm_code(
    session: Session, office: Office, code: str, browser: Browser, at: datetime
) -> SignedIn | None:
    """Use the code from the mail, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises LinkSpent."""
    link = LINKS.use_code(session, office.tokens, code, browser.secret, at)
    if link is None:
        say(session, "sign-in code wrong")
        return None
    return _sign_in(session, office, link, browser, at)


def _sign_in(session: Session, office: Office, link: SignInLink, browser: Browser, at: datetime) -> SignedIn:
    if link.replaces_of is not None and by_address(session, link.email) is None:
        _replace_address(session, link.replaces_of, link.email, at)
    reader, _ = register(session, link.email, at=at)
    known = session.exec(
        select(ReaderSession.id).where(
            ReaderSession.reader_id == reader.id, ReaderSession.device == browser.device[:300]
        )
    ).first()
    other = session.exec(select(ReaderSession.id).where(ReaderSession.reader_id == reader.id)).first()
    sessions.prove_address(session, reader, at)
    if browser.session_id is not None:  # a sign-in replaces whatever session this browser had (7.2.4)
        sessions.end(session, browser.session_id, at)
    secret = sessions.open_session(
        session,
        office.tokens,
        reader.id,
        at=at,
        ip=browser.ip,
        device=browser.device,
        proved=True,
        most=office.session_limit,
    )
    if other is not None and known is None:
        _tell(session, office, reader, link, browser, at)
    say(session, "signed in", reader=reader.id, link=link.id)
    return SignedIn(reader.id, secret)


def _replace_address(session: Session, reader_id: str, email: str, at: datetime) -> None:
    """The address is the reader's from now on; what the old one refused, and is still true, goes to it."""
    reader = session.exec(
        select(Reader)
        .where(Reader.id == reader_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if refusing.refuses(session, reader.id, reader.email):
        reader.email = clean_address(email)
        session.add(reader)
        session.flush()
        refusing.send_elsewhere(session, reader.id, reader.email, at)
        say(session, "address replaced", reader=reader.id)


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
