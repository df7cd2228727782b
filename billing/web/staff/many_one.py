"""One act on many readers: its preview, its beginning, its progress, its result as a page and as a file."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid, Refusal
from billing.reports import sheets
from billing.rules.bulk_action import ENDED, BulkEvent, BulkState, after
from billing.rules.money import Money, major
from billing.staff import approvals, audit, members, reads
from billing.staff.acts.shape import moment
from billing.staff.approval_models import Approval
from billing.staff.bulk import choose, decide, results
from billing.staff.bulk.decide import Sum
from billing.staff.bulk.models import BulkAction, BulkKind, LineState
from billing.staff.bulk.terms import MailTerms, load
from billing.staff.roles import Permission
from billing.web.kit.typed import LINES
from billing.web.staff.csv_answer import stream_csv
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.many import ROOM, may_do
from billing.web.views.bulk import BulkCount, BulkLineRow, StaffBulkPage

router = APIRouter(include_in_schema=False)
ROWS = 50
WORDS = {
    LineState.CHOSEN: "not checked yet",
    LineState.READY: "to be done",
    LineState.DONE: "done",
    LineState.REFUSED: "refused",
}
LEFT = "left undone"
ACTS = {BulkEvent.STOP: "stop", BulkEvent.RESUME: "resume", BulkEvent.GIVE_UP: "give-up"}
COLUMNS = (
    "reader",
    "address",
    "external id",
    "charge",
    "result",
    "rand back incl. VAT",
    "days",
    "words",
    "done at",
)
Acting = Annotated[StaffVisit, needs(Permission.MANY, acts=True)]
Starting = Annotated[StaffVisit, needs(Permission.MANY, acts=True, fresh=True)]
Seeing = Annotated[StaffVisit, needs(Permission.MANY)]
Exporting = Annotated[StaffVisit, needs(Permission.MANY, fresh=True, page=ROOM)]


class NotAgreed(Invalid):
    """Tick the box to say that you have read what happens, and to whom."""

    code = "not_agreed"


@router.get(f"{ROOM}/{{action_id}}")
def show(
    visit: Seeing,
    action_id: str,
    only: Annotated[str, Query(max_length=20)] = "",
    after_line: Annotated[str, Query(alias="after", max_length=60)] = "",
) -> Response:
    """How it stands, and its lines in pages. Raises UnknownBulkAction."""
    return _page(visit, action_id, only=only, after_line=after_line)


@router.post(f"{ROOM}/{{action_id}}/start")
def start(
    visit: Starting,
    action_id: str,
    reason: Annotated[str, Form(max_length=1000), LINES] = "",
    agreed: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Begin it, or ask a second member. Raises UnknownBulkAction, NotYourRole."""
    with visit.read() as ctx:
        kind = decide.one(ctx.session, action_id).kind
    may_do(visit, kind)
    try:
        if agreed != "yes":
            raise NotAgreed
        with visit.begin() as ctx:
            ready = decide.sums(ctx.session, action_id)[LineState.READY]
            second = decide.needs_second(ctx, ready)
            if second:
                approvals.ask_for_bulk(ctx, action_id, reason=reason)
            else:
                decide.begin(ctx, action_id, reason=reason)
    except Refusal as refusal:
        return _page(visit, action_id, draft=reason, refusal=refusal)
    return visit.go(f"{ROOM}/{action_id}", "staff-asked-second" if second else "staff-many-begun")


@router.post(f"{ROOM}/{{action_id}}/stop")
def stop(visit: Acting, action_id: str) -> Response:
    """Stop it after the line that is being done. Raises UnknownBulkAction, StandsOtherwise."""
    with visit.begin() as ctx:
        decide.stop(ctx, action_id)
    return visit.go(f"{ROOM}/{action_id}", "staff-many-stopped")


@router.post(f"{ROOM}/{{action_id}}/resume")
def resume(visit: Starting, action_id: str) -> Response:
    """Go on with the rest. Raises UnknownBulkAction, StandsOtherwise."""
    with visit.begin() as ctx:
        decide.resume(ctx, action_id)
    return visit.go(f"{ROOM}/{action_id}", "staff-many-begun")


@router.post(f"{ROOM}/{{action_id}}/give-up")
def give_up(visit: Acting, action_id: str) -> Response:
    """Leave the rest undone for good. Raises UnknownBulkAction, StandsOtherwise."""
    with visit.begin() as ctx:
        decide.give_up(ctx, action_id)
    return visit.go(f"{ROOM}/{action_id}", "staff-many-given-up")


@router.get(f"{ROOM}/{{action_id}}/result.csv")
def export(visit: Exporting, action_id: str) -> Response:
    """All lines as a file. The export is audited. Raises UnknownBulkAction."""
    with visit.begin() as ctx:
        decide.one(ctx.session, action_id)
        lines = sum(each.lines for each in decide.sums(ctx.session, action_id).values())
        reads.note_rows(ctx, f"GET {ROOM}/result.csv", lines)
        audit.write(ctx, "export_many", subject=action_id, after={"lines": lines})
    return stream_csv(f"act-on-many-{action_id}.csv", sheets.lines(COLUMNS, _cells(visit, action_id)))


