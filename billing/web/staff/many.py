"""Act on many readers: the list of such acts, and the form that chooses readers and what to do."""

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.staff import members
from billing.staff.bulk import choose, decide, run
from billing.staff.bulk.models import BulkAction, BulkKind
from billing.staff.bulk.terms import KINDS, Terms, load
from billing.staff.roles import Permission
from billing.web.staff.guard import StaffVisit, needs, refuse
from billing.web.staff.many_forms import TypedMany, fields_of, kind_of, read_terms
from billing.web.views.bulk import BulkRow, StaffManyNewPage, StaffManyPage

router = APIRouter(include_in_schema=False)
ROOM = "/staff/many"
LATEST = 30
AT_ONCE = 40
"""Lines that the request itself checks, so that a short list has its preview at once; the worker checks the rest."""
MOST_SHOWN = 50
Written = Annotated[str, Query(max_length=2000)]
Acting = Annotated[StaffVisit, needs(Permission.MANY, acts=True)]


@router.get(ROOM)
def show(
    visit: Annotated[StaffVisit, needs(Permission.MANY)],
    before: Annotated[str, Query(max_length=40)] = "",
    of: Annotated[str, Query(max_length=60)] = "",
    query: Written = "",
) -> Response:
    """The latest, with how far each is. `of` and `query`: a list and its filter, to act on who fits."""
    with visit.read() as ctx:
        actions = decide.latest(ctx.session, LATEST + 1, older_than=before)
        rows = tuple(_row(ctx, action) for action in actions[:LATEST])
    older = f"{ROOM}?before={rows[-1].action_id}" if len(actions) > LATEST else None
    more = f"&{urlencode({'of': of, 'query': query})}" if of else ""
    return visit.page(StaffManyPage(kinds=kinds_for(visit), of=of, more=more, rows=rows, older=older))


def kinds_for(visit: StaffVisit) -> tuple[tuple[str, str], ...]:
    """What this member may do for many, as (value, words)."""
    return tuple((kind.value, kind.words) for kind, terms in KINDS.items() if visit.may(terms.what))


def _row(ctx: TransactionContext, action: BulkAction) -> BulkRow:
    return BulkRow(
        action_id=action.id,
        what=f"{action.kind.words}: {load(action).words}",
        made_by=members.by_id(ctx.session, action.made_by).email,
        made_at=action.made_at,
        state=decide.state_now(ctx, action).words,
    )


@router.get(f"{ROOM}/new")
def ask(
    visit: Annotated[StaffVisit, needs(Permission.MANY)],
    kind: Annotated[str, Query(max_length=20)] = "",
    of: Annotated[str, Query(max_length=60)] = "",
    query: Written = "",
) -> Response:
    """The form of one kind, by default the first that the role may do. Raises NotAKind, NotYourRole."""
    chosen = kind_of(kind or kinds_for(visit)[0][0])
    may_do(visit, chosen)
    return _form(visit, chosen, TypedMany(kind=chosen.value, of=of or None, query=query))


@router.post(f"{ROOM}/new")
def make(visit: Acting, typed: Annotated[TypedMany, Depends()]) -> Response:
    """Freeze the pasted readers and show the preview. Entries that fit nobody are named, and nothing is made until they are left out.

    Raises NotAKind, NotYourRole."""
    kind = kind_of(typed.kind)
    may_do(visit, kind)
    try:
        terms = read_terms(kind, typed)
        with visit.begin() as ctx:
            action, unknown = _make(ctx, terms, typed)
    except Invalid as refusal:
        return _form(visit, kind, typed, error=refusal.detail)
    return _form(visit, kind, typed, unknown=unknown) if action is None else opened(visit, action)


def _make(
    ctx: TransactionContext, terms: Terms, typed: TypedMany
) -> tuple[BulkAction | None, tuple[str, ...]]:
    """The act that was made; or the entries that fit nobody, where they aren't to be left out."""
    if typed.of:
        return decide.make(ctx, terms, _filtered(ctx, typed.of, typed.query)), ()
    pasted = choose.read_pasted(ctx.session, typed.who)
    if pasted.unknown and typed.skip != "yes":
        return None, pasted.unknown
    chosen = {"by": choose.ChosenBy.LIST.value, "left_out": len(pasted.unknown)}
    return decide.make(ctx, terms, chosen, pasted.reader_ids), ()


def _filtered(ctx: TransactionContext, of: str, query: str) -> dict[str, Any]:
    """The selection of a list's filter. Raises NoSuchFilter."""
    return choose.by_filter(ctx, of, dict(parse_qsl(query)))


def may_do(visit: StaffVisit, kind: BulkKind) -> None:
    """Refuse, and audit, what the role may not do for one reader either. Raises NotYourRole."""
    what = KINDS[kind].what
    if not visit.may(what):
        refuse(visit, what)


def opened(visit: StaffVisit, action: BulkAction) -> Response:
    """Go to the page of an act that was just made; a short list is checked first."""
    run.work_on(visit.services.database, visit.services.site, action.id, visit.at, most=AT_ONCE)
    return visit.go(f"{ROOM}/{action.id}")


def _form(
    visit: StaffVisit,
    kind: BulkKind,
    typed: TypedMany,
    *,
    unknown: tuple[str, ...] = (),
    error: str | None = None,
) -> Response:
    if unknown:
        error = "Some of these fit no reader. Correct them, or leave them out."
    with visit.read() as ctx:
        fits = ""
        if typed.of:
            try:
                fits = f"{typed.of}, {_filtered(ctx, typed.of, typed.query)['words']}"
            except choose.NoSuchFilter as refusal:
                error = error or refusal.detail
        view = StaffManyNewPage(
            kind=kind.value,
            title=f"{kind.words}: many readers",
            who=typed.who,
            of=typed.of or "",
            query=typed.query,
            fits=fits,
            fields=fields_of(ctx, kind, typed),
            unknown=unknown[:MOST_SHOWN],
            error=error,
        )
    return visit.page(view, 422 if error else 200)
