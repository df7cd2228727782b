"""Look each minute whether the others do their work: billing runs finish, the doctor comes, money isn't held for long, mails can be
written, and workers were never away. Each is a case at once; what the doctor finds at night would be found a day late."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.billing_run.overdue import overdue_since
from billing.cases.close import close_about
from billing.cases.find import subjects_of
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.mail.models import UNWRITTEN
from billing.platform import installation
from billing.platform.actors import WORKER, Worker
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.heartbeat import WorkerHeartbeat
from billing.platform.site import Site
from billing.reports import doctor

WATCH = Worker("the watch")
NEXT_DUE = "SELECT coalesce(watched_at + interval '1 minute', at) FROM worker_heartbeat WHERE id = 1"
"""When to look next: never where no worker has ever been (see `timetable.Job`)."""


def check_others(database: Database, site: Site, at: datetime) -> int:
    """Open a case for what doesn't go on, and close it when it does; how many were opened."""
    with database.begin(site, at, WORKER) as ctx:
        heartbeat = ctx.session.get(WorkerHeartbeat, 1, with_for_update=True)
        if heartbeat is None:
            return 0
        heartbeat.watched_at = at
        return (
            _billing(ctx, heartbeat) + _doctor(ctx) + _held(ctx) + _outage(ctx, heartbeat) + _unwritten(ctx)
        )


def _billing(ctx: TransactionContext, heartbeat: WorkerHeartbeat) -> int:
    """That nothing is due any more, or that money is held, doesn't end a run that hangs: only a run that finishes does."""
    since = overdue_since(ctx.session, ctx.at)
    if since is None:
        _close_before(ctx, CaseKind.BILLING_LATE, heartbeat.run_at, "A billing run has finished since.")
    if since is None or subjects_of(ctx.session, CaseKind.BILLING_LATE):
        return 0
    what = (
        f"Readers are due to be charged, workers are there, and no billing run has finished since {_told(ctx.site, since)}."
        " The worker's log says what holds it up; charges go on by themselves when it is gone."
    )
    return open_case(ctx, CaseKind.BILLING_LATE, since.isoformat(), what)


def _doctor(ctx: TransactionContext) -> int:
    """He is late until he comes: his visit is written down, and the next one is due later."""
    since = doctor.overdue_since(ctx.session, ctx.at)
    if since is None:
        awaited = doctor.awaited_since(ctx.session)
        _close_before(ctx, CaseKind.DOCTOR_LATE, awaited, "The doctor has come since.")
    if since is None or subjects_of(ctx.session, CaseKind.DOCTOR_LATE):
        return 0
    what = (
        f"Every promise should have been asked by {_told(ctx.site, since)}, workers are there, and the doctor hasn't come to an end."
        " What is broken isn't seen, and what must not be kept doesn't go back. The worker's log says what holds it up."
    )
    return open_case(ctx, CaseKind.DOCTOR_LATE, since.isoformat(), what)


def _held(ctx: TransactionContext) -> int:
    """Money that is held for long is told to people: it looks as if nothing were due."""
    if installation.asks_since(ctx.session) is None:
        for subject in subjects_of(ctx.session, CaseKind.MONEY_HELD):
            _close(ctx, CaseKind.MONEY_HELD, subject, "What happened at the acquirer is known here now.")
    since = installation.held_too_long(ctx.session, ctx.at)
    if since is None or subjects_of(ctx.session, CaseKind.MONEY_HELD):
        return 0
    what = (
        f"Since {_told(ctx.site, since)} nobody is charged, nothing goes back and no mail goes out but links to sign in with: this"
        " database was adopted or took over, and what happened at the acquirer before isn't all known here yet. The worker's log says why;"
        " all goes on by itself when it is."
    )
    return open_case(ctx, CaseKind.MONEY_HELD, since.isoformat(), what)


def _close_before(ctx: TransactionContext, kind: CaseKind, moment: datetime | None, reason: str) -> None:
    """Close the cases of what was late since an earlier moment."""
    for subject in subjects_of(ctx.session, kind):
        if moment is not None and moment > datetime.fromisoformat(subject):
            _close(ctx, kind, subject, reason)


def _close(ctx: TransactionContext, kind: CaseKind, subject: str, reason: str) -> None:
    close_about(ctx.acting_as(WATCH), kind, subject, reason=reason)


def _outage(ctx: TransactionContext, heartbeat: WorkerHeartbeat) -> int:
    """One case is enough for workers that come and go."""
    since, back = heartbeat.silent_from, heartbeat.back_at
    if since is None or back is None or subjects_of(ctx.session, CaseKind.OUTAGE):
        return 0
    what = (
        f"From {_told(ctx.site, since)} to {_told(ctx.site, back)} no worker was there. What fell due meanwhile is being"
        " done since: charges, mails, refunds, and what the acquirer told us. Nothing is charged twice for it."
    )
    return open_case(ctx, CaseKind.OUTAGE, since.isoformat(), what)


_UNWRITTEN = sa.text(
    f"SELECT kind, count(*), min(created_at), min(id), min(last_answer) FROM message WHERE {UNWRITTEN} GROUP BY kind"  # noqa: S608
)


def _unwritten(ctx: TransactionContext) -> int:
    """A case for each kind of mail that can't be put into words."""
    rows = ctx.session.execute(_UNWRITTEN).all()
    stuck = {kind for kind, *_ in rows}
    known = {
        subject.partition(":")[0]: subject for subject in subjects_of(ctx.session, CaseKind.MAIL_NOT_WRITTEN)
    }
    for kind, subject in known.items():
        if kind not in stuck:
            _close(ctx, CaseKind.MAIL_NOT_WRITTEN, subject, "None of them waits any more.")
    opened = 0
    for kind, count, since, first, reason in rows:
        if kind in known:
            continue
        mails = "one waits" if count == 1 else f"{count} wait"
        what = (
            f"Mails of the kind {kind.replace('_', ' ')} can't be written, and {mails} since {_told(ctx.site, since)}. They are tried"
            " again each hour, and other mails go out. An operator finds the cause in the worker's log."
        )
        facts = {"the first": first, "what went wrong": reason}
        opened += open_case(ctx, CaseKind.MAIL_NOT_WRITTEN, f"{kind}:{first}", what, facts=facts)
    return opened


def _told(site: Site, at: datetime) -> str:
    return f"{at.astimezone(site.zone):%d %B %Y, %H:%M}"


def next_words(_: Session) -> str:
    """What that is, for people."""
    return "somebody looks whether billing runs finish"
