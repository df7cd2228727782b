"""Sign in by a mailed link, hardened as SEC-1: single use, ten minutes, bound to the browser that asked."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, select

from billing.platform.context import TransactionContext
from billing.platform.errors import TooMany
from billing.platform.logs import log_event
from billing.readers import address_change, rate, sessions
from billing.readers.links import LIFE, Links, spend
from billing.readers.models import Reader, ReaderSession, SignInLink
from billing.readers.notices import address_moved, sign_in_link, signed_in_elsewhere
from billing.readers.register import by_address, clean_address, register
from billing.readers.sessions import Browser
from billing.rules.addresses import canonical

PURPOSE = "sign-in"
LINKS = Links(SignInLink, PURPOSE, "email", "/sign-in/link")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: whose, the secret for the cookie, and whether the reader was registered by it."""

    reader_id: str
    session_secret: str
    is_new: bool


def count_link_requests(ctx: TransactionContext, email: str, browser: Browser) -> None:
    """Count a request for a link (see `count_mails`). Raises BadAddress, TooMany."""
    email = clean_address(email)
    reader = by_address(ctx.session, email)
    known = sessions.knows(ctx.session, browser.hashes, reader.id if reader else "")
    count_mails(ctx, PURPOSE, email, browser, known=known)


def count_mails(ctx: TransactionContext, what: str, email: str, browser: Browser, *, known: bool) -> None:
    """Limit mails: five in ten minutes for a mailbox (SEC-1), and twenty from a network. Raises TooMany.

    Behind a network may be a newsroom, or a mobile operator's whole suburb. One network gets ten an hour and twenty a day for
    one mailbox, so that it can't use up all. A `known` browser, in which the owner has signed in before, has five of its own:
    strangers can't use them up."""
    mailbox = canonical(email)
    if known:
        rate.count(ctx, f"{what}-known", f"{mailbox} {browser.hashes[0]}", limit=5, per=LIFE)
        return
    rate.count(ctx, what, mailbox, limit=5, per=LIFE)
    for limit, per in ((10, timedelta(hours=1)), (20, timedelta(days=1))):
        name = f"{what} {mailbox} {per}"
        rate.count_network(ctx, name, browser.ip, limit=limit, per=per)
    rate.count_network(ctx, f"{what}-from", browser.ip, limit=20, per=LIFE)


def count_codes(ctx: TransactionContext, browser: Browser) -> None:
    """Count a typed code (see `count_typed`). Raises TooManyCodes."""
    try:
        count_typed(ctx, PURPOSE, browser, known=sessions.knows(ctx.session, browser.hashes))
    except TooMany:
        raise TooManyCodes from None


def count_typed(ctx: TransactionContext, what: str, browser: Browser, *, known: bool) -> None:
    """Limit codes: thirty in ten minutes from a network; a `known` browser has as many of its own. Raises TooMany."""
    if known:
        rate.count(ctx, f"{what}-code-known", browser.hashes[0], limit=30, per=LIFE)
    else:
        rate.count_network(ctx, f"{what}-code", browser.ip, limit=30, per=LIFE)


class TooManyCodes(TooMany):
    """Too many codes were typed in your network in the last ten minutes. You can type one again in eleven minutes. The link in the
    mail works all the same, in the browser that asked for it."""

    code = "too_many_codes"
    title = "Too many codes"


def ask(ctx: TransactionContext, email: str, browser: Browser) -> None:
    """Mail a link. It signs a known address in, and registers a new one. Raises BadAddress.

    Work and answer are the same for both, so that they don't reveal which addresses are known (6.3.8)."""
    _mail_link(ctx, clean_address(email), browser.hashes)


def mail_link_after_card(ctx: TransactionContext, email: str, browser_hash: str) -> None:
    """Mail a link to an address with which a card was given, for the browser in which that was done.

    Three an hour for a mailbox; a browser in which the owner has signed in has three of its own, which strangers can't use
    up. Above that no mail is sent, and the page says so (see `is_mailed`)."""
    hour, reader = timedelta(hours=1), by_address(ctx.session, email)
    try:
        if sessions.knows(ctx.session, (browser_hash,), reader.id if reader else ""):
            whose = f"{canonical(email)} {browser_hash}"
            rate.count(ctx, "start-known", whose, limit=3, per=hour)
        else:
            rate.count_mailbox(ctx, "start", email, limit=3, per=hour)
    except TooMany:
        return
    _mail_link(ctx, email, (browser_hash,), starts=True)


def mail_link_for_staff(ctx: TransactionContext, reader: Reader) -> str:
    """Mail a link to a reader who can't ask for one; the link's id. No browser asked, so that the link works with its code alone
    (`confirm_code_here`). Raises TooMany: five in ten minutes for a mailbox."""
    rate.count(ctx, f"{PURPOSE}-staff", canonical(reader.email), limit=5, per=LIFE)
    nobodys = ctx.site.tokens.digest("browser", secrets.token_urlsafe(32))
    link = LINKS.issue(ctx, reader.email.lower(), [nobodys])
    sign_in_link(ctx, LINKS, link, reader.email, reader_id=reader.id)
    return link.id


