"""The page that says what an act would do, and the one button that does it, if it is still what was looked at."""

from collections.abc import Callable

from sqlmodel import Session
from starlette.responses import Response

from billing.platform.errors import Refusal
from billing.readers.register import by_id
from billing.rules.lifecycle import NoSuchTransition
from billing.staff import approvals, facts
from billing.staff.acts.limits import OverLimit, check_limits, left_in_words, needs_second
from billing.staff.acts.perform import StaleVersion, is_same_act, perform, preview_act
from billing.staff.acts.shape import Act, customer_facing_reason
from billing.staff.second_member import NeedsSecond
from billing.web.staff.act_forms import PREVIEW, ActForm, Typed
from billing.web.staff.guard import StaffMustProve, StaffVisit, refuse
from billing.web.staff.show import audit_entry
from billing.web.views.staff import StaffActPage

Making = Callable[[Session], ActForm]
SECOND = "Two members decide about this much: it is done when another member of finance, or an admin, has approved it."


def look(visit: StaffVisit, reader_id: str, make: Making) -> Response:
    """The page with what would happen."""
    with visit.services.database.transaction() as session:
        return visit.page(_view(visit, session, reader_id, make(session)))


def act(visit: StaffVisit, reader_id: str, make: Making, typed: Typed) -> Response:
    """Do it, if it is still what was looked at; else show it again, with the reason that was typed. What is beyond a role's limit is refused and audited."""
    with visit.services.database.transaction() as session:
        form = make(session)
    reason, version = typed.reason, typed.version
    if form.act is None or typed.step == PREVIEW or not is_same_act(form.act, version):
        return again(visit, reader_id, make, reason)
    try:
        with visit.begin() as ctx:
            _prove_first(visit, ctx.session, form.act)
            perform(ctx, form.act, role=visit.member.role, reason=reason, version=version)
    except NeedsSecond:
        return _ask_second(visit, reader_id, make, form.act, reason, version)
    except OverLimit as refusal:
        refuse(visit, form.act.what, reader_id=reader_id, words=refusal.detail)
    except Refusal as refusal:
        return again(visit, reader_id, make, reason, refusal)
    return visit.go(f"/staff/readers/{reader_id}", "staff-done")


def _ask_second(
    visit: StaffVisit, reader_id: str, make: Making, act: Act, reason: str, version: str
) -> Response:
    """Let it wait for another member."""
    try:
        with visit.begin() as ctx:
            approvals.ask_for_act(ctx, act, role=visit.member.role, reason=reason, version=version)
    except Refusal as refusal:
        return again(visit, reader_id, make, reason, refusal)
    return visit.go(f"/staff/readers/{reader_id}", "staff-asked-second")


def _prove_first(visit: StaffVisit, session: Session, act: Act) -> None:
    """More money than support may give a reader in a month needs a fresh code. Raises ProveFirst, and what the act refuses."""
    if not visit.is_fresh:
        limit = visit.services.site.staff_limits.support_refund_limit
        if act.preview(visit.context(session)).cents > limit:
            raise StaffMustProve(visit)


def again(
    visit: StaffVisit, reader_id: str, make: Making, reason: str, refusal: Refusal | None = None
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
        view = _view(visit, ctx.session, reader_id, form, reason=reason, refusal=refusal)
    return visit.page(view, refusal.status if refusal else 422 if view.error else 200)


def _view(
    visit: StaffVisit,
    session: Session,
    reader_id: str,
    form: ActForm,
    *,
    reason: str = "",
    refusal: Refusal | None = None,
) -> StaffActPage:
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
            told = customer_facing_reason(reason) if preview.told else None
        except (Refusal, NoSuchTransition) as problem:
            error = problem.detail if isinstance(problem, Refusal) else str(problem)
    last = facts.last_act(session, reader_id) if isinstance(refusal, StaleVersion) else None
    if refusal is not None and error != refusal.detail:  # the page may refuse it for the same reason by now
        error = f"{refusal.detail} {error or ''}".strip()
    return StaffActPage(
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
        reason=reason,
        asks=form.asks,
        told=told,
        error=error,
        meanwhile=audit_entry(last) if last else None,
    )
