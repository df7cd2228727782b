"""Acts for a reader: a page that says in words and rand what would happen, and one button that does it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.errors import Refusal
from billing.readers.register import by_id
from billing.renewals.cancel import When
from billing.rules.lifecycle import MoveRefused
from billing.staff import facts
from billing.staff.acts import (
    Changed,
    NeedsReason,
    OverLimit,
    as_told,
    foresee,
    mind_limits,
    perform,
    same_wish,
)
from billing.staff.roles import May
from billing.web import views
from billing.web.staff import wishes
from billing.web.staff.guard import StaffVisit, needs, refuse
from billing.web.staff.show import audit_entry, desk
from billing.web.staff.wishes import Wish
from billing.web.typed import LINES

router = APIRouter(include_in_schema=False)
Typed = Annotated[str | None, Form(max_length=60)]
Why = Annotated[str, Form(max_length=1000), LINES]
Version = Annotated[str, Form(max_length=100)]
Step = Annotated[str, Form(max_length=20)]
Making = Callable[[Session], Wish]
DAYS = "7"
PREVIEW = "preview"


def look(visit: StaffVisit, reader_id: str, make: Making) -> Response:
    """The page with what would happen."""
    with visit.parts.database.transaction() as session:
        return visit.page(_view(visit, session, reader_id, make(session)))


def act(visit: StaffVisit, reader_id: str, make: Making, *, why: str, version: str, step: str) -> Response:
    """Do it, if it is still what was looked at; else show it anew. What is beyond a role's limit is refused and audited."""
    with visit.parts.database.transaction() as session:
        wish = make(session)
    if wish.act is None or step == PREVIEW or not same_wish(wish.act, version):
        return _again(visit, reader_id, make, why)
    try:
        with visit.parts.database.transaction() as session:
            perform(
                desk(visit, session),
                wish.act,
                actor=visit.actor,
                role=visit.member.role,
                why=why,
                version=version,
            )
    except OverLimit as refusal:
        refuse(visit, wish.act.what, reader_id=reader_id, words=refusal.detail)
    except (Changed, NeedsReason) as refusal:
        return _again(visit, reader_id, make, why, refusal)
    return visit.go(f"/staff/readers/{reader_id}", "staff-done")


def _again(
    visit: StaffVisit, reader_id: str, make: Making, why: str, refusal: Refusal | None = None
) -> Response:
    with visit.parts.database.transaction() as session:
        wish = make(session)
        if wish.act is not None:
            try:
                mind_limits(desk(visit, session), visit.member.role, wish.act)
            except OverLimit as over:
                refuse(visit, wish.act.what, reader_id=reader_id, words=over.detail)
            except (Refusal, MoveRefused):
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
            mind_limits(desk(visit, session), visit.member.role, wish.act)
            preview, version = foresee(desk(visit, session), wish.act)
            words, button = preview.words, preview.button
            told = as_told(why) if preview.told else None
        except (Refusal, MoveRefused) as problem:
            error = problem.detail if isinstance(problem, Refusal) else str(problem)
    last = facts.last_act(session, reader_id) if isinstance(refusal, Changed) else None
    if refusal is not None:
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


@router.get("/staff/readers/{reader_id}/cancel")
def cancel_page(visit: Annotated[StaffVisit, needs(May.CANCEL)], reader_id: str) -> Response:
    """Cancel as of the moment the reader first asked: before it is done."""
    return look(
        visit, reader_id, lambda session: wishes.cancel(visit, session, reader_id, None, When.PERIOD_END)
    )


@router.post("/staff/readers/{reader_id}/cancel")
def cancel(
    visit: Annotated[StaffVisit, needs(May.CANCEL, acts=True)],
    reader_id: str,
    asked: Typed = None,
    when: Typed = None,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda session: wishes.cancel(visit, session, reader_id, asked, when or When.PERIOD_END),
        why=why,
        version=version,
        step=step,
    )


@router.get("/staff/readers/{reader_id}/resume")
def resume_page(visit: Annotated[StaffVisit, needs(May.RESUME)], reader_id: str) -> Response:
    """Take a cancellation back: before it is done."""
    return look(visit, reader_id, lambda _: wishes.resume(reader_id))


@router.post("/staff/readers/{reader_id}/resume")
def resume(
    visit: Annotated[StaffVisit, needs(May.RESUME, acts=True)],
    reader_id: str,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda _: wishes.resume(reader_id),
        why=why,
        version=version,
        step=step,
    )


