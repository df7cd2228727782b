"""The demo's staff sign-in: a link that replaces the mail and works until the demo stops. Only the demo has this route."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.responses import Response

from billing.dev.seed import STAFF_LINK, demo_key_id
from billing.platform.errors import NotFound
from billing.staff import members, sessions
from billing.staff.roles import TABLE
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.staff.sign_in import to_code

router = APIRouter(include_in_schema=False)
PATH = "/staff/demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDemo:
    """The page of the staff link: id, address, role and permissions of each sample member."""

    template: ClassVar[str] = "staff_demo.html"
    token: str
    members: tuple[tuple[str, str, str, str], ...]


class BadDemoLink(NotFound):
    """This isn't the link that the running demo printed. Each start prints another."""

    code = "bad_demo_link"


def _refuse_other(visit: Visit, session: Session, token: str) -> None:
    start = visit.services.site.tokens.subject_of(STAFF_LINK, token)
    if not start or start != demo_key_id(session):
        raise BadDemoLink


@router.get(f"{PATH}/{{token}}")
def choose(visit: Visiting, token: str) -> Response:
    """Show the sample members to choose from."""
    with visit.begin() as ctx:
        _refuse_other(visit, ctx.session, token)
        rows = [member for member in members.everybody(ctx.session) if member.disabled_at is None]
    shown = tuple(
        (row.id, row.email, row.role.value, ", ".join(sorted(what.words for what in TABLE[row.role])))
        for row in rows
    )
    return visit.page(StaffDemo(token=token, members=shown))


@router.post(PATH)
def enter(
    visit: Guarded, token: Annotated[str, Form()] = "", member: Annotated[str, Form()] = ""
) -> Response:
    """Begin a session without the mail; the authenticator's code is still required. The member's other sessions end."""
    with visit.begin() as ctx:
        _refuse_other(visit, ctx.session, token)
        found = members.by_id(ctx.session, member)
        sessions.end(ctx, found.id)
        secret = sessions.begin(ctx, found.id, visit.browser)
    return to_code(visit, secret)
