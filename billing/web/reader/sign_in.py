"""Signing in and out: the pages around `readers.sign_in`."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.cards import ownership_proof
from billing.http import cookies
from billing.platform.context import TransactionContext
from billing.platform.setting_types import OFFER
from billing.readers import links, sessions, sign_in
from billing.readers import passkeys as reader_passkeys
from billing.readers.models import SignInLink
from billing.readers.register import BadAddress, by_id, clean_address
from billing.readers.sessions import Browser
from billing.readers.sign_in import SignedIn
from billing.rules import address_hints
from billing.web.kit.access_request import carry_over
from billing.web.kit.problems import words_of
from billing.web.kit.quick_page import quick_page
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import asked, passkeys, step_up, way
from billing.web.reader.guard import signed_in
from billing.web.reader.language import keep_choice
from billing.web.views.account import (
    AddressQuestionPage,
    SignInConfirmPage,
    SignInExpiredPage,
    SignInHerePage,
    SignInPage,
    SignInSentPage,
)
from billing.web.views.frame import Page
from emails.languages import Text, say

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
@quick_page
def ask(visit: Visiting, article: str = "", issue: str = "") -> Response:
    """The form for the address; also for a signed-in browser whose address isn't proved yet. `article`: where the reader goes on;
    `issue`: the newsletter they come from."""
    way.arrive(visit, article, issue)
    if not visit.proved_reader:
        typed = asked.asked_here(visit)  # the way back from the sent page, to put the address right
        return visit.page(_form(visit, typed.email if typed else ""))
    with visit.read() as ctx:
        on = way.back(visit, ctx)
    return visit.go(on)


def _form(
    visit: Visit, email: str, error: Text | None = None, passkey_error: Text | None = None
) -> SignInPage:
    options = step_up.passkey_options(visit)
    return SignInPage(email=email, error=error, passkey=options, passkey_error=passkey_error)


@router.post("/sign-in")
def mail_link(
    visit: Guarded, email: Annotated[str, Form()] = "", sure: Annotated[str, Form()] = ""
) -> Response:
    """Mail a link, which signs a known address in and registers a new one: the answer is the same for both (6.3.8).

    A domain that looks mistyped is asked about once, before anything is mailed."""
    suggested = None if sure else address_hints.suggestion(email[:254])
    try:
        if suggested is not None:
            typed = clean_address(email)
            return visit.page(AddressQuestionPage(action="/sign-in", typed=typed, suggested=suggested), 422)
        return step_up.mail_link(visit, email)
    except BadAddress as refusal:
        return visit.page(_form(visit, email[:254], words_of(refusal)), 422)


@router.get("/sign-in/sent")
@quick_page
def sent(visit: Visiting) -> Response:
    """Check your mail, at the address that was typed; and the form for a code from another device."""
    return visit.page(SignInSentPage(sent=asked.mailed(visit)))


@router.post("/sign-in/again")
def mail_again(visit: Guarded) -> Response:
    """Mail another link to the address that this browser typed, a minute after the last one. Raises TooMany."""
    typed = asked.asked_here(visit)
    if typed is None:
        return visit.go("/sign-in")
    wait = asked.seconds_to_wait(visit, typed)
    if wait:
        if wait == 1:
            words = say("One moment, please: you can ask for another mail in 1 second.")
        else:
            words = say("One moment, please: you can ask for another mail in %(wait)s seconds.", wait=wait)
        answer = visit.page(SignInSentPage(sent=asked.mailed(visit, again_error=words)), 429)
        answer.headers["Retry-After"] = str(wait)
        return answer
    return step_up.mail_link(visit, typed.email)


@router.get("/sign-in/link/{token}")
def follow(visit: Visiting, token: str) -> Response:
    """Move the token from the address to a cookie. Changes nothing: scanners follow links too (H6)."""
    if visit.services.site.tokens.subject_of(sign_in.PURPOSE, token) is None:
        visit.takes.append(cookies.LINK)
    else:
        visit.give(cookies.LINK, token, links.LIFE)
    return visit.go("/sign-in/confirm")


@router.get("/sign-in/confirm")
def confirm_page(visit: Visiting) -> Response:
    """A button in the browser that requested the link; in any other, a form for the code from the mail."""
    try:
        with visit.begin() as ctx:  # not `read`: what the link names is found locked
            link = sign_in.find_link(ctx, visit.cookie(cookies.LINK))
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(), 410)
    here = links.belongs_here(link, visit.browser_hashes)
    return visit.page(SignInConfirmPage() if here else _here_page(link))


def _here_page(link: SignInLink, error: Text | None = None) -> SignInHerePage:
    """Names the address: whoever was sent a stranger's link sees whose account it opens."""
    return SignInHerePage(email=link.email, error=error)


@router.post("/sign-in/confirm")
def confirm(visit: Guarded) -> Response:
    """Use the link, once. Raises OtherBrowser."""
    return _use(visit, lambda ctx: sign_in.confirm(ctx, visit.cookie(cookies.LINK), visit.browser))


