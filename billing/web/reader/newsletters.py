"""Choosing newsletters: on their page, from the mail that asks, from each newsletter itself. A GET changes nothing (H5, H6)."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session
from starlette.responses import Response

from billing.http import cookies
from billing.http.client_ip import client_ip
from billing.mail.suppression_models import Suppression
from billing.newsletters import links, optin, undo
from billing.newsletters.blocks import WHY, blocks, is_final
from billing.newsletters.lists import RetiredNewsletter, newsletters, require_published
from billing.newsletters.models import SignupState
from billing.newsletters.notices import LIFE, PURPOSE, in_a_row
from billing.newsletters.signups import Origin, Person, choices, leave, states
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.readers.register import BadAddress
from billing.web.kit import page_language
from billing.web.kit.problems import words_of
from billing.web.kit.visit import Guarded, Visit, Visiting, services_of
from billing.web.reader.signed_links import BadLink, keep_link
from billing.web.views.frame import Frame, Page, no_token
from billing.web.views.newsletters import (
    BoxBlock,
    NewsletterBox,
    NewsletterChoicesPage,
    NewslettersAskedPage,
    NewslettersConfirmPage,
    NewslettersPage,
    UnsubscribePage,
)
from emails.languages import Text, say

router = APIRouter(include_in_schema=False)
Ticked = Annotated[list[str] | None, Form()]


def _origin(visit: Visit, source: str) -> Origin:
    return Origin(source, visit.ip, visit.device)


def proved_person(visit: Visit) -> Person | None:
    """Whose choices this browser may see and change; None until a mailed link proves the address.

    A start with a stranger's address signs the browser in, and must not show what the stranger chose."""
    return Person.of(visit.proved_reader) if visit.proved_reader else None


def boxes(ctx: TransactionContext, person: Person | None) -> tuple[NewsletterBox, ...]:
    """Every newsletter with its box; ticked where this person has it and it is sent. A retired one only where it is ticked."""
    session, found = ctx.session, newsletters(ctx.session)
    of_person = states(session, person) if person else {}
    chosen, pending = (of_person.get(state, ()) for state in (SignupState.CONFIRMED, SignupState.PENDING))
    ids = [row.id for row in found]
    blocked = blocks(session, ctx.site.tokens, person.address, ids) if person else {}
    return tuple(
        NewsletterBox(
            newsletter=row,
            chosen=row.id in chosen and row.id not in blocked,
            pending=row.id in pending,
            block=_box_block(ctx, blocked[row.id]) if row.id in blocked else None,
        )
        for row in found
        if row.retired_at is None or (row.id in chosen and row.id not in blocked)
    )


def _box_block(ctx: TransactionContext, block: Suppression) -> BoxBlock:
    return BoxBlock(since=ctx.site.today(block.at), why=WHY[block.reason], is_final=is_final(block))


@router.get("/newsletters")
def show(visit: Visiting) -> Response:
    """All newsletters, and what a reader who has proved the address has chosen."""
    return _page(visit)


def _page(
    visit: Visit, *, ticked: Sequence[str] = (), email: str = "", error: Text | None = None
) -> Response:
    with visit.read() as ctx:
        shown = boxes(ctx, proved_person(visit))
    if ticked:  # what was ticked before a mistake in the address is still ticked after it
        shown = tuple(replace(box, chosen=box.newsletter.id in ticked) for box in shown)
    view = NewslettersPage(
        choices=shown,
        reader=visit.reader.email if visit.reader else None,
        email_verified=visit.proved_reader is not None,
        email=email[:254],
        error=error,
    )
    return visit.page(view, 422 if error else 200)


@router.post("/newsletters")
def choose(
    visit: Guarded,
    newsletter: Ticked = None,
    email: Annotated[str, Form()] = "",
    website: Annotated[str, Form()] = "",
) -> Response:
    """A proved reader's boxes are the choice. For any other address a mail asks first, and the answer is always the same (C5)."""
    ticked, person = newsletter or [], proved_person(visit)
    if person is None and not ticked:
        return _page(visit, email=email, error=say("Tick at least one newsletter."))
    try:
        if person is not None:
            return _save(visit, person, ticked, "page", "/newsletters")
        if visit.reader is not None:
            return _add(visit, visit.reader, ticked, "page", "/newsletters")
        if not website:  # people don't see that field: a robot filled it
            with visit.begin() as ctx:
                optin.ask(ctx, email, ticked, _origin(visit, "page"))
    except (BadAddress, RetiredNewsletter) as refusal:
        return _page(visit, ticked=ticked, email=email, error=words_of(refusal))
    return visit.go("/newsletters/asked")


