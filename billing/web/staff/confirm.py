"""The page that says what an act would do, and the one button that does it, if it is still what was looked at."""

from collections.abc import Callable

from sqlmodel import Session
from starlette.responses import Response

from billing.platform.errors import Refusal
from billing.readers.register import by_id
from billing.rules.lifecycle import NoSuchTransition
from billing.staff import approvals, facts
from billing.staff.acts import (
    Act,
    NeedsSecond,
    OverLimit,
    StaleVersion,
    check_limits,
    customer_facing_reason,
    is_same_act,
    left_in_words,
    needs_second,
    perform,
    preview_act,
)
from billing.web import views
from billing.web.staff.act_forms import PREVIEW, ActForm, Typed
from billing.web.staff.guard import ProveFirst, StaffVisit, refuse
from billing.web.staff.show import audit_entry

Making = Callable[[Session], ActForm]
SECOND = "Two members decide about this much: it is done when another member of finance, or an admin, has approved it."


def look(visit: StaffVisit, reader_id: str, make: Making) -> Response:
    """The page with what would happen."""
    with visit.parts.database.transaction() as session:
        return visit.page(_view(visit, session, reader_id, make(session)))


def act(visit: StaffVisit, reader_id: str, make: Making, typed: Typed) -> Response:
    """Do it, if it is still what was looked at; else show it again, with the reason that was typed. What is beyond a role's limit is refused and audited."""
    with visit.parts.database.transaction() as session:
        form = make(session)
    why, version = typed.why, typed.version
    if form.act is None or typed.step == PREVIEW or not is_same_act(form.act, version):
        return again(visit, reader_id, make, why)
    try:
        with visit.begin() as ctx:
            _prove_first(visit, ctx.session, form.act)
            perform(ctx, form.act, role=visit.member.role, why=why, version=version)
    except NeedsSecond:
        return _ask_second(visit, reader_id, make, form.act, why, version)
    except OverLimit as refusal:
        refuse(visit, form.act.what, reader_id=reader_id, words=refusal.detail)
    except Refusal as refusal:
        return again(visit, reader_id, make, why, refusal)
    return visit.go(f"/staff/readers/{reader_id}", "staff-done")


def _ask_second(
    visit: StaffVisit, reader_id: str, make: Making, act: Act, why: str, version: str
) -> Response:
    """Let it wait for another member."""
    try:
        with visit.begin() as ctx:
            approvals.ask_for_act(ctx, act, role=visit.member.role, why=why, version=version)
    except Refusal as refusal:
        return again(visit, reader_id, make, why, refusal)
    return visit.go(f"/staff/readers/{reader_id}", "staff-asked-second")


def _prove_first(visit: StaffVisit, session: Session, act: Act) -> None:
    """More money than support may give a reader in a month needs a fresh code. Raises ProveFirst, and what the act refuses."""
    if not visit.is_fresh:
        limit = visit.parts.site.staff_limits.support_refund_limit
        if act.preview(visit.context(session)).cents > limit:
            raise ProveFirst(visit)


def again(
    visit: StaffVisit, reader_id: str, make: Making, why: str, refusal: Refusal | None = None
) -> Response:
    """The page once more, with what was typed and why it wasn't done."""
    with visit.begin() as ctx:
        form = make(ctx.session)
        if form.act is not None:
            try:
                check_limits(ctx, visit.member.role, form.act)
            except OverLimit as over:
                refuse(visit, form.act.what, reader_id=reader_id, words=over.detail)
            except (Refusal, NoSuchTransition):
                pass  # the page says it
        view = _view(visit, ctx.session, reader_id, form, why=why, refusal=refusal)
    return visit.page(view, refusal.status if refusal else 422 if view.error else 200)


def _view(
    visit: StaffVisit,
    session: Session,
    reader_id: str,
    form: ActForm,
    *,
    why: str = "",
    refusal: Refusal | None = None,
) -> views.StaffAct:
    reader = by_id(session, reader_id)
    words: tuple[str, ...] = ()
    button, version, error = "", None, form.error.detail if form.error else None
    told = None
    if form.act is not None:
        try:
            check_limits(visit.context(session), visit.member.role, form.act)
            preview, version = preview_act(visit.context(session), form.act)
            left = left_in_words(visit.context(session), visit.member.role, form.act, preview)
            words, button = preview.words + left, preview.button
            if needs_second(visit.context(session), form.act, preview):
                words, button = (*words, SECOND), f"Ask for approval: {button[:1].lower()}{button[1:]}"
            told = customer_facing_reason(why) if preview.told else None
        except (Refusal, NoSuchTransition) as problem:
            error = problem.detail if isinstance(problem, Refusal) else str(problem)
    last = facts.last_act(session, reader_id) if isinstance(refusal, StaleVersion) else None
    if refusal is not None and error != refusal.detail:  # the page may refuse it for the same reason by now
        error = f"{refusal.detail} {error or ''}".strip()
    return views.StaffAct(
        reader_id=reader_id,
        email=reader.email,
        title=form.title,
        action=visit.request.url.path,
        hidden=form.hidden,
        fields=form.fields,
        words=words,
        button=button,
        version=version,
        most=form.most,
        why=why,
        asks=form.asks,
        told=told,
        error=error,
        meanwhile=audit_entry(last) if last else None,
    )
