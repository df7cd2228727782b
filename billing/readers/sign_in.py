"""Sign in by a mailed link, hardened as SEC-1: single use, ten minutes, bound to the browser that asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail import unreachable
from billing.platform.errors import Conflict, TooMany
from billing.platform.logs import say
from billing.platform.site import Office
from billing.platform.tokens import Tokens
from billing.readers import rate, sessions
from billing.readers.links import LIFE, Links
from billing.readers.models import Reader, ReaderSession, SignInLink
from billing.readers.notices import address_changed, sign_in_link, signed_in_elsewhere
from billing.readers.register import by_address, clean_address, register
from billing.rules.addresses import canonical

PURPOSE = "sign-in"
LINKS = Links(SignInLink, PURPOSE, "email")


@dataclass(frozen=True, slots=True)
class Browser:
    """Who is asking: the keyed hashes of the browser's own cookie, the present key's first, its network address, its name for itself, the session it has."""

    hashes: tuple[str, ...]
    ip: str
    device: str
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: whose, and the secret for the cookie."""

    reader_id: str
    session_secret: str


def count_asks(session: Session, tokens: Tokens, email: str, browser: Browser, at: datetime) -> None:
    """Count an ask for a link (see `count_mails`). Raises BadAddress, TooMany."""
    email = clean_address(email)
    reader = by_address(session, email)
    known = sessions.knows(session, browser.hashes, reader.id if reader else "")
    count_mails(session, tokens, PURPOSE, email, browser, at, known=known)


def count_mails(
    session: Session,
    tokens: Tokens,
    what: str,
    email: str,
    browser: Browser,
    at: datetime,
    *,
    known: bool,
) -> None:
    """At most five mails in ten minutes for a mailbox (SEC-1), and twenty from a network: behind one of those stands a newsroom,
    or a mobile operator's whole suburb. One network has ten an hour and twenty a day of a mailbox, so that it can't take all.

    A browser that is `known`, because the owner has signed in there before, has five of its own: strangers can't use them up.
    Raises TooMany."""
    mailbox = canonical(email)
    if known:
        rate.count(
            session, tokens, f"{what}-known", f"{mailbox} {browser.hashes[0]}", limit=5, per=LIFE, at=at
        )
        return
    rate.count(session, tokens, what, mailbox, limit=5, per=LIFE, at=at)
    for limit, per in ((10, timedelta(hours=1)), (20, timedelta(days=1))):
        name = f"{what} {mailbox} {per}"
        rate.count_network(session, tokens, name, browser.ip, limit=limit, per=per, at=at)
    rate.count_network(session, tokens, f"{what}-from", browser.ip, limit=20, per=LIFE, at=at)


def count_codes(session: Session, tokens: Tokens, browser: Browser, at: datetime) -> None:
    """Count a typed code (see `count_typed`). Raises TooMany."""
    count_typed(session, tokens, PURPOSE, browser, at, known=sessions.knows(session, browser.hashes))


def count_typed(
    session: Session, tokens: Tokens, what: str, browser: Browser, at: datetime, *, known: bool
) -> None:
    """At most thirty codes in ten minutes from a network; a browser that is `known` has as many of its own. Raises TooMany."""
    if known:
        rate.count(session, tokens, f"{what}-code-known", browser.hashes[0], limit=30, per=LIFE, at=at)
    else:
        rate.count_network(session, tokens, f"{what}-code", browser.ip, limit=30, per=LIFE, at=at)


class AddressWorks(Conflict):
    """Our mails reach your address, so there is no need for another one here. To change it, write to us."""

    code = "address_works"


def ask_for_another(
    session: Session, office: Office, reader: Reader, email: str, browser: Browser, at: datetime
) -> None:
    """Mail a link to another address of a reader whose own refuses our mail; used, it is theirs. One that is somebody's already
    is mailed an ordinary link, so the answer doesn't tell that we know it. Raises BadAddress, AddressWorks."""
    if not unreachable.refuses(session, reader.id, reader.email):
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
    _mail_link(session, office, clean_address(email), browser.hashes, at, replaces_of=replaces_of)


