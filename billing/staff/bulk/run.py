"""The worker's part of acts on many: list, check, and do them line by line.

A line is one transaction: its act and its state are committed together. So a crash leaves it done or not done, and two workers at
once never do the same line, as each skips what the other has locked. Refunds are only intended here; another job sends them."""

import logging
from datetime import datetime

from sqlmodel import Session, col, select

from billing.platform.actors import Worker
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.db_errors import is_away, is_pool_full
from billing.platform.errors import Refusal
from billing.platform.installation import ASKING, refuse_held
from billing.platform.logs import log_event
from billing.platform.site import Site
from billing.readers.register import by_id
from billing.rules.bulk_action import BulkEvent, BulkState
from billing.rules.lifecycle import NoSuchTransition
from billing.staff import audit, members
from billing.staff.acts.limits import check_limits
from billing.staff.acts.money import GiveBackAct
from billing.staff.acts.perform import perform_previewed, refuse_erased
from billing.staff.bulk import choose, decide
from billing.staff.bulk.models import BulkAction, BulkLine, LineState
from billing.staff.bulk.terms import load
from billing.staff.models import StaffMember
from billing.staff.roles import Permission, may

AT_ONCE = 200
"""Lines done in one run of the job; the other jobs come in between."""
CHECKED_AT_ONCE = 20
MOST_TRIES = 3
WORKER = Worker("act on many")
OUR_ERROR = "An error of ours, three times: the log has it. Nothing was done."
NOT_ALLOWED_ANY_MORE = "The member who began it may not do this any more."
log = logging.getLogger(__name__)


def run_due(database: Database, site: Site, at: datetime) -> int:
    """Work on each act that is due; how many lines were listed, checked or done. Raises NotAdopted, AsksAcquirer."""
    with database.transaction() as session:
        refuse_held(session)
        due = select(BulkAction.id).where(col(BulkAction.next_run_at) <= at)
        waiting = session.exec(due.order_by(col(BulkAction.next_run_at)).limit(20)).all()
    return sum(work_on(database, site, action_id, at) for action_id in waiting)


def work_on(database: Database, site: Site, action_id: str, at: datetime, *, most: int = AT_ONCE) -> int:
    """Work on one act, for at most about so many lines; how many."""
    done = 0
    while done < most:
        step = _step(database, site, action_id, at, most)
        if not step:
            break
        done += step
    return done


def _step(database: Database, site: Site, action_id: str, at: datetime, most: int) -> int:
    """The next page, the next lines to check, or the next line to do; how many lines, 0 where nothing is left to do now."""
    with database.transaction() as session:
        state = decide.one(session, action_id).state
    match state:
        case BulkState.CHOOSING:
            return _list(database, site, action_id, at, min(most, choose.PAGE))
        case BulkState.CHECKING:
            return _check(database, site, action_id, at) or _end(database, site, action_id, at)
        case BulkState.RUNNING:
            return _do_next(database, site, action_id, at) or _end(database, site, action_id, at)
        case _:
            return 0


def _list(database: Database, site: Site, action_id: str, at: datetime, most: int) -> int:
    with database.begin(site, at, WORKER) as ctx:
        action = decide.lock(ctx, action_id)
        if action.state is not BulkState.CHOOSING:
            return 1
        looked_at, is_last = choose.list_next(ctx, action, most)
        if is_last:
            decide.move(ctx, action, BulkEvent.CHOSEN)
        return looked_at + is_last


