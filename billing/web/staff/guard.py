"""Access control for staff pages. Every page names the permission that it needs.

A GET takes `visit: Annotated[StaffVisit, needs(Permission.READ)]`. A POST takes `needs(Permission.CANCEL, acts=True)`, which also
checks the CSRF token. `fresh=True` adds an authenticator code given within ten minutes (SEC-2). What every member does for
themselves takes `StaffVisiting`, `StaffGuarded` or `StaffFresh`."""

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
from billing.staff.roles import Permission, Role, may
from billing.web.kit.bulkhead import Party, Side
from billing.web.kit.visit import Guarded, Visit, Visiting, services_of
from billing.web.views.frame import Frame, StaffFrame

SIGN_IN = "/staff/sign-in"
CONFIRM = "/staff/confirm"
ROOMS: tuple[tuple[Permission, str, str], ...] = (
    (Permission.ANSWER, "/staff/requests", "Requests"),
    (Permission.ANSWER, "/staff/prices", "Prices"),
    (Permission.MANY, "/staff/many", "Act on many"),
    (Permission.NEWSLETTERS, "/staff/newsletters", "Newsletters"),
    (Permission.ARTICLES, "/staff/articles", "Articles"),
    (Permission.FIND, "/staff/subscriptions", "Lists"),
    (Permission.INVOICES, "/staff/invoices", "Invoices"),
    (Permission.APPROVE, "/staff/approvals", "Approvals"),
    (Permission.BOOKS, "/staff/books", "Books"),
    (Permission.NUMBERS, "/staff/numbers", "Numbers"),
    (Permission.BOOKS, "/staff/owed", "Owed"),
    (Permission.CASES, "/staff/cases", "Cases"),
    (Permission.AUDIT, "/staff/audit", "Audit"),
    (Permission.STAFF, "/staff/members", "Staff"),
    (Permission.KEYS, "/staff/keys", "Keys"),
    (Permission.PLANS, "/staff/plans", "Plans"),
    (Permission.BRAND, "/staff/brand", "Brand"),
    (Permission.WEBHOOKS, "/staff/webhooks", "Webhooks"),
    (Permission.SETTINGS, "/staff/settings", "Settings"),
)
"""The links in the head of each page, behind the first page; a member sees those that the role permits. `views.staff_menu` says
which of them stand in a menu."""
HOME = ("/staff", "Today")
"""The first page, which every member has."""


def rooms_of(role: Role) -> tuple[tuple[str, str], ...]:
    """Address and name of the staff pages in the head that the role may open."""
    return (HOME, *((address, name) for what, address, name in ROOMS if may(role, what)))


class NotYourRole(Forbidden):
    """Your role may not do that. What you tried is in the audit; ask somebody whose role may."""

    code = "not_your_role"
    title = "Your role may not do that"


class SignInFirst(Exception):
    """No member is signed in: redirect to the sign-in page."""


class StaffMustProve(Exception):
    """The member gave no code in the last ten minutes: redirect to the page that asks for one.

    For a download, `page` is the page that links to it: the member returns there, not to the file."""

    def __init__(self, visit: "StaffVisit", page: str = "") -> None:
        super().__init__(page)
        self.visit, self.page = visit, page

    @property
    def query(self) -> str:
        """The query string that tells the code page where to return to."""
        url = self.visit.request.url
        return urlencode({"way": (self.page or url.path) + (f"?{url.query}" if url.query else "")})


@dataclass(kw_only=True)
class StaffVisit(Visit):
    """A request of a staff member signed in with both factors."""

    member: StaffMember
    staff_session: StaffSession

    @property
    def actor(self) -> StaffActor:
        """The member, as the audit and histories name them."""
        return audit.of(self.member, self.ip)

    @property
    def party(self) -> Party:
        """Calls to the acquirer count for this member, in the threads reserved for staff."""
        return Party(Side.STAFF, self.member.id)

    @property
    def is_fresh(self) -> bool:
        """Whether the member gave a code in this browser within ten minutes (SEC-2)."""
        return sessions.is_fresh(self.staff_session, self.at)

    def may(self, what: Permission) -> bool:
        """Whether the member's role may do it."""
        return may(self.member.role, what)

    def frame(self) -> Frame:
        """The frame of a staff page."""
        staff = StaffFrame(
            email=self.member.email,
            role=self.member.role.value,
            rooms=rooms_of(self.member.role),
            may_find=self.may(Permission.FIND),
        )
        return replace(super().frame(), signed_in=False, staff=staff)