@router.get("/staff/readers/{reader_id}/extend")
def extend_page(visit: Annotated[StaffVisit, needs(May.EXTEND)], reader_id: str) -> Response:
    """A longer trial or paid period: before it is done."""
    return look(visit, reader_id, lambda _: wishes.extend(reader_id, DAYS))


@router.post("/staff/readers/{reader_id}/extend")
def extend(
    visit: Annotated[StaffVisit, needs(May.EXTEND, acts=True)],
    reader_id: str,
    days: Typed = None,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda _: wishes.extend(reader_id, days or DAYS),
        why=why,
        version=version,
        step=step,
    )


@router.get("/staff/readers/{reader_id}/pause")
def pause_page(visit: Annotated[StaffVisit, needs(May.PAUSE)], reader_id: str) -> Response:
    """A pause: before it is done."""
    return look(visit, reader_id, lambda _: wishes.pause(reader_id, "1"))


@router.post("/staff/readers/{reader_id}/pause")
def pause(
    visit: Annotated[StaffVisit, needs(May.PAUSE, acts=True)],
    reader_id: str,
    months: Typed = None,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda _: wishes.pause(reader_id, months or "1"),
        why=why,
        version=version,
        step=step,
    )


@router.get("/staff/readers/{reader_id}/end-pause")
def end_pause_page(visit: Annotated[StaffVisit, needs(May.PAUSE)], reader_id: str) -> Response:
    """End a pause, or take it back: before it is done."""
    return look(visit, reader_id, lambda _: wishes.end_pause(reader_id))


@router.post("/staff/readers/{reader_id}/end-pause")
def end_pause(
    visit: Annotated[StaffVisit, needs(May.PAUSE, acts=True)],
    reader_id: str,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda _: wishes.end_pause(reader_id),
        why=why,
        version=version,
        step=step,
    )


@router.get("/staff/readers/{reader_id}/complimentary")
def complimentary_page(visit: Annotated[StaffVisit, needs(May.COMPLIMENTARY)], reader_id: str) -> Response:
    """Complimentary days: before it is done."""
    return look(visit, reader_id, lambda _: wishes.complimentary(reader_id, DAYS))


@router.post("/staff/readers/{reader_id}/complimentary")
def complimentary(
    visit: Annotated[StaffVisit, needs(May.COMPLIMENTARY, acts=True)],
    reader_id: str,
    days: Typed = None,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda _: wishes.complimentary(reader_id, days or DAYS),
        why=why,
        version=version,
        step=step,
    )


@router.get("/staff/readers/{reader_id}/another-trial")
def another_trial_page(visit: Annotated[StaffVisit, needs(May.ANOTHER_TRIAL)], reader_id: str) -> Response:
    """Another trial: before it is done."""
    return look(visit, reader_id, lambda _: wishes.another_trial(reader_id))


@router.post("/staff/readers/{reader_id}/another-trial")
def another_trial(
    visit: Annotated[StaffVisit, needs(May.ANOTHER_TRIAL, acts=True)],
    reader_id: str,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda _: wishes.another_trial(reader_id),
        why=why,
        version=version,
        step=step,
    )


@router.get("/staff/readers/{reader_id}/note")
def note_page(visit: Annotated[StaffVisit, needs(May.NOTE)], reader_id: str) -> Response:
    """A note: before it is kept."""
    return look(visit, reader_id, lambda _: wishes.note(reader_id))


@router.post("/staff/readers/{reader_id}/note")
def note(
    visit: Annotated[StaffVisit, needs(May.NOTE, acts=True)],
    reader_id: str,
    why: Annotated[str, Form(max_length=wishes.LONGEST_NOTE), LINES] = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Keep it."""
    return act(visit, reader_id, lambda _: wishes.note(reader_id), why=why, version=version, step=step)


@router.get("/staff/readers/{reader_id}/refund")
def refund_page(
    visit: Annotated[StaffVisit, needs(May.REFUND)],
    reader_id: str,
    payment: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Money back: before it is done."""
    return look(visit, reader_id, lambda session: wishes.give_back(session, reader_id, payment, None))


@router.post("/staff/readers/{reader_id}/refund")
def refund(
    visit: Annotated[StaffVisit, needs(May.REFUND, acts=True)],
    reader_id: str,
    payment: Typed = None,
    amount: Typed = None,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda session: wishes.give_back(session, reader_id, payment or "", amount),
        why=why,
        version=version,
        step=step,
    )
