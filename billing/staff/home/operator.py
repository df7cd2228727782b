"""How the machinery does, on an admin's first page: worker, billing, doctor, comparison of the books, queues and bounces."""

from datetime import timedelta

from sqlmodel import col, select

from billing.billing_run.overdue import overdue_since
from billing.cases.models import CaseKind
from billing.mail.models import STOPPED_ANSWER
from billing.platform import heartbeat
from billing.platform.context import TransactionContext
from billing.reconcile.schedule import comparison_progress, last_compared_at
from billing.reports import doctor
from billing.reports.doctor_models import DoctorVisit
from billing.reports.queues import MOST, QueueLength, queue_lengths
from billing.staff.home.lines import HomeLine, HomePart, WaitingCount, count, oldest_for

CASES = "/staff/cases"
SETTINGS = "/staff/settings"
EVENTS = "/staff/webhooks"
CHECK_RELAY = "the checks of the settings try the mail server"
START_ONE = "start one: billing worker"
_QUEUES = (
    ("mail", "mail waits to be sent", "mails wait to be sent", SETTINGS, CHECK_RELAY),
    ("sign_in_mail", "sign-in link waits to be sent", "sign-in links wait to be sent", SETTINGS, CHECK_RELAY),
    ("events", "event of the acquirer waits", "events of the acquirer wait", EVENTS, ""),
    ("events_set_aside", "event couldn’t be settled", "events couldn’t be settled", EVENTS, ""),
    (
        "charges_in_doubt",
        "charge is in doubt",
        "charges are in doubt",
        "",
        "the acquirer is asked until it knows",
    ),
)
"""Name, words for one and for many, the page where they are handled or looked into, and a note."""
LATE_MINUTES = 15
BOUNCED = "/staff/readers?bounced=yes"
# a refused mail keeps the moment of its last attempt, and had not expired then: so the index finds it by `expires_at`
_BOUNCES = """SELECT at, 0 FROM bounce_record WHERE at > :since AND kind <> 'complaint'
              UNION ALL SELECT next_attempt_at, 0 FROM message
              WHERE state = 'refused' AND expires_at > :since AND next_attempt_at > :since AND last_answer IS DISTINCT FROM :stopped"""
_UNREACHABLE = "SELECT opened_at, 0 FROM staff_case WHERE closed_at IS NULL AND kind = :kind"


def operator_part(ctx: TransactionContext, *, short: bool) -> HomePart:
    """The state of each machine; `short` names only what needs somebody."""
    lines = [
        _worker(ctx),
        _billing(ctx),
        _doctor(ctx),
        _comparison(ctx),
        *_bounces(ctx),
        *_queues(ctx),
    ]
    shown = tuple(line for line in lines if line.urgent or not short)
    return HomePart(name="machinery", title="Machinery", nothing="Everything runs.", lines=shown)


def _worker(ctx: TransactionContext) -> HomeLine:
    last = heartbeat.last_heartbeat(ctx.session, ctx.at)
    if last is None:
        return HomeLine(what="No worker has ever run", note=START_ONE, urgent=True)
    what, note = ("No worker is at work", START_ONE) if last.silent else ("A worker is at work", "")
    return HomeLine(what=what, note=note, before_at="last heard of", at=last.at, urgent=last.silent)


def _billing(ctx: TransactionContext) -> HomeLine:
    last, late = heartbeat.last_heartbeat(ctx.session, ctx.at), overdue_since(ctx.session, ctx.at)
    ran = last.run_at if last is not None else None
    what = "No billing run finishes" if late else "Billing runs finish"
    if ran is None:
        return HomeLine(what="No billing run has finished yet")
    return HomeLine(
        what=what,
        link=CASES if late else "",
        before_at="the last",
        at=ran,
        urgent=late is not None,
    )


def _doctor(ctx: TransactionContext) -> HomeLine:
    late = doctor.overdue_since(ctx.session, ctx.at) is not None
    visit = ctx.session.exec(select(DoctorVisit).order_by(col(DoctorVisit.at).desc()).limit(1)).first()
    if visit is None:
        what = "The doctor hasn’t checked our promises yet"
        return HomeLine(what=what, link=CASES if late else "", urgent=late)
    broken = "promise is broken" if visit.broken == 1 else "promises are broken"
    what = f"{visit.broken} {broken}" if visit.broken else "Every promise is kept"
    note = "the doctor is late" if late else ""
    return HomeLine(
        what=what,
        link=CASES if late or visit.broken else "",
        note=note,
        before_at="checked",
        at=visit.at,
        urgent=late or visit.broken > 0,
    )


def _comparison(ctx: TransactionContext) -> HomeLine:
    progress = comparison_progress(ctx.session)
    if progress.through is None:
        what = "The books haven’t been compared with the acquirer’s yet"
        return HomeLine(what=what, link=CASES, urgent=progress.is_late(ctx.at))
    through = f"{progress.through.day} {progress.through:%B %Y}"
    return HomeLine(
        what=f"The books are compared with the acquirer’s through {through}",
        link=CASES,
        note="comparing them fails, and is tried again" if progress.problem else "",
        before_at="done",
        at=last_compared_at(ctx.session),
        urgent=progress.is_late(ctx.at),
    )


def _bounces(ctx: TransactionContext) -> list[HomeLine]:
    """Newsletters that came back and other mail that the relay refused, and readers whom no notice reaches."""
    bounced = count(ctx.session, _BOUNCES, since=ctx.at - timedelta(hours=24), stopped=STOPPED_ANSWER)
    unreachable = count(ctx.session, _UNREACHABLE, kind=CaseKind.UNREACHABLE.value)
    lines = []
    if bounced.number:
        what = bounced.words("mail bounced in 24 hours", "mails bounced in 24 hours")
        lines.append(HomeLine(what=what, link=BOUNCED))
    if unreachable.since is not None:
        what = unreachable.words("reader’s address refuses notices", "readers’ addresses refuse notices")
        age = oldest_for(ctx, unreachable.since)
        lines.append(HomeLine(what=what, link=CASES, age=age, urgent=True))
    return lines


def _queues(ctx: TransactionContext) -> list[HomeLine]:
    """The queues that hold something. Last, as counting them changes how the transaction's later queries are planned."""
    lengths = queue_lengths(ctx.session, ctx.at)
    return [
        _queue(ctx, lengths[name], one, many, link, note)
        for name, one, many, link, note in _QUEUES
        if lengths[name].length
    ]


def _queue(
    ctx: TransactionContext, queue: QueueLength, one: str, many: str, link: str, note: str
) -> HomeLine:
    counted = WaitingCount(queue.length, is_cut=queue.length >= MOST)
    return HomeLine(
        what=counted.words(one, many),
        link=link,
        note=note,
        age=oldest_for(ctx, queue.oldest) if queue.oldest else "",
        urgent=queue.age_seconds(ctx.at) > LATE_MINUTES * 60,
    )