def is_mailed(ctx: TransactionContext, email: str, browser_hashes: Sequence[str]) -> bool:
    """Whether a link that still works was mailed for this address and browser."""
    return LINKS.is_open(ctx, email.lower(), browser_hashes)


def _mail_link(
    ctx: TransactionContext,
    email: str,
    browser_hashes: Sequence[str],
    *,
    starts: bool = False,
) -> None:
    reader = by_address(ctx.session, email)
    to = reader.email if reader else email
    link = LINKS.issue(ctx, to.lower(), browser_hashes)
    log_event(ctx.session, "sign-in link asked for", link=link.id, address=to)
    if reader is None and not starts and (moved := address_change.moved_from(ctx.session, email, ctx.at)):
        # an account of its own would hide from its owner that the other one was taken over
        address_moved(ctx, moved, to, link.id)
        return
    sign_in_link(ctx, LINKS, link, to, reader_id=reader.id if reader else None, starts=starts)


def find_link(ctx: TransactionContext, token: str) -> SignInLink:
    """The usable link with this token. Changes nothing. Raises LinkSpent."""
    return LINKS.find(ctx, token)


def confirm(ctx: TransactionContext, token: str, browser: Browser) -> SignedIn:
    """Use the link, in the browser that asked. Raises LinkSpent, OtherBrowser."""
    return _sign_in(ctx, LINKS.use(ctx, token, browser.hashes), browser)


def confirm_code(ctx: TransactionContext, code: str, browser: Browser) -> SignedIn | None:
    """Use the code from the mail, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises LinkSpent."""
    link = LINKS.use_code(ctx, code, browser.hashes)
    if link is None:
        log_event(ctx.session, "sign-in code wrong")
        return None
    return _sign_in(ctx, link, browser)


def confirm_code_here(ctx: TransactionContext, token: str, code: str, browser: Browser) -> SignedIn | None:
    """Sign in where the mail was opened, by its link and its code; None, and one try fewer, when the code is wrong. The browser that
    asked isn't signed in. Raises LinkSpent.

    This is safe for whoever asked and for whoever opens. A stranger who asked with a reader's address gains nothing: the reader
    signs in to their own account. A stranger who forwards a link of their own must have the victim read a page that names the
    stranger's address, and type a code that only the mail holds. The link alone, from a log or a scanner, opens nothing."""
    link = LINKS.find(ctx, token)
    if not LINKS.use_code_of(ctx, link, code):
        log_event(ctx.session, "sign-in code wrong")
        return None
    return _sign_in(ctx, link, browser)


def _sign_in(ctx: TransactionContext, link: SignInLink, browser: Browser) -> SignedIn:
    reader, is_new = register(ctx, link.email)
    done = open_for(ctx, reader, browser, link.id, is_new=is_new)
    log_event(ctx.session, "signed in", reader=reader.id, link=link.id)
    return done


def lock_links_of(ctx: TransactionContext, address: str) -> Sequence[SignInLink]:
    """Lock the links that wait at an address. Lock its reader afterwards: signing in locks in this order."""
    waiting = select(SignInLink).where(
        SignInLink.email == address.lower(),
        col(SignInLink.used_at).is_(None),
        SignInLink.created_at >= ctx.at - LIFE,  # not `expires_at`: this has an index
    )
    return ctx.session.exec(waiting.order_by(col(SignInLink.id)).with_for_update()).all()


def spend_links_of(ctx: TransactionContext, address: str) -> None:
    """End the links that wait at an address which has changed hands: one would register it as a reader of its own."""
    for link in lock_links_of(ctx, address):
        spend(ctx, link)


def open_for(
    ctx: TransactionContext, reader: Reader, browser: Browser, about: str, *, is_new: bool = False
) -> SignedIn:
    """Sign a browser in for a reader who has just proved to be it: by a mailed link, or by a passkey, which only a proved session
    can add. `about` names the proof, once, in the mail about a new device. `is_new`: the reader has just been registered."""
    new_device = _is_new(ctx.session, reader, browser)  # before the new session, which makes it a known one
    sessions.prove_address(ctx, reader)
    if browser.session_id is not None:  # a sign-in replaces the session that this browser had (7.2.4)
        sessions.end(ctx, browser.session_id)
    secret = sessions.open_session(ctx, reader.id, browser, email_verified=True)
    if new_device:
        signed_in_elsewhere(ctx, reader, about, browser.device)
    return SignedIn(reader.id, secret, is_new)


def _is_new(session: Session, reader: Reader, browser: Browser) -> bool:
    """Whether the reader has been signed in before, but never in this browser."""
    mine = select(ReaderSession.id).where(ReaderSession.reader_id == reader.id)
    here = mine.where(col(ReaderSession.browser_hash).in_(browser.hashes))
    return session.exec(mine).first() is not None and session.exec(here).first() is None
