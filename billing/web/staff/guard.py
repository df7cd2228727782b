"""Who is let into the pages of staff. Every page stands behind one of these, and says which permission it needs.

A page that shows: `visit: Annotated[StaffVisit, needs(Permission.READ)]`. One that acts, by POST: `needs(Permission.CANCEL, acts=True)`,
which also asks for a form of our own. What matters adds `fresh=True`: a code of the authenticator within ten minutes (SEC-2). `visit.member` is the staff member, `visit.actor` how histories name them."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Annotated, Any, NoReturn
from urllib.parse import quote, urlencode

from fastapi import Depends, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from billing.http import cookies
from billing.platform.actors import StaffActor
from billing.platform.errors import Forbidden
from billing.staff import audit, sessions
from billing.staff.models import Outcome, StaffMember, StaffSession
from billing.staff.roles import Permission, may
from billing.web.kit.bulkhead import Party, Side
from billing.web.kit.visit import Visit, open_guarded, open_visit, services_of
from billing.web.views.frame import Frame, StaffFrame

SIGN_IN = "/staff/sign-in"
CONFIRM = "/staff/confirm"
ROOMS: tuple[tuple[Permission, str, str], ...] = (
    (Permission.FIND, "/staff", "Readers"),
    (Permission.ANSWER, "/staff/requests", "Requests"),
    (Permission.ANSWER, "/staff/prices", "Prices"),
    (Permission.NEWSLETTERS, "/staff/newsletters", "Newsletters"),
    (Permission.ARTICLES, "/staff/articles", "Articles"),
    (Permission.INVOICES, "/staff/invoices", "Invoices"),
    (Permission.APPROVE, "/staff/approvals", "Approvals"),
    (Permission.BOOKS, "/staff/books", "Books"),
    (Permission.CASES, "/staff/cases", "Cases"),
    (Permission.AUDIT, "/staff/audit", "Audit"),
    (Permission.STAFF, "/staff/members", "Staff"),
    (Permission.KEYS, "/staff/keys", "Keys"),
    (Permission.WEBHOOKS, "/staff/webhooks", "Webhooks"),
)
"""The rooms in the head of each page, for whoever may enter them."""


class NotYourRole(Forbidden):
    """Your role may not do that. What you tried is in the audit; ask somebody whose role may."""

    code = "not_your_role"
    title = "Your role may not do that"


class SignInFirst(Exception):
    """Nobody is signed in: off to the sign-in page, and back."""


class StaffMustProve(Exception):
    """The member gave no code in the last ten minutes: asked for one, and back. `page` holds the link to a download."""

    def __init__(self, visit: "StaffVisit", page: str = "") -> None:
        super().__init__(page)
        self.visit, self.page = visit, page

    @property
    def query(self) -> str:
        """Where to go on, for the page that asks."""
        url = self.visit.request.url
        return urlencode({"way": (self.page or url.path) + (f"?{url.query}" if url.query else "")})


@dataclass
class StaffVisit(Visit):
    """A request of a staff member who is signed in with both factors."""

    member: StaffMember = None  # type: ignore[assignment]  # a dataclass's fields after those with defaults need one
    staff_session: StaffSession = None  # type: ignore[assignment]  # likewise; `open_staff_visit` gives both

    @property
    def actor(self) -> StaffActor:
        """The member, as audit and histories name them."""
        return audit.of(self.member, self.ip)

    @property
    def party(self) -> Party:
        """Members have threads of their own."""
        return Party(Side.STAFF, self.member.id)

    @property
    def is_fresh(self) -> bool:
        """Whether the member gave a code in this browser within ten minutes."""
        return sessions.is_fresh(self.staff_session, self.at)

    def may(self, what: Permission) -> bool:
        """Whether the member's role may do it."""
        return may(self.member.role, what)

    def frame(self) -> Frame:
        """The frame with the rooms of staff."""
        rooms = tuple((address, name) for what, address, name in ROOMS if self.may(what))
        staff = StaffFrame(email=self.member.email, role=self.member.role.value, rooms=rooms)
        return replace(super().frame(), signed_in=False, staff=staff)


def _admit(visit: Visit) -> StaffVisit:
    secret = visit.cookie(cookies.STAFF)
    if not secret:
        raise SignInFirst
    with visit.begin() as ctx:
        found = sessions.find(ctx, secret)
    if found is None:
        raise SignInFirst
    seen = {each.name: getattr(visit, each.name) for each in fields(Visit)}
    return StaffVisit(**seen, staff_session=found[0], member=found[1])


def open_staff_visit(visit: Annotated[Visit, Depends(open_visit)]) -> StaffVisit:
    """A staff member's visit. Raises SignInFirst."""
    return _admit(visit)


def open_staff_guarded(visit: Annotated[Visit, Depends(open_guarded)]) -> StaffVisit:
    """One that may change something: a form of our own, in this browser (SEC-4). Raises CrossSite, SignInFirst."""
    return _admit(visit)


def needs(what: Permission, *, acts: bool = False, fresh: bool = False, page: str = "") -> Any:
    """A dependency: a staff visit whose role has the permission; refusals are audited. Raises NotYourRole, ProveFirst.

    `acts` for whatever isn't a GET; `fresh` for what matters. `page` is the one with the link to a download, where the member
    goes on after proving who they are."""

    def seen(visit: StaffVisiting) -> StaffVisit:
        return _permitted(visit, what, fresh, page)

    def acted(visit: StaffGuarded) -> StaffVisit:
        return _permitted(visit, what, fresh)

    chosen: Callable[..., StaffVisit] = acted if acts else seen
    chosen.permission = what  # type: ignore[attr-defined]  # by which the matrix of roles and routes is drawn
    return Depends(chosen)


def _permitted(visit: StaffVisit, what: Permission, fresh: bool, page: str = "") -> StaffVisit:
    if not visit.may(what):
        refuse(visit, what)
    if fresh and not visit.is_fresh:
        raise StaffMustProve(visit, page)
    return visit


def refuse(
    visit: StaffVisit, what: Permission, *, reader_id: str | None = None, words: str | None = None
) -> NoReturn:
    """Write down that the member may not do this, and say so. Raises NotYourRole, always."""
    asked = {"asked": f"{visit.request.method} {visit.request.url.path}"[:300]}
    with visit.begin() as ctx:
        audit.write(
            ctx,
            what.value,
            outcome=Outcome.REFUSED,
            reader_id=reader_id,
            reason=words or f"{visit.member.role} may not {what.words}",
            after=asked,
        )
    raise NotYourRole(words or f"As {visit.member.role} you may not {what.words}. Ask somebody who may.")


def send_to_sign_in(request: Request, _: Exception) -> Response:
    """To the sign-in page; a page that was asked for is remembered."""
    response = RedirectResponse(SIGN_IN, 303)
    if request.method == "GET":
        way = quote(request.url.path)  # a cookie holds ASCII
        cookies.give(response, services_of(request).settings, cookies.STAFF_WAY, way, timedelta(minutes=15))
    return response


def answer_strangers(app: FastAPI) -> None:
    """Whoever isn't signed in is sent to sign in."""
    app.add_exception_handler(SignInFirst, send_to_sign_in)


StaffVisiting = Annotated[StaffVisit, Depends(open_staff_visit)]
StaffGuarded = Annotated[StaffVisit, Depends(open_staff_guarded)]
