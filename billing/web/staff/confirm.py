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
    Changed,
    NeedsSecond,
    OverLimit,
    as_told,
    foresee,
    left_in_words,
    mind_limits,
    needs_second,
    perform,
    same_wish,
)
from billing.web import views
from billing.web.staff.guard import ProveFirst, StaffVisit, refuse
from billing.web.staff.show import audit_entry, desk
from billing.web.staff.wishes import Wish

Making = Callable[[Session], Wish]
PREVIEW = "preview"
SECOND = "Two members decide about this much: it is done when another member of finance, or an admin, has approved it."


def look(visit: StaffVisit, reader_id: str, make: Making) -> Response:
    """The page with what would happen."""
    with visit.parts.database.transaction() as session:
        return visit.page(_view(visit, session, reader_id, make(session)))


def act(visit: StaffVisit, reader_id: str, make: Making, *, why: str, version: str, step: str) -> Response:
    """Do it, if it is still what was looked at; else show it again, with the reason that was typed. What is beyond a role's limit is refused and audited."""
    with visit.parts.database.transaction() as session:
        wish = make(session)
    if wish.act is None or step == PREVIEW or not same_wish(wish.act, version):
        return again(visit, reader_id, make, why)
    try:
        with visit.parts.database.transaction() as session:
            _prove_first(visit, session, wish.act)
            perform(
                desk(visit, session),
                wish.act,
                actor=visit.actor,
                role=visit.member.role,
                why=why,
                version=version,
            )
    except NeedsSecond:
        return _ask_second(visit, reader_id, make, wish.act, why, version)
    except OverLimit as refusal:
        refuse(visit, wish.act.what, reader_id=reader_id, words=refusal.detail)
    except Refusal as refusal:
        return again(visit, reader_id, make, why, refusal)
    return visit.go(f"/staff/readers/{reader_id}", "staff-done")


def _ask_second(
    visit: StaffVisit, reader_id: str, make: Making, act: Act, why: str, version: str
) -> Response:
    """Let it wait for another member."""
    try:
        with visit.parts.database.transaction() as session:
            approvals.ask_for_act(
                desk(visit, session),
                act,
                actor=visit.actor,
                role=visit.member.role,
                why=why,
                version=version,
            )
    except Refusal as refusal:
        return again(visit, reader_id, make, why, refusal)
    return visit.go(f"/staff/readers/{reader_id}", "staff-asked-second")


def _prove_first(visit: StaffVisit, session: Session, act: Act) -> None:
    """More money than support may give a reader in a month needs a fresh code. Raises ProveFirst, and what the act refuses."""
    if not visit.is_fresh:
        here = desk(visit, session)
        if act.preview(here).cents > here.support_refund_limit:
            raise ProveFirst(visit)


def again(
    visit: StaffVisit, reader_id: str, make: Making, why: str, refusal: Refusal | None = None
) -> Response:
    """The page once more, with what was typed and why it wasn't done."""
    with visit.parts.database.transaction() as session:
        wish = make(session)
        if wish.act is not None:
            try:
                mind_limits(desk(visit, session), visit.member.role, visit.actor, wish.act)
            except OverLimit as over:
                refuse(visit, wish.act.what, reader_id=reader_id, words=over.detail)
            except (Refusal, NoSuchTransition):
                pass  # the page says it
        view = _view(visit, session, reader_id, wish, why=why, refusal=refusal)
    return visit.page(view, refusal.status if refusal else 422 if view.error else 200)


def _view(
    visit: StaffVisit,
    session: Session,
    reader_id: str,
    wish: Wish,
    *,
    why: str = "",
    refusal: Refusal | None = None,
) -> views.StaffAct:
    reader = by_id(session, reader_id)
    words: tuple[str, ...] = ()
    button, version, error = "", None, wish.error.detail if wish.error else None
    told = None
    if wish.act is not None:
        try:
            mind_limits(desk(visit, session), visit.member.role, visit.actor, wish.act)
            preview, version = foresee(desk(visit, session), wish.act)
            left = left_in_words(desk(visit, session), visit.member.role, visit.actor, wish.act, preview)
            words, button = preview.words + left, preview.button
            if needs_second(desk(visit, session), visit.actor, wish.act, preview):
                words, button = (*words, SECOND), f"Ask for approval: {button[:1].lower()}{button[1:]}"
            told = as_told(why) if preview.told else None
        except (Refusal, NoSuchTransition) as problem:
            error = problem.detail if isinstance(problem, Refusal) else str(problem)
    last = facts.last_act(session, reader_id) if isinstance(refusal, Changed) else None
    if refusal is not None and error != refusal.detail:  # the page may refuse it for the same reason by now
        error = f"{refusal.detail} {error or ''}".strip()
    return views.StaffAct(
        reader_id=reader_id,
        email=reader.email,
        title=wish.title,
        action=f"/staff/readers/{reader_id}/{wish.path}",
        hidden=wish.hidden,
        fields=wish.fields,
        words=words,
        button=button,
        version=version,
        most=wish.most,
        why=why,
        asks=wish.asks,
        told=told,
        error=error,
        meanwhile=audit_entry(last) if last else None,
    )
