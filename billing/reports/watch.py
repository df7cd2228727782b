"""Check each minute that the others work: billing runs finish, the doctor comes, money isn't held for long, mails can be
written, and workers were never away. Each failure is a case at once; the doctor, at night, would find it a day late."""

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
"""When the next check is due: never where no worker has ever been (see `timetable.Job`)."""
_BILLING_LATE = (
    "Readers are due to be charged, workers are there, and no billing run has finished since {since}."
    " The worker's log says what holds it up; charges go on by themselves when it is gone."
)
_DOCTOR_LATE = (
    "Every promise should have been asked by {since}, workers are there, and the doctor hasn't come to an end."
    " What is broken isn't seen, and what must not be kept doesn't go back. The worker's log says what holds it up."
)
_MONEY_HELD = (
    "Since {since} nobody is charged, nothing goes back and no mail goes out but links to sign in with: this"
    " database was adopted or took over, and what happened at the acquirer before isn't all known here yet. The worker's log says why;"
    " all goes on by itself when it is."
)
_OUTAGE = (
    "From {since} to {back} no worker was there. What fell due meanwhile is being"
    " done since: charges, mails, refunds, and what the acquirer told us. Nothing is charged twice for it."
)


def check_others(database: Database, site: Site, at: datetime) -> int:
    """Open a case for each failure, and close it when it is over; how many were opened."""
    with database.begin(site, at, WORKER) as ctx:
        heartbeat = ctx.session.get(WorkerHeartbeat, 1, with_for_update=True)
        if heartbeat is None:
            return 0
        heartbeat.watched_at = at
        return (
            _billing(ctx, heartbeat) + _doctor(ctx) + _held(ctx) + _outage(ctx, heartbeat) + _unwritten(ctx)
        )


def _billing(ctx: TransactionContext, heartbeat: WorkerHeartbeat) -> int:
    """Only a run that finishes ends the case. One that hangs still hangs when nothing is due any more, or money is held."""
    since = overdue_since(ctx.session, ctx.at)
    if since is None:
        _close_before(ctx, CaseKind.BILLING_LATE, heartbeat.run_at, "A billing run has finished since.")
    return _open_one(ctx, CaseKind.BILLING_LATE, _BILLING_LATE, since)


def _doctor(ctx: TransactionContext) -> int:
    """Only a visit ends the case: it sets a later next one."""
    since = doctor.overdue_since(ctx.session, ctx.at)
    if since is None:
        awaited = doctor.awaited_since(ctx.session)
        _close_before(ctx, CaseKind.DOCTOR_LATE, awaited, "The doctor has come since.")
    return _open_one(ctx, CaseKind.DOCTOR_LATE, _DOCTOR_LATE, since)


def _held(ctx: TransactionContext) -> int:
    """People must know of money that is held for long: it looks as if nothing were due."""
    if installation.asks_since(ctx.session) is None:
        for subject in subjects_of(ctx.session, CaseKind.MONEY_HELD):
            _close(ctx, CaseKind.MONEY_HELD, subject, "What happened at the acquirer is known here now.")
    since = installation.held_too_long(ctx.session, ctx.at)
    return _open_one(ctx, CaseKind.MONEY_HELD, _MONEY_HELD, since)


def _outage(ctx: TransactionContext, heartbeat: WorkerHeartbeat) -> int:
    since, back = heartbeat.silent_from, heartbeat.back_at
    return _open_one(ctx, CaseKind.OUTAGE, _OUTAGE, since, back) if back is not None else 0


def _open_one(
    ctx: TransactionContext, kind: CaseKind, what: str, since: datetime | None, back: datetime | None = None
) -> int:
    """Open a case about a failure since a moment, unless one of its kind is open: one is enough for what comes and goes."""
    if since is None or subjects_of(ctx.session, kind):
        return 0
    moments = {"since": _in_words(ctx.site, since), "back": _in_words(ctx.site, back) if back else ""}
    return open_case(ctx, kind, since.isoformat(), what.format(**moments))


def _close_before(ctx: TransactionContext, kind: CaseKind, moment: datetime | None, reason: str) -> None:
    """Close the cases of what was late since an earlier moment."""
    for subject in subjects_of(ctx.session, kind):
        if moment is not None and moment > datetime.fromisoformat(subject):
            _close(ctx, kind, subject, reason)


def _close(ctx: TransactionContext, kind: CaseKind, subject: str, reason: str) -> None:
    close_about(ctx.acting_as(WATCH), kind, subject, reason=reason)


_UNWRITTEN = sa.text(
    f"SELECT kind, count(*), min(created_at), min(id), min(last_answer) FROM message WHERE {UNWRITTEN} GROUP BY kind"  # noqa: S608
)


def _unwritten(ctx: TransactionContext) -> int:
    """A case for each kind of mail whose template fails."""
    rows = ctx.session.execute(_UNWRITTEN).all()
    stuck = {kind for kind, *_ in rows}
    known = set()
    for subject in subjects_of(ctx.session, CaseKind.MAIL_NOT_WRITTEN):
        known.add(kind := subject.partition(":")[0])
        if kind not in stuck:
            _close(ctx, CaseKind.MAIL_NOT_WRITTEN, subject, "None of them waits any more.")
    opened = 0
    for kind, count, since, first, reason in rows:
        if kind in known:
            continue
        mails = "one waits" if count == 1 else f"{count} wait"
        what = (
            f"Mails of the kind {kind.replace('_', ' ')} can't be written, and {mails} since {_in_words(ctx.site, since)}. They are tried"
            " again each hour, and other mails go out. An operator finds the cause in the worker's log."
        )
        facts = {"the first": first, "what went wrong": reason}
        opened += open_case(ctx, CaseKind.MAIL_NOT_WRITTEN, f"{kind}:{first}", what, facts=facts)
    return opened


def _in_words(site: Site, at: datetime) -> str:
    return f"{at.astimezone(site.zone):%d %B %Y, %H:%M}"


def next_words(_: Session) -> str:
    """What is due then, for people."""
    return "somebody looks whether billing runs finish"
