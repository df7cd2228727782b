"""Choosing newsletters: on their page, from the mail that asks, from each newsletter itself. A GET never changes anything (H5, H6)."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session
from starlette.responses import Response

from billing.http import cookies
from billing.http.client_ip import client_ip
from billing.newsletters import links, optin
from billing.newsletters.lists import newsletters
from billing.newsletters.models import Audience
from billing.newsletters.notices import LIFE, PURPOSE
from billing.newsletters.signups import Origin, Person, choices, leave, pending
from billing.platform.actors import WORKER
from billing.readers.models import Reader
from billing.readers.register import BadAddress
from billing.web.kit.visit import Guarded, Visit, Visiting, services_of
from billing.web.reader.signed_links import LINK_LIFE, BadLink
from billing.web.views.frame import Frame, Page
from billing.web.views.newsletters import (
    NewsletterBox,
    NewsletterChoicesPage,
    NewslettersAskedPage,
    NewslettersConfirmPage,
    NewslettersPage,
    UnsubscribePage,
)

router = APIRouter(include_in_schema=False)
Ticked = Annotated[list[str] | None, Form()]


def origin(visit: Visit, how: str) -> Origin:
    """Where this choice comes from, as evidence keeps it."""
    return Origin(how, visit.ip, visit.device)


def proved_person(visit: Visit) -> Person | None:
    """Whose choices this browser may see and change: nobody's until the address is proved by a mailed link.

    Who started a trial with a stranger's address is signed in by it, and what the stranger chose is not theirs to know."""
    return Person.of(visit.proved_reader) if visit.proved_reader else None


def boxes(session: Session, person: Person | None) -> tuple[NewsletterBox, ...]:
    """Every newsletter with its box; ticked where this person has it."""
    chosen = choices(session, person) if person else frozenset()
    waiting = pending(session, person) if person else frozenset()
    return tuple(
        NewsletterBox(
            id=each.id,
            name=each.name,
            description=each.description,
            rhythm=each.rhythm,
            subscribers_only=each.audience is Audience.SUBSCRIBERS,
            chosen=each.id in chosen,
            pending=each.id in waiting,
        )
        for each in newsletters(session)
    )


@router.get("/newsletters")
def show(visit: Visiting) -> Response:
    """All newsletters, and what a reader who has proved the address has chosen."""
    return _page(visit)


def _page(
    visit: Visit,
    *,
    ticked: list[str] | None = None,
    email: str = "",
    error: str | None = None,
    status: int = 200,
) -> Response:
    with visit.services.database.transaction() as session:
        found = boxes(session, proved_person(visit))
    if ticked:  # what was ticked before a mistake in the address is still ticked after it
        found = tuple(replace(each, chosen=each.id in ticked) for each in found)
    reader = visit.reader.email if visit.reader else None
    email_verified = visit.proved_reader is not None
    view = NewslettersPage(
        choices=found, reader=reader, email_verified=email_verified, email=email, error=error
    )
    return visit.page(view, status)


@router.post("/newsletters")
def choose(
    visit: Guarded,
    newsletter: Ticked = None,
    email: Annotated[str, Form()] = "",
    website: Annotated[str, Form()] = "",
) -> Response:
    """The boxes of a reader who is proved are the choice; anybody else's are asked about by mail, with one answer for all (C5)."""
    ticked, person = newsletter or [], proved_person(visit)
    if person is not None:
        return _save(visit, person, ticked, "page", "/newsletters")
    if not ticked:
        return _page(visit, email=email[:254], error="Tick at least one newsletter.", status=422)
    if visit.reader is not None:
        return _add(visit, visit.reader, ticked, "page", "/newsletters")
    try:
        if not website:  # people don't see that field, so whoever fills it is none
            with visit.begin() as ctx:
                optin.ask(ctx, email, ticked, origin(visit, "page"))
    except BadAddress as refusal:
        return _page(visit, ticked=ticked, email=email[:254], error=refusal.detail, status=422)
    return visit.go("/newsletters/asked")


@router.post("/newsletters/add")
def add(visit: Guarded, newsletter: Ticked = None) -> Response:
    """The boxes under "your trial has begun": what is ticked is added, what isn't stays as it is."""
    if visit.reader is None:
        return visit.go("/newsletters")
    return _add(visit, visit.reader, newsletter or [], "started", "/account")


def _add(visit: Visit, reader: Reader, ticked: list[str], how: str, back: str) -> Response:
    """Add what is ticked, and leave nothing."""
    with visit.services.database.transaction() as session:
        asked = _join(visit, session, Person.of(reader), ticked, how)
    return visit.go(back, "newsletters-asked" if asked else "newsletters-saved")


@router.get("/newsletters/asked")
def asked(visit: Visiting) -> Response:
    """Check your mail."""
    return visit.page(NewslettersAskedPage(days=LIFE.days))


def _save(visit: Visit, person: Person, ticked: list[str], how: str, back: str) -> Response:
    """Make the boxes the choice: join what is new, leave what is unticked."""
    with visit.begin() as ctx:
        now = choices(ctx.session, person)
        leave(ctx, person, now - set(ticked), origin(visit, how))
        asked = _join(visit, ctx.session, person, [name for name in ticked if name not in now], how)
    return visit.go(back, "newsletters-asked" if asked else "newsletters-saved")