def _cells(visit: StaffVisit, action_id: str) -> Iterator[list[object]]:
    database = visit.services.reports_source().database
    with database.transaction() as session:  # its own: the file is sent after the request's transaction
        ended = decide.one(session, action_id).state in ENDED
        for found in results.all_lines(session, action_id):
            line = found.line
            yield [
                line.reader_id,
                found.email,
                found.external_id or "",
                line.payment_id or "",
                _result_of(line.state, ended),
                major(line.cents),
                line.days,
                line.words,
                line.done_at.isoformat() if line.done_at else "",
            ]


def _page(
    visit: StaffVisit,
    action_id: str,
    *,
    only: str = "",
    after_line: str = "",
    draft: str = "",
    refusal: Refusal | None = None,
) -> Response:
    with visit.read() as ctx:
        view = _view(visit, ctx, decide.one(ctx.session, action_id), only, after_line, draft, refusal)
    return visit.page(view, refusal.status if refusal else 200)


def _view(
    visit: StaffVisit,
    ctx: TransactionContext,
    action: BulkAction,
    only: str,
    after_line: str,
    draft: str,
    refusal: Refusal | None,
) -> StaffBulkPage:
    sums, terms = decide.sums(ctx.session, action.id), load(action)
    state = decide.state_now(ctx, action)
    shown = LineState(only) if only in set(LineState) else _first_to_show(sums)
    found = results.page(ctx.session, action.id, shown, after=after_line, limit=ROWS + 1)
    more = (
        f"{ROOM}/{action.id}?only={shown.value}&after={found[ROWS - 1].line.subject}"
        if len(found) > ROWS
        else None
    )
    approval = ctx.session.get(Approval, action.approval_id) if action.approval_id else None
    total = sum(each.lines for each in sums.values())
    is_done = state not in (BulkState.CHOOSING, BulkState.CHECKING)
    left = sums[LineState.READY if is_done else LineState.CHOSEN].lines
    given = sums[LineState.DONE] if action.started_at else sums[LineState.READY]
    may = visit.may(Permission.MANY) and visit.may(terms.what)
    is_shown = state in (BulkState.PREVIEWED, BulkState.ASKED)
    changed, changed_at = results.changed(ctx.session, action) if is_shown else (0, None)
    may_start = may and state is BulkState.PREVIEWED and sums[LineState.READY].lines > 0
    return StaffBulkPage(
        action_id=action.id,
        title=action.kind.words,
        made_by=members.by_id(ctx.session, action.made_by).email,
        made_at=action.made_at,
        chosen=_chosen(ctx, action),
        summary=decide.summary(action, given),
        state=state,
        counts=tuple(_count(each, sums[each], state in ENDED) for each in LineState if sums[each].lines),
        total=total,
        finished=total - left,
        changed=changed,
        changed_at=changed_at,
        may_start=may_start,
        acts=tuple(name for event, name in ACTS.items() if may and after(state, event) is not None),
        second=may_start and decide.needs_second(ctx, sums[LineState.READY]),
        reader_reads=action.kind is BulkKind.REFUND,
        reason=draft or action.reason,
        letter=tuple(terms.text.split("\n\n")) if isinstance(terms, MailTerms) else (),
        approval_until=approval.expires_at if approval and state is BulkState.ASKED else None,
        started_at=action.started_at,
        ended_at=action.ended_at,
        stopped_because=action.stopped_because,
        reasons=results.reasons(ctx.session, action.id) if sums[LineState.REFUSED].lines else (),
        show=shown.value,
        rows=tuple(_row(each) for each in found[:ROWS]),
        more=more,
        error=refusal.detail if refusal else None,
    )


def _first_to_show(sums: dict[LineState, Sum]) -> LineState:
    """What is worth looking at first: what is to be done, else what was done, else what was refused."""
    order = (LineState.READY, LineState.DONE, LineState.REFUSED)
    return next((state for state in order if sums[state].lines), LineState.CHOSEN)


def _result_of(state: LineState, ended: bool) -> str:
    return LEFT if ended and state in (LineState.CHOSEN, LineState.READY) else WORDS[state]


def _count(state: LineState, found: Sum, ended: bool) -> BulkCount:
    amount = Money(found.cents) if found.cents else None
    return BulkCount(
        value=state.value, words=_result_of(state, ended), lines=found.lines, amount=amount, days=found.days
    )


def _row(found: results.FoundLine) -> BulkLineRow:
    line = found.line
    return BulkLineRow(
        reader_id=line.reader_id,
        email=found.email,
        state=WORDS[line.state],
        refused=line.state is LineState.REFUSED,
        words=line.words,
        amount=Money(line.cents) if line.cents else None,
        days=line.days,
    )


def _chosen(ctx: TransactionContext, action: BulkAction) -> str:
    """How its readers were chosen, in a sentence."""
    if action.selection["by"] == choose.ChosenBy.FILTER:
        return f"All in the list of {action.selection['of']}, {action.selection['words']}."
    span = choose.span_of(action)
    if span is None:
        out = action.selection.get("left_out", 0)
        return "From a pasted list." + (f" {out} entries that fit no reader were left out." if out else "")
    since, until = (moment(ctx.site, at) for at in span)
    if action.selection["by"] == choose.ChosenBy.CHARGED:
        return f"All who were charged between {since} and {until}."
    return f"All whose subscription or trial let them read between {since} and {until}."