def _next_lines(session: Session, action_id: str, state: LineState, most: int) -> list[BulkLine]:
    """Lock the next lines, without those that another worker has locked."""
    lines = select(BulkLine).where(BulkLine.action_id == action_id, BulkLine.state == state)
    first = lines.order_by(col(BulkLine.tries), col(BulkLine.subject)).limit(most)
    return list(
        session.exec(first.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    )


def _check(database: Database, site: Site, action_id: str, at: datetime) -> int:
    """Preview the next lines, as the member who made the act; each is ready then, or refused with the reason."""
    with database.begin(site, at, WORKER) as ctx:
        action = _share(ctx.session, action_id)
        if action.state is not BulkState.CHECKING:
            return 0
        member = members.by_id(ctx.session, action.made_by)
        lines = _next_lines(ctx.session, action_id, LineState.CHOSEN, CHECKED_AT_ONCE)
        for line in lines:
            _preview(ctx.acting_as(audit.of(member, "")), action, line, member)
        return len(lines)


def _preview(ctx: TransactionContext, action: BulkAction, line: BulkLine, member: StaffMember) -> None:
    try:
        terms = load(action)
        refuse_erased(by_id(ctx.session, line.reader_id), terms.what)
        act = terms.act(ctx, action, line)
        given = check_limits(ctx, member.role, act)
    except (Refusal, NoSuchTransition) as refusal:
        line.state, line.words = LineState.REFUSED, _words_of(refusal)
        return
    if isinstance(act, GiveBackAct):
        line.payment_id = act.payment_id  # what was the last charge now stays the one that goes back
    line.state, line.cents, line.days, line.words = (
        LineState.READY,
        given.cents,
        given.days,
        " ".join(given.words),
    )


def _words_of(refusal: Exception) -> str:
    return str(refusal.detail) if isinstance(refusal, Refusal) else str(refusal)


def _share(session: Session, action_id: str) -> BulkAction:
    """The act, which nobody stops until this transaction ends."""
    mine = select(BulkAction).where(BulkAction.id == action_id).with_for_update(read=True)
    return session.exec(mine.execution_options(populate_existing=True)).one()


def _do_next(database: Database, site: Site, action_id: str, at: datetime) -> int:
    """Do the next line. One that breaks us is tried again after the others, three times in all."""
    subject = ""
    try:
        with database.begin(site, at, WORKER) as ctx:
            action = _share(ctx.session, action_id)
            member = members.by_id(ctx.session, action.made_by)
            if action.state is not BulkState.RUNNING or not _may_go_on(member, action):
                return 0
            lines = _next_lines(ctx.session, action_id, LineState.READY, 1)
            if not lines:
                return 0
            subject = lines[0].subject
            _do(ctx.acting_as(audit.of(member, "")), action, lines[0], member)
    except Exception as error:
        if is_away(error) or is_pool_full(error) or not subject:
            raise
        log.exception("a line of the act on many %s failed", action_id)
        _note_failure(database, site, action_id, subject, at)
    return 1


def _do(ctx: TransactionContext, action: BulkAction, line: BulkLine, member: StaffMember) -> None:
    """Do it, or note why not. What a refused act had begun to write is rolled back."""
    try:
        with ctx.session.begin_nested():
            done = perform_previewed(
                ctx,
                load(action).act(ctx, action, line),
                role=member.role,
                reason=action.reason,
                cents=line.cents,
                approved=action.approved,
            )
    except (Refusal, NoSuchTransition) as refusal:
        line.state, line.words = LineState.REFUSED, _words_of(refusal)
        return
    line.state, line.done_at, line.audit_line_id = LineState.DONE, ctx.at, done.id
    line.cents, line.days = done.cents, done.days


def _note_failure(database: Database, site: Site, action_id: str, subject: str, at: datetime) -> None:
    with database.begin(site, at, WORKER) as ctx:
        key = (action_id, subject)
        line = ctx.session.get_one(BulkLine, key, with_for_update=True, populate_existing=True)
        if line.state is not LineState.READY:
            return
        line.tries += 1
        if line.tries >= MOST_TRIES:
            line.state, line.words = LineState.REFUSED, OUR_ERROR


def _may_go_on(member: StaffMember, action: BulkAction) -> bool:
    """Whether the member still works here in a role that may do it."""
    needed = (Permission.MANY, load(action).what)
    return member.disabled_at is None and all(may(member.role, what) for what in needed)


def _end(database: Database, site: Site, action_id: str, at: datetime) -> int:
    """The next state, where no line is left; 1 where it changed. A line that another worker is doing still counts as left."""
    with database.begin(site, at, WORKER) as ctx:
        action = decide.lock(ctx, action_id)
        if action.state is BulkState.RUNNING:
            member = members.by_id(ctx.session, action.made_by)
            if not _may_go_on(member, action):
                decide.move(ctx, action, BulkEvent.STOP)
                action.stopped_because = NOT_ALLOWED_ANY_MORE
                return 1
        left, event = {
            BulkState.CHECKING: (LineState.CHOSEN, BulkEvent.CHECKED),
            BulkState.RUNNING: (LineState.READY, BulkEvent.FINISH),
        }.get(action.state, (None, None))
        if left is None or event is None or _is_any_left(ctx.session, action_id, left):
            return 0
        decide.move(ctx, action, event)
        log_event(ctx.session, "act on many", action=action_id, became=action.state.value)
        return 1


def _is_any_left(session: Session, action_id: str, state: LineState) -> bool:
    lines = select(BulkLine.subject).where(BulkLine.action_id == action_id, BulkLine.state == state)
    return session.exec(lines.limit(1)).first() is not None


NEXT_DUE = f"SELECT CASE WHEN NOT EXISTS ({ASKING}) THEN (SELECT min(next_run_at) FROM bulk_action WHERE next_run_at IS NOT NULL) END"  # noqa: S608
"""When an act on many has work to do; never while money is held (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """For people."""
    return "an act on many readers goes on"