@router.post("/newsletters/add")
def add(visit: Guarded, newsletter: Ticked = None) -> Response:
    """The boxes under "your trial has begun": what is ticked is added; the others stay as they are."""
    if visit.reader is None:
        return visit.go("/newsletters")
    try:
        return _add(visit, visit.reader, newsletter or [], "started", "/account")
    except RetiredNewsletter as refusal:
        person = proved_person(visit)
        with visit.read() as ctx:
            before = choices(ctx.session, person) if person else ()
        return _page(visit, ticked=[*(newsletter or ()), *before], error=words_of(refusal))


def _add(visit: Visit, reader: Reader, ticked: list[str], source: str, back: str) -> Response:
    """Add what is ticked, and leave nothing."""
    with visit.begin() as ctx:
        return _join(visit, ctx, Person.of(reader), ticked, source, back)


@router.get("/newsletters/asked")
def asked(visit: Visiting) -> Response:
    """Check your mail."""
    return visit.page(NewslettersAskedPage(days=LIFE.days))


def _save(visit: Visit, person: Person, ticked: list[str], source: str, back: str) -> Response:
    """Make the boxes the choice: join what is new, leave what is unticked."""
    with visit.begin() as ctx:
        before = choices(ctx.session, person)
        # a box of a blocked one is shown empty: left empty it says nothing, and ticked it asks by mail
        before -= blocks(ctx.session, ctx.site.tokens, person.address, before).keys()
        leave(ctx, person, before - set(ticked), _origin(visit, source))
        return _join(visit, ctx, person, [name for name in ticked if name not in before], source, back)


def _join(
    visit: Visit, ctx: TransactionContext, person: Person, names: list[str], source: str, back: str
) -> Response:
    """Join, or mail a question first. A mailed link proves the address; so does a session that began with one."""
    email_verified = source == "preferences" or visit.proved_reader is not None
    asked = optin.join_or_ask(ctx, person, names, _origin(visit, source), email_verified=email_verified)
    return visit.go(back, "newsletters-asked" if asked else "newsletters-saved")


@router.get("/newsletters/confirm/{token}")
def follow_confirm(visit: Visiting, token: str) -> Response:
    """Move the token from the address to a cookie. Raises BadLink."""
    return keep_link(visit, PURPOSE, token, "/newsletters/confirm")


@router.get("/newsletters/confirm")
def ask_confirm(visit: Visiting) -> Response:
    """The button that says yes."""
    with visit.begin() as ctx:  # not `read`: what the link names is found locked
        rows = optin.asked_by(ctx, visit.cookie(cookies.LINK))
        view = _confirm_page(ctx.session, [row.newsletter_id for row in rows])
    return visit.page(view)


@router.post("/newsletters/confirm")
def confirm(visit: Guarded) -> Response:
    """Yes."""
    token = visit.cookie(cookies.LINK)
    with visit.begin() as ctx:
        asked = [row.newsletter_id for row in optin.asked_by(ctx, token)]
        optin.confirm(ctx, token, _origin(visit, "confirmation mail"))
        view = _confirm_page(ctx.session, asked)
    visit.takes.append(cookies.LINK)
    return visit.page(replace(view, done=True))


def _confirm_page(session: Session, ids: list[str]) -> NewslettersConfirmPage:
    """The page for these newsletters. Raises RetiredNewsletter where all are retired."""
    asked = [each for each in newsletters(session) if each.id in ids]
    view = NewslettersConfirmPage.of(asked)
    if not view.names:
        require_published(asked)
    return view


@router.get("/newsletters/mine/{token}")
def follow_mine(visit: Visiting, token: str) -> Response:
    """From a newsletter to the page with all of them; from a test mail to the public page. Raises BadLink."""
    if visit.services.site.tokens.subject_of(links.PREFERENCES, token) == links.TEST:
        return visit.go("/newsletters")
    return keep_link(visit, links.PREFERENCES, token, "/newsletters/mine")


@router.get("/newsletters/mine")
def mine(visit: Visiting) -> Response:
    """The lists, without signing in and without anything else about the reader (C7). Raises BadLink."""
    return _mine(visit)


def _mine(visit: Visit, ticked: Sequence[str] | None = None, error: Text | None = None) -> Response:
    with visit.read() as ctx:
        person = _person(visit, ctx)
        shown, stop = boxes(ctx, person), undo.last_stop(ctx, person)
        stopped = tuple(row.name for row in newsletters(ctx.session) if row.id in stop.newsletter_ids)
        if ticked is not None:
            shown = tuple(replace(box, chosen=box.newsletter.id in ticked) for box in shown)
        view = NewsletterChoicesPage(
            choices=shown,
            stopped=stopped,
            stopped_at=stop.at.isoformat() if stop.at else "",
            blocked=WHY[stop.blocked] if stop.blocked else None,
            error=error,
        )
    return visit.page(view, 422 if error else 200)


