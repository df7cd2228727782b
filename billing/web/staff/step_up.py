"""The page that asks a member for a code before a sensitive act, keeps the typed form and then sends it on (SEC-2)."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from billing.http import cookies
from billing.platform.context import TransactionContext
from billing.staff import passkeys, sessions, sign_in, step_up
from billing.staff.codes import CodeAnswer
from billing.web.staff.guard import CONFIRM, SIGN_IN, StaffGuarded, StaffMustProve, StaffVisit, StaffVisiting
from billing.web.staff.sign_in import clock_stands, code_refused, demo_code
from billing.web.views.staff_sign_in import StaffProvePage

router = APIRouter(include_in_schema=False)
LOCAL = re.compile(r"/staff(/[A-Za-z0-9_./-]*)?(\?[^\\\s]*)?")
HOME = "/staff"
CODE, PASSKEY, WAY, ACTS = "proof_code", "proof_passkey", "proof_way", "proof_acts"
OURS = (CODE, PASSKEY, WAY, ACTS, "csrf")
Typed = tuple[tuple[str, str], ...]


def _local(way: str) -> str:
    """The address, if it is a page of staff; else the first page. This prevents open redirects."""
    return way if LOCAL.fullmatch(way) and "//" not in way else HOME


async def _typed(request: Request) -> Typed:
    """The fields of a form, in order."""
    form = await request.form()
    return tuple((name, value) for name, value in form.multi_items() if isinstance(value, str))


def _page(
    visit: StaffVisit,
    way: str,
    typed: Typed,
    *,
    acts: bool,
    error: str | None = None,
    passkey_error: str | None = None,
) -> Response:
    with visit.read() as ctx:
        options = passkeys.use_options(ctx, visit.staff_session)
    view = StaffProvePage(
        way=_local(way),
        acts=acts,
        kept=tuple((name, value) for name, value in typed if name not in OURS),
        demo_code=demo_code(visit, visit.member),
        error=error,
        passkey=options,
        passkey_error=passkey_error,
    )
    return visit.page(view, 422 if error or passkey_error else 403 if acts else 200)


async def _ask_for_code(request: Request, error: Exception) -> Response:
    assert isinstance(error, StaffMustProve)
    visit = error.visit
    if request.method == "GET":
        return visit.go(f"{CONFIRM}?{error.query}")
    typed = await _typed(visit.request)
    return await run_in_threadpool(_page, visit, request.url.path, typed, acts=True)


def answer_stale(app: FastAPI) -> None:
    """Register the page that asks for a code."""
    app.add_exception_handler(StaffMustProve, _ask_for_code)


@router.get(CONFIRM)
def ask(visit: StaffVisiting, way: Annotated[str, Query(max_length=500)] = HOME) -> Response:
    """The page before a download; it leads back to the page with the link."""
    return _page(visit, way, (), acts=False)


@router.post(CONFIRM)
def prove(visit: StaffGuarded, typed: Annotated[Typed, Depends(_typed)]) -> Response:
    """Check the code, or the passkey. After a right one the whole form is sent on (307), after a wrong one the page is shown again with it.

    The wrong code that locks also signs this browser out. Raises TooMany."""
    fields = dict(typed)
    way, acts = _local(fields.get(WAY, HOME)), fields.get(ACTS) == "yes"
    with visit.begin() as ctx:
        sign_in.count_codes(ctx, visit.browser)
        done = _prove(visit, ctx, fields)
    if done is None:
        return _page(visit, way, typed, acts=acts, passkey_error=passkeys.REFUSED)
    if isinstance(done, CodeAnswer):
        if done.begins:
            visit.takes.append(cookies.STAFF)
            return visit.go(SIGN_IN, "staff-codes-locked")
        error = code_refused(visit, done, "You stay signed in, and can do this then.")
        return _page(visit, way, typed, acts=acts, error=error)
    visit.give(cookies.STAFF, done, sessions.ABSOLUTE)
    answer = visit.go(way, None if acts else "staff-proved")
    if acts:
        answer.status_code = 307  # the browser sends the same form again, to `way`
    return answer


def _prove(visit: StaffVisit, ctx: TransactionContext, fields: dict[str, str]) -> str | CodeAnswer | None:
    """The session's new secret; else what was wrong with the code, or None for a passkey that didn't work."""
    staff_session, member = visit.staff_session, visit.member
    if credential := fields.get(PASSKEY, ""):
        return step_up.prove_by_passkey(ctx, staff_session, member, credential, visit.browser)
    typed, stands = fields.get(CODE, "")[:30], clock_stands(visit)
    return step_up.prove(ctx, staff_session, member, typed, visit.browser, clock_stands=stands)