def ask_after_card(session: Session, office: Office, email: str, browser_hash: str, at: datetime) -> None:
    """Mail a link to an address with which somebody has given a card, for the browser in which that was done. Three an hour for a
    mailbox; a browser that the owner is known by has three of its own, which strangers can't use up. Above that the mail is left
    out, and the page says so (see `is_mailed`)."""
    tokens, hour, reader = office.tokens, timedelta(hours=1), by_address(session, email)
    try:
        if sessions.knows(session, (browser_hash,), reader.id if reader else ""):
            whose = f"{canonical(email)} {browser_hash}"
            rate.count(session, tokens, "start-known", whose, limit=3, per=hour, at=at)
        else:
            rate.count_mailbox(session, tokens, "start", email, limit=3, per=hour, at=at)
    except TooMany:
        return
    _mail_link(session, office, email, (browser_hash,), at, starts=True)


def is_mailed(session: Session, email: str, browser_hashes: Sequence[str], at: datetime) -> bool:
    """Whether a mail with a link for this address and browser, one that works, was made."""
    return LINKS.is_open(session, email.lower(), browser_hashes, at)


def _mail_link(
    session: Session,
    office: Office,
    email: str,
    browser_hashes: Sequence[str],
    at: datetime,
    *,
    replaces_of: str | None = None,
    starts: bool = False,
) -> None:
    reader = by_address(session, email)
    to = reader.email if reader else email
    link_id = LINKS.issue(session, office.tokens, to.lower(), browser_hashes, at)
    if replaces_of is not None and reader is None:
        LINKS.of_id(session, link_id).replaces_of = replaces_of
    say(session, "sign-in link asked for", link=link_id, address=to)
    sign_in_link(
        session,
        office,
        link_id,
        to,
        at,
        purpose=PURPOSE,
        page="/sign-in/link",
        reader_id=reader.id if reader else None,
        starts=starts,
    )


def find_link(session: Session, tokens: Tokens, token: str, at: datetime) -> SignInLink:
    """The link with this token, still good. Changes nothing. Raises LinkSpent."""
    return LINKS.find(session, tokens, token, at)


def confirm(session: Session, office: Office, token: str, browser: Browser, at: datetime) -> SignedIn:
    """Use the link, in the browser that asked. Raises LinkSpent, OtherBrowser."""
    link = LINKS.use(session, office.tokens, token, browser.hashes, at)
    return _sign_in(session, office, link, browser, at)


def confirm_code(
    session: Session, office: Office, code: str, browser: Browser, at: datetime
) -> SignedIn | None:
    """Use the code from the mail, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises LinkSpent."""
    link = LINKS.use_code(session, office.tokens, code, browser.hashes, at)
    if link is None:
        say(session, "sign-in code wrong")
        return None
    return _sign_in(session, office, link, browser, at)


def _sign_in(session: Session, office: Office, link: SignInLink, browser: Browser, at: datetime) -> SignedIn:
    if link.replaces_of is not None and by_address(session, link.email) is None:
        _replace_address(session, office, link.replaces_of, link.email, at)
    reader, _ = register(session, link.email, at=at)
    new_device = _is_new(session, reader, browser)
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
        browser_hash=browser.hashes[0],
        proved=True,
        most=office.session_limit,
    )
    if new_device:
        signed_in_elsewhere(session, office, reader, link.id, browser.device, at)
    say(session, "signed in", reader=reader.id, link=link.id)
    return SignedIn(reader.id, secret)


def _is_new(session: Session, reader: Reader, browser: Browser) -> bool:
    """Whether the reader has been signed in before, but never in this browser, whatever it calls itself now.

    Sessions from before browsers were told apart are known by that name."""
    mine = select(ReaderSession.id).where(ReaderSession.reader_id == reader.id)
    this = sa.or_(
        col(ReaderSession.browser_hash).in_(browser.hashes),
        sa.and_(col(ReaderSession.browser_hash).is_(None), col(ReaderSession.device) == browser.device[:300]),
    )
    return session.exec(mine).first() is not None and session.exec(mine.where(this)).first() is None


def _replace_address(session: Session, office: Office, reader_id: str, email: str, at: datetime) -> None:
    """The address is the reader's from now on; what the old one refused, and is still true, goes to it."""
    reader = session.exec(
        select(Reader)
        .where(Reader.id == reader_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if unreachable.refuses(session, reader.id, reader.email):
        old, reader.email = reader.email, clean_address(email)
        session.flush()
        unreachable.send_elsewhere(session, reader.id, reader.email, at)
        say(session, "address replaced", reader=reader.id)
        address_changed(session, office, reader, old, at)