@router.post("/newsletters/mine")
def save_mine(visit: Guarded, newsletter: Ticked = None, stop_all: Annotated[str, Form()] = "") -> Response:
    """Save the boxes, or leave every list with one button. Raises BadLink."""
    with visit.begin() as ctx:
        person = _person(visit, ctx)
        if stop_all == "yes":
            leave(ctx, person, None, _origin(visit, "preferences"))
            return visit.go("/newsletters/mine", "newsletters-stopped")
    ticked = newsletter or []
    try:
        return _save(visit, person, ticked, "preferences", "/newsletters/mine")
    except RetiredNewsletter as refusal:
        return _mine(visit, ticked, words_of(refusal))


@router.post("/newsletters/mine/back")
def take_mine_back(visit: Guarded, stopped_at: Annotated[str, Form()] = "") -> Response:
    """Undo the stop that the page showed, of one list or all. Raises BadLink."""
    with visit.begin() as ctx:
        origin = _origin(visit, undo.TAKEN_BACK)
        done = undo.take_back(ctx, _person(visit, ctx), origin, only_of=stopped_at)
    return visit.go("/newsletters/mine", "newsletters-taken-back" if done else "newsletters-not-taken-back")


def _person(visit: Visit, ctx: TransactionContext) -> Person:
    person = links.person_with(ctx, visit.cookie(cookies.LINK))
    if person is None:
        raise BadLink
    return person


@router.api_route("/u/{token}", methods=["GET", "HEAD"])
def ask_unsubscribe(request: Request, token: str) -> Response:
    """A page with a button, for people; scanners that follow the link change nothing (H5). Raises BadLink."""
    with _unsubscribing(request, token) as ctx:
        view = _unsubscribe_page(ctx, token)
    return _bare(request, view)


@router.post("/u/{token}")
def unsubscribe(request: Request, token: str) -> Response:
    """One click, by a person or a mail program: no cookie, no form token, any body; 200 and no redirect (H4).

    A repetition, or a list that the reader isn't on, gets the same answer (H7). Raises BadLink."""
    with _unsubscribing(request, token) as ctx:
        links.unsubscribe(ctx, token, _origin_of(request, "one click"))
        view = _stopped_page(ctx, token)
    return _bare(request, view)


@router.post("/u/{token}/back")
def take_back(request: Request, token: str) -> Response:
    """Undo the stop that this link made within the hour. The link is the permission, so there is no form token. Raises BadLink."""
    with _unsubscribing(request, token) as ctx:
        links.take_stop_back(ctx, token, _origin_of(request, undo.TAKEN_BACK))
    return RedirectResponse(f"/u/{token}/back", status_code=303)


@router.api_route("/u/{token}/back", methods=["GET", "HEAD"])
def taken_back(request: Request, token: str) -> Response:
    """Whether the newsletter comes again, as it is now. Raises BadLink."""
    with _unsubscribing(request, token) as ctx:
        view = replace(_stopped_page(ctx, token), taken_back=links.is_on_list(ctx, token))
    return _bare(request, view)


def _unsubscribe_page(ctx: TransactionContext, token: str) -> UnsubscribePage:
    found = links.newsletters_of(ctx, token)
    return UnsubscribePage(
        name=in_a_row([row.name for row in found]) if found else None,
        action=f"/u/{token}",
        several=len(found) > 1,
        retired=bool(found) and all(row.retired_at is not None for row in found),
    )


def _stopped_page(ctx: TransactionContext, token: str) -> UnsubscribePage:
    stop = links.stop_of(ctx, token)
    return replace(
        _unsubscribe_page(ctx, token),
        done=True,
        can_take_back=bool(stop.signups),
        blocked=WHY[stop.blocked] if stop.blocked else None,
    )


def _origin_of(request: Request, source: str) -> Origin:
    device = request.headers.get("user-agent", "")[:300]
    return Origin(source, client_ip(request, services_of(request)), device)


def _unsubscribing(request: Request, token: str) -> AbstractContextManager[TransactionContext]:
    services = services_of(request)
    if not links.is_genuine(services.site, token):
        raise BadLink
    return services.database.begin(services.site, services.clock.now(), WORKER)


def _bare(request: Request, view: Page) -> Response:
    """A page that neither reads nor sets a cookie."""
    services = services_of(request)
    frame = Frame(
        house=services.sender.house,
        csrf=no_token,
        path="/newsletters",
        today=services.site.today(services.clock.now()),
        paper_url=services.settings.paper,
        language=page_language.wanted(request, services),
    )
    return HTMLResponse(request.app.state.renderer.page(view, frame))
