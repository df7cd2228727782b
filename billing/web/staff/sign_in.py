"""How staff sign in: a mailed link, then an authenticator code. And how they sign out."""

from typing import Annotated

import segno
from fastapi import APIRouter, Form
from markupsafe import Markup
from starlette.responses import Response

from billing.http import cookies
from billing.platform.settings import Environment
from billing.readers import links
from billing.readers.register import BadAddress
from billing.staff import codes, passkeys, sessions, sign_in
from billing.staff.codes import CodeAnswer
from billing.staff.models import StaffMember, StaffSession
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.staff.guard import SIGN_IN, SignInFirst, StaffGuarded
from billing.web.views.account import SignInConfirmPage, SignInExpiredPage, SignInSentPage
from billing.web.views.staff_sign_in import StaffCodePage, StaffSignInPage

router = APIRouter(include_in_schema=False)
HOME = "/staff"


@router.get(SIGN_IN)
def ask(visit: Visiting) -> Response:
    """The form for the address."""
    return visit.page(StaffSignInPage())


@router.post(SIGN_IN)
def mail_link(visit: Guarded, email: Annotated[str, Form()] = "") -> Response:
    """Mail a link if the address is a member's. The answer is the same either way."""
    try:
        with visit.begin() as ctx:
            sign_in.count_asks(ctx, email, visit.browser)
            sign_in.ask(ctx, email, visit.browser)
    except BadAddress as refusal:
        return visit.page(StaffSignInPage(email=email[:254], error=refusal.detail), 422)
    return visit.go(f"{SIGN_IN}/sent")


@router.get(f"{SIGN_IN}/sent")
def sent(visit: Visiting) -> Response:
    """Says that a mail is on its way, with a box for the code of a link opened on another device."""
    return visit.page(SignInSentPage(base=SIGN_IN))


@router.get(f"{SIGN_IN}/link/{{token}}")
def follow(visit: Visiting, token: str) -> Response:
    """Move the token from the address bar to a cookie. It isn't used up: mail scanners follow links too (H6)."""
    if visit.services.site.tokens.subject_of(sign_in.PURPOSE, token) is None:
        visit.takes.append(cookies.STAFF_LINK)
    else:
        visit.give(cookies.STAFF_LINK, token, links.LIFE)
    return visit.go(f"{SIGN_IN}/confirm")


@router.get(f"{SIGN_IN}/confirm")
def confirm_page(visit: Visiting) -> Response:
    """In the browser that asked, a button; in any other, a code to type in the first."""
    tokens, token = visit.services.site.tokens, visit.cookie(cookies.STAFF_LINK)
    try:
        with visit.begin() as ctx:
            link = sign_in.LINKS.find(ctx, token)
            is_same_browser = links.belongs_here(link, visit.browser_hashes)
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(base=SIGN_IN), 410)
    code = None if is_same_browser else tokens.code(sign_in.PURPOSE, link.id)
    return visit.page(SignInConfirmPage(code=code, base=SIGN_IN))


@router.post(f"{SIGN_IN}/confirm")
def confirm(visit: Guarded) -> Response:
    """Use up the link, and go on to the authenticator."""
    try:
        with visit.begin() as ctx:
            secret = sign_in.confirm(ctx, visit.cookie(cookies.STAFF_LINK), visit.browser)
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(base=SIGN_IN), 410)
    return to_code(visit, secret)


@router.post(f"{SIGN_IN}/code")
def type_mailed_code(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """Use up the mailed code, in the browser that asked. Five tries."""
    try:
        with visit.begin() as ctx:
            sign_in.count_codes(ctx, visit.browser)
            secret = sign_in.confirm_code(ctx, code[:20], visit.browser)
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(base=SIGN_IN), 410)
    if secret is None:
        return visit.page(SignInSentPage(base=SIGN_IN, error=links.WrongCode().detail), 422)
    return to_code(visit, secret)


def to_code(visit: Visit, waiting_secret: str) -> Response:
    """Go on to the page that asks for the authenticator code."""
    visit.give(cookies.STAFF, waiting_secret, sessions.TO_COMPLETE)
    visit.takes.append(cookies.STAFF_LINK)
    return visit.go(f"{SIGN_IN}/authenticator")


