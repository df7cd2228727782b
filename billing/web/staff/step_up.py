"""The page that asks a member for a code before what matters, with what was typed kept; and the way on from it (SEC-2)."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from billing.http import cookies
from billing.staff import sessions, sign_in, step_up
from billing.staff.codes import CodeAnswer
from billing.web.staff.guard import CONFIRM, SIGN_IN, StaffGuarded, StaffMustProve, StaffVisit, StaffVisiting
from billing.web.staff.sign_in import clock_stands, demo_code, not_taken
from billing.web.views.staff_team import StaffProvePage

router = APIRouter(include_in_schema=False)
LOCAL = re.compile(r"/staff(/[A-Za-z0-9_./-]*)?(\?[^\\\s]*)?")
HOME = "/staff"
CODE, WAY, ACTS = "proof_code", "proof_way", "proof_acts"
OURS = (CODE, WAY, ACTS, "csrf")
Typed = tuple[tuple[str, str], ...]


def _local(way: str) -> str:
    """A page of staff; its first one for anything else."""
    return way if LOCAL.fullmatch(way) and "//" not in way else HOME


async def _typed(request: Request) -> Typed:
    """What a form holds, in its order."""
    form = await request.form()
    return tuple((name, value) for name, value in form.multi_items() if isinstance(value, str))


def _page(visit: StaffVisit, way: str, typed: Typed, *, acts: bool, error: str | None = None) -> Response:
    kept = tuple((name, value) for name, value in typed if name not in OURS)
    shown = demo_code(visit, visit.member)
    view = StaffProvePage(way=_local(way), acts=acts, kept=kept, demo_code=shown, error=error)
    return visit.page(view, 422 if error else 403 if acts else 200)


async def _ask(request: Request, error: Exception) -> Response:
    assert isinstance(error, StaffMustProve)
    visit = error.visit
    if request.method == "GET":
        return visit.go(f"{CONFIRM}?{error.query}")
    typed = await _typed(visit.request)
    return await run_in_threadpool(_page, visit, request.url.path, typed, acts=True)


def answer_stale(app: FastAPI) -> None:
    """Register what a member sees who has to prove who they are first."""
    app.add_exception_handler(StaffMustProve, _ask)


@router.get(CONFIRM)
def ask(visit: StaffVisiting, way: Annotated[str, Query(max_length=500)] = HOME) -> Response:
    """The page for a download; it leads back to the page that has it."""
    return _page(visit, way, (), acts=False)


@router.post(CONFIRM)
def prove(visit: StaffGuarded, typed: Annotated[Typed, Depends(_typed)]) -> Response:
    """Take the code. Right, the form is sent on whole (307); wrong, the page comes again with all that was typed. The wrong one that
    locks signs this browser out. Raises TooMany."""
    fields, site = dict(typed), visit.services.site
    way, acts = _local(fields.get(WAY, HOME)), fields.get(ACTS) == "yes"
    with visit.services.database.begin(site, visit.at, visit.actor) as ctx:
        sign_in.count_codes(ctx, visit.browser)
        done = step_up.prove(
            ctx,
            visit.staff_session,
            visit.member,
            fields.get(CODE, "")[:20],
            visit.browser,
            clock_stands=clock_stands(visit),
        )
    if isinstance(done, CodeAnswer):
        if done.begins:
            visit.takes.append(cookies.STAFF)
            return visit.go(SIGN_IN, "staff-codes-locked")
        error = not_taken(visit, done, "You stay signed in, and can do this then.")
        return _page(visit, way, typed, acts=acts, error=error)
    visit.give(cookies.STAFF, done, sessions.ABSOLUTE)
    answer = visit.go(way, None if acts else "staff-proved")
    return _sent_on(answer) if acts else answer


def _sent_on(answer: Response) -> Response:
    """The browser sends the same form again, to where it was going."""
    assert isinstance(answer, RedirectResponse)
    answer.status_code = 307
    return answer
