"""Closing the account, so that it is erased: what that does, the button, and taking it back (POP-5)."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.personal_data import ask
from billing.platform.actors import ReaderActor
from billing.platform.errors import Conflict
from billing.rules.money import Money
from billing.web.kit.problems import words_of
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import step_up, way
from billing.web.reader.guard import signed_in
from billing.web.views.erase import AccountClosedPage, EraseAskedPage, ErasePage

router = APIRouter(include_in_schema=False)


@router.get("/account/erase")
def ask_erase(visit: Visiting) -> Response:
    """What closing does, after a fresh sign-in (SEC-2); once it is closed, the way back. Raises RedirectReader."""
    if visit.reader is None:
        return way.sign_in_first(visit, visit.path)
    with visit.read() as ctx:
        erasure = ask.open_of(ctx.session, visit.reader.id)
    if erasure is not None:
        today = visit.services.site.today
        return visit.page(
            EraseAskedPage(
                email=visit.reader.email, erases_on=today(erasure.erases_at), due_on=today(erasure.due_at)
            )
        )
    step_up.require_fresh(visit, "erase")
    return visit.page(_page(visit, visit.reader.id, visit.reader.email))


def _page(visit: Visit, reader_id: str, email: str) -> ErasePage:
    try:
        with visit.read() as ctx:
            found = ask.preview(ctx, reader_id)
    except Conflict as refusal:
        return ErasePage(email=email, problem=words_of(refusal))
    today = visit.services.site.today
    return ErasePage(
        email=email,
        ends=found.ends,
        amount=Money(found.cents) if found.cents else None,
        staff_decide=found.staff_decide,
        waits=found.waits,
        keeps=found.keeps,
        erases_on=today(found.erases_at),
        due_on=today(found.due_at),
    )


@router.post("/account/erase")
def erase(visit: Guarded) -> Response:
    """Close it now. Raises RedirectReader, and as `ask.ask`."""
    reader = step_up.require_fresh(visit, "erase")
    with visit.begin() as ctx:
        ask.ask(ctx.acting_as(ReaderActor(reader.id)), reader.id)
    return visit.go("/account/closed")


@router.get("/account/closed")
def closed(visit: Visiting) -> Response:
    """It is closed. For a browser that is signed out."""
    return visit.page(AccountClosedPage())


@router.post("/account/erase/keep")
def keep(visit: Guarded) -> Response:
    """Take the erasure back. Raises RedirectReader, NothingToKeep."""
    reader = signed_in(visit)
    with visit.begin() as ctx:
        ask.take_back(ctx.acting_as(ReaderActor(reader.id)), reader.id)
    return visit.go("/account", "account-kept")