@router.post("/sign-in/code")
def type_code(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """Use the code from the mail, in the browser that requested it; five tries. Raises TooManyCodes."""

    def wrong(ctx: TransactionContext) -> Page:
        left = sign_in.LINKS.tries_left(ctx, visit.browser_hashes)
        return SignInSentPage(sent=asked.mailed(visit), error=wrong_code(left)) if left else _guessed()

    return _use(visit, lambda ctx: sign_in.confirm_code(ctx, code[:20], visit.browser), wrong)


@router.post("/sign-in/here")
def type_code_here(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """Use the code from the mail where the mail was opened, in a browser that didn't request it; five tries. Raises TooManyCodes,
    OtherBrowser."""
    token = visit.cookie(cookies.LINK)

    def wrong(ctx: TransactionContext) -> Page:
        try:
            link = sign_in.find_link(ctx, token)
        except links.LinkSpent:  # by this code
            return _guessed()
        return _here_page(link, wrong_code(links.WRONG_CODES - link.wrong_codes))

    return _use(visit, lambda ctx: sign_in.confirm_code_here(ctx, token, code[:20], visit.browser), wrong)


@router.post("/sign-in/passkey")
def use_passkey(
    visit: Guarded, credential: Annotated[str, Form()] = "", act: Annotated[str, Form(max_length=20)] = ""
) -> Response:
    """Sign in by a passkey; before an act that needs a fresh sign-in, on to that. Raises RedirectReader, TooMany."""
    party = passkeys.party_of(visit)

    def use(ctx: TransactionContext) -> SignedIn | None:
        done = reader_passkeys.authenticate(ctx, party, credential, visit.browser)
        if done is not None:
            passkeys.offer_no_more(visit)
        return done

    def count(ctx: TransactionContext, browser: Browser) -> None:
        known = sessions.knows(ctx.session, browser.hashes)
        sign_in.count_typed(ctx, reader_passkeys.PURPOSE, browser, known=known)

    def wrong(_: TransactionContext) -> Page:
        return _form(visit, "", passkey_error=reader_passkeys.REFUSED)

    if act in step_up.ACTS:
        way.remember(visit, step_up.ACTS[act].way)
    return _use(visit, use, wrong, count)


def wrong_code(left: int) -> Text:
    """That a code was wrong, and how many tries are left."""
    tries = say("You have 1 more try.") if left == 1 else say("You have %(left)s more tries.", left=left)
    return say("%(first)s %(second)s", first=words_of(links.WrongCode()), second=tries)


def _guessed() -> SignInExpiredPage:
    return SignInExpiredPage(guessed=True)


def _use(
    visit: Visit,
    use: Callable[[TransactionContext], SignedIn | None],
    wrong: Callable[[TransactionContext], Page] | None = None,
    count: Callable[[TransactionContext, Browser], None] = sign_in.count_codes,
) -> Response:
    """Sign in by a link, a code or a passkey. What can be guessed is counted, and `wrong` answers what is wrong. What this browser
    did before is the reader's now, and a start that waited goes on."""
    try:
        with visit.begin() as ctx:
            if wrong is not None:
                count(ctx, visit.browser)  # first: one code too many waits for no lock
            # before its link: `cards/ownership_proof` locks in this order too
            setup = ownership_proof.lock_visit(ctx.session, visit.cookie(cookies.SETUP), visit.browser_hashes)
            done = use(ctx)
            if done is None:
                page = wrong(ctx) if wrong is not None else _guessed()
                return visit.page(page, 422)
            carry_over(visit, ctx.session, done.reader_id)
            keep_choice(visit, ctx, done.reader_id)
            waited = ownership_proof.hand_over(ctx, setup, by_id(ctx.session, done.reader_id))
            on = f"/subscribe/back?setup={setup.id}" if setup and waited else way.back(visit, ctx)
    except links.LinkSpent:
        with visit.begin() as ctx:
            guessed = wrong is not None and sign_in.LINKS.tries_left(ctx, visit.browser_hashes) == 0
        return visit.page(SignInExpiredPage(guessed=guessed), 410)
    visit.give(cookies.SESSION, done.session_secret, sessions.ABSOLUTE)
    visit.keep_browser()
    visit.takes += [cookies.LINK, cookies.ASKED]
    if setup is not None and waited:
        return visit.go(on)
    return visit.go(on, "registered" if done.is_new else "signed-in")


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
    """End one of the reader's sessions (7.5.2). Another reader's is as unknown as one that never was (SEC-7)."""
    reader = signed_in(visit)
    if visit.session is not None and visit.session.id == session_id:
        return _end(visit, only=session_id)
    with visit.begin() as ctx:
        ended = sessions.end_sessions(ctx, reader.id, only=session_id)
    return visit.go("/account", "signed-out-there" if ended else "not-in-there")


def _end(visit: Visit, only: str | None) -> Response:
    if visit.reader is not None:
        with visit.begin() as ctx:
            sessions.end_sessions(ctx, visit.reader.id, only=only)
    visit.takes.append(cookies.SESSION)
    way.forget(visit)
    paper = visit.services.settings.paper
    # A form may lead on to this host only: the pages' `form-action` forbids a redirect elsewhere.
    return visit.go(paper if paper.startswith("/") else OFFER, "signed-out")