def _join(visit: Visit, session: Session, person: Person, wanted: list[str], how: str) -> bool:
    """Whether a mail had to be sent first. Who came by a mailed link has proved the address; so has a session begun with one."""
    email_verified = how == "preferences" or visit.proved_reader is not None
    return optin.join_or_ask(
        visit.context(session), person, wanted, origin(visit, how), email_verified=email_verified
    )


@router.get("/newsletters/confirm/{token}")
def follow_confirm(visit: Visiting, token: str) -> Response:
    """Take the token out of the address bar."""
    return _keep(visit, PURPOSE, token, "/newsletters/confirm")


@router.get("/newsletters/confirm")
def ask_confirm(visit: Visiting) -> Response:
    """The button that says yes."""
    with visit.begin() as ctx:
        rows = optin.asked_by(ctx, visit.cookie(cookies.LINK))
        names = _names(ctx.session, [row.newsletter_id for row in rows])
    return visit.page(NewslettersConfirmPage(names=names))


@router.post("/newsletters/confirm")
def confirm(visit: Guarded) -> Response:
    """Yes."""
    with visit.begin() as ctx:
        done = optin.confirm(ctx, visit.cookie(cookies.LINK), origin(visit, "confirmation mail"))
        names = _names(ctx.session, done)
    visit.takes.append(cookies.LINK)
    return visit.page(NewslettersConfirmPage(names=names, done=True))


def _names(session: Session, ids: list[str]) -> tuple[str, ...]:
    return tuple(each.name for each in newsletters(session) if each.id in ids)


@router.get("/newsletters/mine/{token}")
def follow_mine(visit: Visiting, token: str) -> Response:
    """From a newsletter to the page with all of them; a test mail's link goes where everybody may."""
    if visit.services.site.tokens.subject_of(links.PREFERENCES, token) == links.TEST:
        return visit.go("/newsletters")
    return _keep(visit, links.PREFERENCES, token, "/newsletters/mine")


@router.get("/newsletters/mine")
def mine(visit: Visiting) -> Response:
    """The lists, without signing in and without anything else about the reader (C7)."""
    with visit.services.database.transaction() as session:
        found = boxes(session, _person(visit, session))
    return visit.page(NewsletterChoicesPage(choices=found))


@router.post("/newsletters/mine")
def save_mine(visit: Guarded, newsletter: Ticked = None, stop_all: Annotated[str, Form()] = "") -> Response:
    """Save the boxes, or leave every list with one button."""
    with visit.begin() as ctx:
        person = _person(visit, ctx.session)
        if stop_all == "yes":
            leave(ctx, person, None, origin(visit, "preferences"))
    if stop_all == "yes":
        return visit.go("/newsletters/mine", "newsletters-stopped")
    return _save(visit, person, newsletter or [], "preferences", "/newsletters/mine")


def _person(visit: Visit, session: Session) -> Person:
    person = links.person_with(visit.context(session), visit.cookie(cookies.LINK))
    if person is None:
        raise BadLink
    return person


def _keep(visit: Visit, purpose: str, token: str, page: str) -> Response:
    if visit.services.site.tokens.subject_of(purpose, token) is None:
        raise BadLink
    visit.give(cookies.LINK, token, LINK_LIFE)
    return visit.go(page)


@router.api_route("/u/{token}", methods=["GET", "HEAD"])
def ask_unsubscribe(request: Request, token: str) -> Response:
    """A page with a button, for people; scanners that follow the link change nothing (H5)."""
    services = services_of(request)
    with services.database.begin(services.site, services.clock.now(), WORKER) as ctx:
        if not links.is_genuine(services.site, token):
            raise BadLink
        found = links.newsletter_of(ctx, token)
    return _bare(request, UnsubscribePage(name=found.name if found else None, action=f"/u/{token}"))


@router.post("/u/{token}")
def unsubscribe(request: Request, token: str) -> Response:
    """One click, by a person or a mail program: no cookie, no form token, whatever the body; 200 and no redirect (H4).

    Asking again, or for a list one isn't on, is answered the same (H7)."""
    services = services_of(request)
    if not links.is_genuine(services.site, token):
        raise BadLink
    source = Origin("one click", client_ip(request, services), request.headers.get("user-agent", "")[:300])
    with services.database.begin(services.site, services.clock.now(), WORKER) as ctx:
        found = links.newsletter_of(ctx, token)
        links.unsubscribe(ctx, token, source)
    view = UnsubscribePage(name=found.name if found else None, action=f"/u/{token}", done=True)
    return _bare(request, view)


def _bare(request: Request, view: Page) -> Response:
    """A page that neither reads nor sets a cookie."""
    services = services_of(request)
    today = services.site.today(services.clock.now())
    frame = Frame(
        house=services.sender.house,
        csrf="",
        path="/newsletters",
        today=today,
        paper_url=services.settings.paper,
    )
    return HTMLResponse(request.app.state.look.page(view, frame))