def open_staff_visit(visit: Visiting) -> StaffVisit:
    """The visit of a staff member. Raises SignInFirst."""
    secret = visit.cookie(cookies.STAFF)
    if not secret:
        raise SignInFirst
    with visit.begin() as ctx:
        found = sessions.find(ctx, secret)
    if found is None:
        raise SignInFirst
    # not `vars`, which has what the visit has worked out for itself, too
    known = {field.name: getattr(visit, field.name) for field in fields(visit)}
    return StaffVisit(**known, staff_session=found[0], member=found[1])


def open_staff_guarded(visit: Guarded) -> StaffVisit:
    """The same for a POST, with its CSRF token checked (SEC-4). Raises CrossSite, SignInFirst."""
    return open_staff_visit(visit)


def open_staff_fresh(visit: Annotated[StaffVisit, Depends(open_staff_guarded)]) -> StaffVisit:
    """The same, for a sensitive act of any member (SEC-2). Raises CrossSite, SignInFirst, StaffMustProve."""
    if not visit.is_fresh:
        raise StaffMustProve(visit)
    return visit


def needs(what: Permission, *, acts: bool = False, fresh: bool = False, page: str = "") -> Any:
    """A dependency: a staff visit whose role has the permission; refusals are audited. Raises NotYourRole, StaffMustProve.

    `acts` is for every method but GET, `fresh` for sensitive acts. `page` as for `StaffMustProve`."""

    def permitted(visit: StaffVisit) -> StaffVisit:
        if not visit.may(what):
            refuse(visit, what)
        if fresh and not visit.is_fresh:
            raise StaffMustProve(visit, page)
        return visit

    def read(visit: StaffVisiting) -> StaffVisit:
        return permitted(visit)

    def act(visit: StaffGuarded) -> StaffVisit:
        return permitted(visit)

    dependency: Callable[..., StaffVisit] = act if acts else read
    dependency.permission = what  # type: ignore[attr-defined]  # tests draw the matrix of roles and routes from it
    return Depends(dependency)


def refuse(
    visit: StaffVisit, what: Permission, *, reader_id: str | None = None, words: str | None = None
) -> NoReturn:
    """Audit that the member may not do this. Always raises NotYourRole."""
    with visit.begin() as ctx:
        audit.write(
            ctx,
            what.value,
            outcome=Outcome.REFUSED,
            reader_id=reader_id,
            reason=words or f"{visit.member.role} may not {what.words}",
            after={"asked": f"{visit.request.method} {visit.request.url.path}"[:300]},
        )
    raise NotYourRole(words or f"As {visit.member.role} you may not {what.words}. Ask somebody who may.")


def send_to_sign_in(request: Request, _: Exception) -> Response:
    """Redirect to the sign-in page. A cookie remembers the page of a GET."""
    response = RedirectResponse(SIGN_IN, 303)
    if request.method == "GET":
        path = quote(request.url.path)  # cookies are ASCII
        settings, name = services_of(request).settings, cookies.STAFF_WAY
        cookies.set_cookie(response, settings, name, path, timedelta(minutes=15))
    return response


def answer_strangers(app: FastAPI) -> None:
    """Register the redirect to the sign-in page."""
    app.add_exception_handler(SignInFirst, send_to_sign_in)


StaffVisiting = Annotated[StaffVisit, Depends(open_staff_visit)]
StaffGuarded = Annotated[StaffVisit, Depends(open_staff_guarded)]
StaffFresh = Annotated[StaffVisit, Depends(open_staff_fresh)]
