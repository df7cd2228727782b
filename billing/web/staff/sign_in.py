"""How staff sign in: the mailed link, then the code of the authenticator; and out."""

from typing import Annotated

import segno
from fastapi import APIRouter, Form
from markupsafe import Markup
from starlette.responses import Response

from billing.http import cookies
from billing.platform.settings import Environment
from billing.readers import links
from billing.readers.register import BadAddress
from billing.staff import codes, sessions, sign_in
from billing.staff.codes import CodeAnswer
from billing.staff.models import StaffMember, StaffSession
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.staff.guard import SIGN_IN, SignInFirst, StaffGuarded
from billing.web.views.account import SignInConfirmPage, SignInExpiredPage, SignInSentPage
from billing.web.views.staff import StaffCodePage, StaffSignInPage

router = APIRouter(include_in_schema=False)
HOME = "/staff"


@router.get(SIGN_IN)
def ask(visit: Visiting) -> Response:
    """Where to send the link."""
    return visit.page(StaffSignInPage())


@router.post(SIGN_IN)
def mail_link(visit: Guarded, email: Annotated[str, Form()] = "") -> Response:
    """Mail a link, if the address is that of staff. What the browser sees is the same either way."""
    try:
        with visit.begin() as ctx:
            sign_in.count_asks(ctx, email, visit.browser)
            sign_in.ask(ctx, email, visit.browser)
    except BadAddress as refusal:
        return visit.page(StaffSignInPage(email=email[:254], error=refusal.detail), 422)
    return visit.go(f"{SIGN_IN}/sent")


@router.get(f"{SIGN_IN}/sent")
def sent(visit: Visiting) -> Response:
    """Check your mail; and the place for the mail's code from another device."""
    return visit.page(SignInSentPage(base=SIGN_IN))


@router.get(f"{SIGN_IN}/link/{{token}}")
def follow(visit: Visiting, token: str) -> Response:
    """Take the token out of the address bar. Changes nothing: scanners follow links too (H6)."""
    if visit.services.site.tokens.subject_of(sign_in.PURPOSE, token) is None:
        visit.takes.append(cookies.STAFF_LINK)
    else:
        visit.give(cookies.STAFF_LINK, token, links.LIFE)
    return visit.go(f"{SIGN_IN}/confirm")


@router.get(f"{SIGN_IN}/confirm")
def confirm_page(visit: Visiting) -> Response:
    """A button in the browser that asked; in any other, the code to type there."""
    services, token = visit.services, visit.cookie(cookies.STAFF_LINK)
    try:
        with services.database.transaction() as session:
            link = sign_in.LINKS.find(visit.context(session), token)
            here = links.belongs_here(link, visit.browser_hashes)
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(base=SIGN_IN), 410)
    code = None if here else services.site.tokens.code(sign_in.PURPOSE, link.id)
    return visit.page(SignInConfirmPage(code=code, base=SIGN_IN))


@router.post(f"{SIGN_IN}/confirm")
def confirm(visit: Guarded) -> Response:
    """Use the link, once; on to the authenticator."""
    try:
        with visit.begin() as ctx:
            token = visit.cookie(cookies.STAFF_LINK)
            secret = sign_in.confirm(ctx, token, visit.browser)
    except links.LinkSpent:
        return visit.page(SignInExpiredPage(base=SIGN_IN), 410)
    return to_code(visit, secret)


@router.post(f"{SIGN_IN}/code")
def type_mailed_code(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """Use the mail's code, in the browser that asked; five tries."""
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
    """On to the page that asks for the authenticator's code."""
    visit.give(cookies.STAFF, waiting_secret, sessions.TO_COMPLETE)
    visit.takes.append(cookies.STAFF_LINK)
    return visit.go(f"{SIGN_IN}/authenticator")


def _waiting(visit: Visit) -> tuple[StaffSession, StaffMember]:
    """The session that has passed the mail and waits for its code. Raises SignInFirst."""
    with visit.begin() as ctx:
        secret = visit.cookie(cookies.STAFF)
        found = sessions.find(ctx, secret, complete=False)
    if found is None:
        raise SignInFirst
    return found


@router.get(f"{SIGN_IN}/authenticator")
def code_page(visit: Visiting) -> Response:
    """The code; the first time, the key to set up an authenticator with."""
    return visit.page(_code_view(visit, _waiting(visit)[1]))


def _code_view(visit: Visit, member: StaffMember, error: str | None = None) -> StaffCodePage:
    tokens = visit.services.site.tokens
    if member.enrolled_at is None:
        address = codes.address_of(tokens, member, visit.services.sender.house.name)
        drawn = segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#1d1a16", light="#fff")
        key = codes.secret_of(tokens, member)
        groups = " ".join(key[place : place + 4] for place in range(0, len(key), 4))
        picture = Markup(drawn)  # noqa: S704 - drawn from the address by our own code; it holds numbers alone
        return StaffCodePage(picture=picture, key=groups, error=error)
    return StaffCodePage(demo_code=demo_code(visit, member), error=error)


def demo_code(visit: Visit, member: StaffMember) -> str | None:
    """The code that would be taken now, in the demo alone."""
    is_demo = visit.services.settings.environment is Environment.DEMO
    return codes.shown_in_demo(visit.services.site.tokens, member, visit.at) if is_demo else None


def clock_stands(visit: Visit) -> bool:
    """Whether the demo's clock stands still, so that codes must go on without it."""
    settings = visit.services.settings
    return settings.environment is Environment.DEMO and settings.held


@router.post(f"{SIGN_IN}/authenticator")
def complete(visit: Guarded, code: Annotated[str, Form()] = "") -> Response:
    """Signed in, with a new session; or one try fewer."""
    waiting, member = _waiting(visit)
    with visit.begin() as ctx:
        sign_in.count_codes(ctx, visit.browser)
        done = sign_in.complete(
            ctx, waiting, member, code[:20], visit.browser, clock_stands=clock_stands(visit)
        )
    if isinstance(done, CodeAnswer):
        return visit.page(_code_view(visit, member, not_taken(visit, done)), 422)
    visit.give(cookies.STAFF, done.session_secret, sessions.ABSOLUTE)
    visit.keep_browser()
    way = visit.cookie(cookies.STAFF_WAY)
    visit.takes.append(cookies.STAFF_WAY)
    return visit.go(way if way.startswith("/staff/") and not way.startswith(SIGN_IN) else HOME)


def not_taken(visit: Visit, answer: CodeAnswer, then: str = "Then begin again with a new link.") -> str:
    """Why a code wasn't taken, and what to do when codes are taken again."""
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
