"""Editors add newsletters, edit their words, retire them and bring them back. `newsletters` has their issues."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.newsletters.lists import UnknownNewsletter, newsletters
from billing.newsletters.models import Audience, Newsletter, NewsletterKind
from billing.newsletters.progress import audience_now
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.staff import newsletters as changes
from billing.staff.roles import Permission
from billing.web.staff import typed_forms
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.newsletter_lists import NewsletterListsPage, PublishedRow
from billing.web.views.typed_form import TypedForm

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.NEWSLETTERS)]
Acting = Annotated[StaffVisit, needs(Permission.NEWSLETTERS, acts=True)]
ROOM = "/staff/newsletters/lists"
Words = Annotated[str, Form(max_length=1000)]


@router.get(ROOM)
def show(visit: Seeing) -> Response:
    """Every newsletter, with the forms to change it."""
    return page(visit)


@router.post(ROOM)
def add(
    visit: Acting,
    newsletter: Words = "",
    name: Words = "",
    description: Words = "",
    rhythm: Words = "",
    audience: Words = "",
    kind: Words = "",
    reason: Words = "",
) -> Response:
    """Add a newsletter, with an empty list."""
    words = {"name": name, "description": description, "rhythm": rhythm}
    typed = words | {"newsletter": newsletter, "audience": audience, "kind": kind, "reason": reason}

    def do(ctx: TransactionContext) -> None:
        if audience not in list(Audience):
            raise Invalid("Choose whom it goes to.")
        if kind not in list(NewsletterKind):
            raise Invalid("Choose whether it is promotional.")
        of = Audience(audience), NewsletterKind(kind)
        changes.add_newsletter(ctx, newsletter.strip(), audience=of[0], kind=of[1], reason=reason, **words)

    return save(visit, "", "add", typed, do)


@router.post(f"{ROOM}/{{newsletter_id}}/edit")
def edit(
    visit: Acting,
    newsletter_id: str,
    name: Words = "",
    description: Words = "",
    rhythm: Words = "",
    reason: Words = "",
) -> Response:
    """Another name, description or rhythm."""
    words = {"name": name, "description": description, "rhythm": rhythm}

    def do(ctx: TransactionContext) -> None:
        changes.edit_newsletter(ctx, newsletter_id, reason=reason, **words)

    return save(visit, newsletter_id, "edit", words | {"reason": reason}, do)


@router.post(f"{ROOM}/{{newsletter_id}}/retire")
def retire(visit: Acting, newsletter_id: str, reason: Words = "") -> Response:
    """No more sign-ups and issues."""

    def do(ctx: TransactionContext) -> None:
        changes.retire_newsletter(ctx, newsletter_id, reason=reason)

    return save(visit, newsletter_id, "retire", {"reason": reason}, do)


@router.post(f"{ROOM}/{{newsletter_id}}/restore")
def restore(visit: Acting, newsletter_id: str, reason: Words = "") -> Response:
    """Sign-ups and issues again."""

    def do(ctx: TransactionContext) -> None:
        changes.restore_newsletter(ctx, newsletter_id, reason=reason)

    return save(visit, newsletter_id, "restore", {"reason": reason}, do)


def save(
    visit: StaffVisit,
    newsletter_id: str,
    name: str,
    typed: Mapping[str, str],
    do: Callable[[TransactionContext], object],
) -> Response:
    """Do what a form of the page asks for (see `typed_forms.save`). Raises UnknownNewsletter."""
    form = TypedForm(of=newsletter_id, name=name, values=typed)
    return typed_forms.save(visit, form, do, room=ROOM, page=page, unknown=UnknownNewsletter)


def page(visit: StaffVisit, typed: TypedForm | None = None, status: int = 200) -> Response:
    """The page, with the form that was sent."""
    with visit.begin() as ctx:
        rows = tuple(_row(ctx, list_) for list_ in newsletters(ctx.session))
    return visit.page(NewsletterListsPage(rows=rows, typed=typed), status)


def _row(ctx: TransactionContext, list_: Newsletter) -> PublishedRow:
    return PublishedRow(
        newsletter_id=list_.id,
        name=list_.name,
        description=list_.description,
        rhythm=list_.rhythm,
        promotional=list_.kind is NewsletterKind.PROMOTIONAL,
        for_subscribers=list_.audience is Audience.SUBSCRIBERS,
        people=audience_now(ctx.session, list_.id),
        retired_on=ctx.site.today(list_.retired_at) if list_.retired_at else None,
    )