def _waiting(visit: Visit) -> tuple[StaffSession, StaffMember]:
    """The session whose link was used and whose code is missing. Raises SignInFirst."""
    with visit.begin() as ctx:
        found = sessions.find(ctx, visit.cookie(cookies.STAFF), complete=False)
    if found is None:
        raise SignInFirst
    return found


@router.get(f"{SIGN_IN}/authenticator")
def code_page(visit: Visiting) -> Response:
    """Asks for the code; the first time, with the key that sets up an authenticator."""
    return visit.page(_code_view(visit, *_waiting(visit)))


def _code_view(
    visit: Visit,
    waiting: StaffSession,
    member: StaffMember,
    error: str | None = None,
    passkey_error: str | None = None,
) -> StaffCodePage:
    tokens = visit.services.site.tokens
    if member.enrolled_at is None:
        address = codes.address_of(tokens, member, visit.services.sender.house.name)
        drawn = segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#1d1a16", light="#fff")
        key = codes.secret_of(tokens, member)
        groups = " ".join(key[start : start + 4] for start in range(0, len(key), 4))
        picture = Markup(drawn)  # noqa: S704 - segno's own SVG: nothing typed by a person is in it
        return StaffCodePage(picture=picture, key=groups, error=error)
    with visit.read() as ctx:
        options = passkeys.use_options(ctx, waiting)
    return StaffCodePage(
        demo_code=demo_code(visit, member), error=error, passkey=options, passkey_error=passkey_error
    )


def demo_code(visit: Visit, member: StaffMember) -> str | None:
    """The code that would be accepted now; None outside the demo."""
    is_demo = visit.services.settings.environment is Environment.DEMO
    return codes.shown_in_demo(visit.services.site.tokens, member, visit.at) if is_demo else None


def clock_stands(visit: Visit) -> bool:
    """Whether the demo's clock is held. Then the code after the last used one is accepted too."""
    settings = visit.services.settings
    return settings.environment is Environment.DEMO and settings.held


@router.post(f"{SIGN_IN}/authenticator")
def complete(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """Check the code: sign in with a new session, or use up one try."""
    waiting, member = _waiting(visit)
    with visit.begin() as ctx:
        sign_in.count_codes(ctx, visit.browser)
        done = sign_in.complete(
            ctx, waiting, member, code[:30], visit.browser, clock_stands=clock_stands(visit)
        )
    if isinstance(done, CodeAnswer):
        return visit.page(_code_view(visit, waiting, member, code_refused(visit, done)), 422)
    return _signed_in(visit, done)


@router.post(f"{SIGN_IN}/passkey")
def use_passkey(visit: Guarded, credential: Annotated[str, Form()] = "") -> Response:
    """Check the answer of a passkey, in place of a code. Raises SignInFirst, TooMany."""
    waiting, member = _waiting(visit)
    with visit.begin() as ctx:
        sign_in.count_codes(ctx, visit.browser)
        done = sign_in.complete_by_passkey(ctx, waiting, member, credential, visit.browser)
    if done is None:
        return visit.page(_code_view(visit, waiting, member, passkey_error=passkeys.REFUSED), 422)
    return _signed_in(visit, done)


def _signed_in(visit: Visit, secret: str) -> Response:
    visit.give(cookies.STAFF, secret, sessions.ABSOLUTE)
    visit.keep_browser()
    path = visit.cookie(cookies.STAFF_WAY)
    visit.takes.append(cookies.STAFF_WAY)
    return visit.go(path if path.startswith("/staff/") and not path.startswith(SIGN_IN) else HOME)


def code_refused(visit: Visit, answer: CodeAnswer, then: str = "Then begin again with a new link.") -> str:
    """Why a code was refused; `then` says what to do after a lock."""
    if answer.locked_until is None:
        return "That isn't the code, or it has been used. Wait for the next one."
    until = answer.locked_until.astimezone(visit.services.site.zone)
    return f"Five codes were wrong, so codes are not taken until {until:%H:%M on %A %-d %B %Y}. {then}"


@router.post("/staff/sign-out")
def sign_out(visit: StaffGuarded) -> Response:
    """End this browser's session."""
    with visit.begin() as ctx:
        sessions.end(ctx, visit.member.id, only=visit.staff_session.id)
    visit.takes.append(cookies.STAFF)
    return visit.go(SIGN_IN, "staff-signed-out")
