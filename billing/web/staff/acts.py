"""Acts for a reader: where each is looked at, and done."""

import re
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.acquirer.balance_port import TakenRefund
from billing.acquirer.port import NoSuchObject, Unknown
from billing.changes.cancel import When
from billing.platform.errors import Unavailable
from billing.refunds.pay_back import UnknownRefund
from billing.staff.roles import May
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.typed import LINES
from billing.web.staff import wishes
from billing.web.staff.confirm import PREVIEW, act, again, look
from billing.web.staff.guard import StaffVisit, needs

router = APIRouter(include_in_schema=False)
Typed = Annotated[str | None, Form(max_length=60)]
Why = Annotated[str, Form(max_length=1000), LINES]
Version = Annotated[str, Form(max_length=100)]
Step = Annotated[str, Form(max_length=20)]
DAYS = "7"
REFUND_REF = re.compile(r"re_[A-Za-z0-9_]{1,50}")


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


@router.get("/staff/readers/{reader_id}/withdraw")
def withdraw_page(visit: Annotated[StaffVisit, needs(May.REFUND)], reader_id: str) -> Response:
    """Take the sale back: before it is done."""
    return look(visit, reader_id, lambda _: wishes.withdraw(reader_id))


@router.post("/staff/readers/{reader_id}/withdraw")
def withdraw(
    visit: Annotated[StaffVisit, needs(May.REFUND, acts=True)],
    reader_id: str,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Response:
    """Do it."""
    return act(
        visit,
        reader_id,
        lambda _: wishes.withdraw(reader_id),
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


def _at_stripe(visit: StaffVisit, refund_ref: str) -> TakenRefund:
    """The refund as Stripe has it now; asked with no transaction open. Raises UnknownRefund, Unavailable."""
    if not REFUND_REF.fullmatch(refund_ref):
        raise UnknownRefund
    found = visit.parts.books.refund(refund_ref)
    if isinstance(found, NoSuchObject):
        raise UnknownRefund
    if isinstance(found, Unknown):
        raise Unavailable(
            f"Stripe can't say what became of this refund now ({found.why}). Try again in a minute."
        )
    return found


@router.get("/staff/readers/{reader_id}/enter-refund")
@may_wait
def enter_refund_page(
    visit: Annotated[StaffVisit, needs(May.ENTER_REFUND)],
    reader_id: str,
    refund: Annotated[str, Query(max_length=60)] = "",
) -> Waits:
    """A refund made in Stripe's dashboard: before it is entered."""

    def show() -> Response:
        found = _at_stripe(visit, refund)
        return look(visit, reader_id, lambda _: wishes.enter_refund(reader_id, refund, found))

    return Waits(visit, show)


@router.post("/staff/readers/{reader_id}/enter-refund")
@may_wait
def enter_refund(
    visit: Annotated[StaffVisit, needs(May.ENTER_REFUND, acts=True)],
    reader_id: str,
    refund: Typed = None,
    why: Why = "",
    version: Version = "",
    step: Step = PREVIEW,
) -> Waits:
    """Enter it; while Stripe can't say what it is, the reason stays in the form."""
    return Waits(visit, lambda: _enter(visit, reader_id, refund or "", why, version, step))


def _enter(visit: StaffVisit, reader_id: str, ref: str, why: str, version: str, step: str) -> Response:
    try:
        found = _at_stripe(visit, ref)
    except Unavailable as refusal:
        return again(visit, reader_id, lambda _: wishes.enter_refund(reader_id, ref, None), why, refusal)
    return act(
        visit,
        reader_id,
        lambda _: wishes.enter_refund(reader_id, ref, found),
        why=why,
        version=version,
        step=step,
    )
