"""Signing in and out: pages around `readers.sign_in`."""

from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.responses import Response

from billing.http import cookies
from billing.payments.models import CardSetup
from billing.platform.setting_types import OFFER
from billing.readers import links, sessions, sign_in
from billing.readers.register import BadAddress, by_id
from billing.web.kit.access_request import carry_over
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import step_up
from billing.web.reader.start_shared import after_sign_in, lock_start
from billing.web.views.account import SignInConfirmPage, SignInExpiredPage, SignInPage, SignInSentPage

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def ask(visit: Visiting) -> Response:
    """Where to send the link; also for a browser that is signed in by an address it hasn't proved yet."""
    return visit.go("/account") if visit.proved_reader else visit.page(SignInPage())


@router.post("/sign-in")
def mail_link(visit: Guarded, email: Annotated[str, Form()] = "") -> Response:
    """Mail a link, which signs a known address in and registers a new one: the same for both (6.3.8)."""
    try:
        with visit.begin() as ctx:
            sign_in.count_asks(ctx, email, visit.browser)
            sign_in.ask(ctx, email, visit.browser)
    except BadAddress as refusal:
        return visit.page(SignInPage(email=email[:254], error=refusal.detail), 422)
    return visit.go("/sign-in/sent")


@router.get("/sign-in/sent")
def sent(visit: Visiting) -> Response:
    """Check your mail; and the place for a code from another device."""
    return visit.page(SignInSentPage(minutes=int(links.LIFE.total_seconds() // 60)))


@router.get("/sign-in/link/{token}")
def follow(visit: Visiting, token: str) -> Response:
    """Take the token out of the address bar. Changes nothing: scanners follow links too (H6)."""
    if visit.services.site.tokens.subject_of(sign_in.PURPOSE, token) is None:
        visit.takes.append(cookies.LINK)
    else:
        visit.give(cookies.LINK, token, links.LIFE)
    return visit.go("/sign-in/confirm")


@router.get("/sign-in/confirm")
def confirm_page(visit: Visiting) -> Response:
    """A button in the browser that asked; in any other, the code to type there."""
    services, token = visit.services, visit.cookie(cookies.LINK)
    try:
        with visit.begin() as ctx:
            link = sign_in.find_link(ctx, token)
            here = links.belongs_here(link, visit.browser_hashes)
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(), 410)
    code = None if here else services.site.tokens.code(sign_in.PURPOSE, link.id)
    return visit.page(SignInConfirmPage(code=code))


@router.post("/sign-in/confirm")
def confirm(visit: Guarded) -> Response:
    """Use the link, once."""
    try:
        with visit.begin() as ctx:
            held = lock_start(visit, ctx.session)
            done = sign_in.confirm(ctx, visit.cookie(cookies.LINK), visit.browser)
            start = _carry_over(visit, ctx.session, held, done)
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(), 410)
    return _signed_in(visit, done, start)


@router.post("/sign-in/code")
def type_code(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """Use the code from the mail, in the browser that asked; five tries."""
    try:
        with visit.begin() as ctx:
            sign_in.count_codes(ctx, visit.browser)
            held = lock_start(visit, ctx.session)
            done = sign_in.confirm_code(ctx, code[:20], visit.browser)
            start = _carry_over(visit, ctx.session, held, done) if done is not None else None
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(), 410)
    if done is None:
        return visit.page(SignInSentPage(error=links.WrongCode().detail), 422)
    return _signed_in(visit, done, start)


def _carry_over(visit: Visit, session: Session, held: CardSetup | None, done: sign_in.SignedIn) -> str | None:
    """What this browser did before is the reader's now; the page of a start that waited for it."""
    carry_over(visit, session, done.reader_id)
    return after_sign_in(visit, session, held, by_id(session, done.reader_id))


def _signed_in(visit: Visit, done: sign_in.SignedIn, start: str | None) -> Response:
    visit.give(cookies.SESSION, done.session_secret, sessions.ABSOLUTE)
    visit.keep_browser()
    visit.takes.append(cookies.LINK)
    return visit.go(start or step_up.way_back(visit), None if start else "signed-in")


@router.post("/sign-out")
def sign_out(visit: Guarded) -> Response:
    """End this browser's session."""
    return _end(visit, only=visit.session.id if visit.session else "")


@router.post("/sign-out-everywhere")
def sign_out_everywhere(visit: Guarded) -> Response:
    """End every session of the reader."""
    return _end(visit, only=None)


@router.post("/account/sessions/{session_id}/sign-out")
def sign_out_there(visit: Guarded, session_id: str) -> Response:
    """End one of the reader's sessions (7.5.2). One that is another's is as unknown as one that never was (SEC-7)."""
    if visit.reader is None:
        return visit.go("/sign-in")
    if visit.session is not None and visit.session.id == session_id:
        return _end(visit, only=session_id)
    with visit.begin() as ctx:
        ended = sessions.end_sessions(ctx, visit.reader.id, only=session_id)
    return visit.go("/account", "signed-out-there" if ended else "not-in-there")


def _end(visit: Visit, only: str | None) -> Response:
    if visit.reader is not None:
        with visit.begin() as ctx:
            sessions.end_sessions(ctx, visit.reader.id, only=only)
    visit.takes.append(cookies.SESSION)
    paper = visit.services.settings.paper
    # On from a form only to this host: the pages' `form-action` forbids a redirect elsewhere.
    return visit.go(paper if paper.startswith("/") else OFFER, "signed-out")
