"""Members of staff, and browsers in which they are signed in."""

from collections.abc import Callable

from billing.http import cookies
from billing.platform.actors import WORKER, Command
from billing.readers.sessions import Browser as ReaderBrowser
from billing.staff import codes, members, sessions
from billing.staff import sign_in as staff_sign_in
from billing.staff.models import StaffMember
from billing.staff.roles import Role
from tests.support.browser import Browser
from tests.support.world import World

SignIn = Callable[..., Browser]


def add(world: World, role: str, email: str = "") -> StaffMember:
    """Add a member of staff."""
    with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
        return members.add(ctx, email or f"{role}@paper.example", Role(role))


def code_of(world: World, email: str, *, steps: int = 0) -> str:
    """The code of the member's authenticator now, or `steps` steps from now."""
    with world.services.database.transaction() as session:
        member = members.by_address(session, email)
        secret = codes.secret_of(world.services.site.tokens, member)
        return codes.code_at(secret, codes.step_of(world.now) + steps)


def sign_in(world: World, email: str) -> Browser:
    """A browser in which the member is signed in, on the role's first page.

    The product's functions begin the session, without the mailed link and its five pages (see `sign_in_by_mail`)."""
    browser, code = world.browser(), code_of(world, email)
    device = ReaderBrowser(("test",), "127.0.0.1", browser.http.headers["user-agent"])
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        member_id = members.by_address(ctx.session, email).id
        first = sessions.begin(ctx, member_id, device)
        waiting = sessions.find(ctx, first, complete=False)
        assert waiting is not None, f"{email} may not sign in"
        started, member = waiting
        done = staff_sign_in.complete(ctx, started, member, code, device)
        assert isinstance(done, str), done
    name = cookies.cookie_name(world.settings, cookies.STAFF)
    browser.with_cookie(name, done)
    browser.get("/staff")
    _assert_signed_in(browser)
    return browser


def sign_in_by_mail(world: World, email: str) -> Browser:
    """Sign in by the mailed link and the code; the browser ends on the role's first page."""
    browser = world.browser()
    follow_link(world, browser, email)
    browser.post("/staff/sign-in/authenticator", code=code_of(world, email))
    _assert_signed_in(browser)
    return browser


def follow_link(world: World, browser: Browser, email: str) -> None:
    """Sign in up to the page that asks for the code."""
    browser.get("/staff/sign-in")
    browser.post("/staff/sign-in", email=email)
    world.settle()
    browser.get(world.mailed_link(email, "/staff/sign-in/link/"))
    browser.post("/staff/sign-in/confirm")
    assert browser.page.path == "/staff/sign-in/authenticator", browser.page.words


def _assert_signed_in(browser: Browser) -> None:
    assert browser.page.path.startswith("/staff"), browser.page.words
    assert not browser.page.path.startswith("/staff/sign-in"), browser.page.words
    assert browser.page.status == 200, browser.page.words
