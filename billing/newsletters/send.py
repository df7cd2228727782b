"""Sends started issues: claim a batch, send it on several connections, record the results, until none is due.

A process killed at any moment loses no mail and sends none twice. A mail that may have been sent is held (S2, S3)."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, select

import emails
from billing.mail import bounces
from billing.mail.mime import UnsendableAddress
from billing.mail.segments import Segments
from billing.mail.smtp import Accepted, Deferred, Outcome, RelayRefused, RelayUnknown
from billing.newsletters import recover, send_log
from billing.newsletters.bounces import record_bounce
from billing.newsletters.claim import ClaimedDelivery, DeliveryResult, claim, record_results
from billing.newsletters.models import (
    Delivery,
    DeliveryState,
    Issue,
    IssueBody,
    IssueState,
    Newsletter,
    SendingRun,
)
from billing.newsletters.send_log import SendLog
from billing.newsletters.sender import NewsletterSender
from billing.newsletters.smtp_verdicts import CircuitBreaker, SmtpVerdict
from billing.newsletters.wrap import segments, values
from billing.platform.actors import WORKER
from billing.platform.claims import check_still_ours, worker_lock
from billing.platform.clock import Clock
from billing.platform.context import TransactionContext
from billing.platform.installation import refuse_copy
from billing.platform.stop_points import stop_point
from billing.rules.backoff import again_at

BATCHES_A_RUN = 50
TRIES = 15
"""Twelve hours, with the waits of `rules.backoff` (S5)."""
_Offered = tuple[Outcome, SmtpVerdict] | None
"""What became of an offer; None: the circuit was open, so the mail wasn't offered."""
log = logging.getLogger(__name__)


def send(sender: NewsletterSender, clock: Clock) -> int:
    """Send what is due. Returns how many recipients were handled, after some thousands, to notice new issues and a stop.

    Raises NotAdopted and ClaimLost."""
    refuse_copy(sender.database)
    began_at = clock.now()
    done = recover.recover(sender, began_at)
    with sender.database.begin(sender.site, began_at, WORKER) as ctx:
        due = _due(ctx)
    if due:
        with _run(sender, clock) as run:
            for _ in range(BATCHES_A_RUN):
                seen = sum(_batch(run, issue_id) for issue_id in due if not sender.stopping.is_set())
                done += seen
                if not seen:
                    break
    return done + _finish(sender, clock.now())


def _due(ctx: TransactionContext) -> list[str]:
    due = sa.text(
        "SELECT id FROM issue i WHERE state = 'sending' AND (resume_at IS NULL OR resume_at <= :at)"
        " AND EXISTS (SELECT 1 FROM delivery WHERE issue_id = i.id AND started_at = i.started_at"
        " AND state IN ('frozen', 'deferred') AND next_attempt_at <= :at) ORDER BY started_at, id"
    )
    return list(ctx.session.scalars(due, {"at": ctx.at}))


@dataclass
class _Run:
    """One worker's run: its claim number, send log, connections, and compiled mails."""

    sender: NewsletterSender
    clock: Clock
    me: int
    send_log: SendLog
    connections: ThreadPoolExecutor
    compiled: dict[tuple[str, str], Segments]


@contextmanager
def _run(sender: NewsletterSender, clock: Clock) -> Iterator[_Run]:
    """The send log is created before the first claim, so a run without one has lost it."""
    place = send_log.place(sender.send_logs)
    with worker_lock(sender.database) as me:
        with sender.database.transaction() as session:
            session.add(SendingRun(number=me, place=place, seen_at=clock.now()))
        with SendLog(sender.send_logs, me) as notes:
            with ThreadPoolExecutor(sender.connections, thread_name_prefix="newsletters") as connections:
                try:
                    yield _Run(sender, clock, me, notes, connections, {})
                finally:
                    sender.relay.close()
        # Not in `finally`: after a failure `recover` needs the row and the log, to settle what this run has claimed.
        with sender.database.transaction() as session:
            session.execute(sa.text("DELETE FROM sending_run WHERE number = :me"), {"me": me})
        send_log.delete(sender.send_logs, me)


_SEEN = sa.text("UPDATE sending_run SET seen_at = :at WHERE number = :me")


def _batch(run: _Run, issue_id: str) -> int:
    sender, at = run.sender, run.clock.now()
    with sender.database.begin(sender.site, at, WORKER) as ctx:
        check_still_ours(ctx.session, run.me)
        ctx.session.execute(_SEEN, {"me": run.me, "at": at})
        issue = ctx.session.get_one(Issue, issue_id)
        batch, skipped = claim(ctx, issue, run.me)
        started_at = issue.started_at
        assert started_at is not None
        for variant in {to.variant for to in batch}:
            if (issue_id, variant) not in run.compiled:
                run.compiled[issue_id, variant] = _compile(ctx.session, sender, issue, variant)
    stop_point("newsletters.claimed")
    circuit = CircuitBreaker()
    offers = list(run.connections.map(lambda to: _offer(run, issue_id, to, circuit), batch))
    circuit.finish_batch()
    stop_point("newsletters.sent")
    at = run.clock.now()
    with sender.database.begin(sender.site, at, WORKER) as ctx:
        results = [_result(to, offer, circuit, at) for to, offer in zip(batch, offers, strict=True)]
        record_results(ctx, run.me, started_at, results)
        _record_bounces(ctx, started_at, batch, offers, circuit)
        if not circuit.is_closed:
            _hold_back(ctx, issue_id, circuit)
        elif batch:
            reset = sa.text("UPDATE issue SET stalls = 0 WHERE id = :id AND stalls > 0")
            ctx.session.execute(reset, {"id": issue_id})
    return len(batch) + skipped


def _compile(session: Session, sender: NewsletterSender, issue: Issue, variant: str) -> Segments:
    body = session.get_one(IssueBody, (issue.id, variant))
    rendered = emails.Rendered(issue.subject, body.text, body.html)
    list_ = session.get_one(Newsletter, issue.newsletter_id)
    assert issue.started_at is not None
    return segments(sender, list_, issue.id, rendered, issue.started_at).stuffed()


def _offer(run: _Run, issue_id: str, to: ClaimedDelivery, circuit: CircuitBreaker) -> _Offered:
    if not circuit.is_closed:
        return None
    sender = run.sender
    try:
        own = values(sender, number=to.number, address=to.address, signup_id=to.signup_id)
        content = run.compiled[issue_id, to.variant].join(own)
    except UnsendableAddress as problem:
        outcome: Outcome = RelayRefused(0, str(problem), "rcpt")
    else:
        outcome = sender.relay.send(
            content,
            sender=bounces.envelope_sender(sender.site.tokens, to.number, sender.bounce_domain),
            recipient=to.address,
            stuffed=True,
            before_final_dot=lambda: run.send_log.begins(to.number),
        )
    match outcome:
        case Accepted():
            run.send_log.answered(to.number, 250)
        case RelayRefused(code=code, step="dot") | Deferred(code=code, step="dot"):
            run.send_log.answered(to.number, code)
    return outcome, circuit.record(to.number, outcome)


_SETTLED_STATES = {
    SmtpVerdict.TAKEN: DeliveryState.SENT,
    SmtpVerdict.BOUNCED: DeliveryState.BOUNCED,
    SmtpVerdict.UNKNOWN: DeliveryState.UNCERTAIN,
}
"""Other verdicts mean that the delivery failed."""


def _result(to: ClaimedDelivery, offer: _Offered, circuit: CircuitBreaker, at: datetime) -> DeliveryResult:
    if offer is None or to.number in circuit.excused:
        return DeliveryResult(to.number, DeliveryState.FROZEN, to.tries, at, None, None)
    outcome, verdict = offer
    answer, tries = _reply_text(outcome), to.tries + 1
    if verdict is SmtpVerdict.LATER and tries < TRIES:
        return DeliveryResult(to.number, DeliveryState.DEFERRED, tries, again_at(tries, at), answer, None)
    if verdict is SmtpVerdict.STALLED:
        return DeliveryResult(to.number, DeliveryState.FROZEN, to.tries, again_at(1, at), answer, None)
    state = _SETTLED_STATES.get(verdict, DeliveryState.FAILED)
    return DeliveryResult(to.number, state, tries, at, answer, at)


def _reply_text(outcome: Outcome) -> str:
    match outcome:
        case Accepted(reply):
            return reply
        case RelayUnknown(reason):
            return reason
        case _:
            return f"{outcome.code} {outcome.reply}"


def _record_bounces(
    ctx: TransactionContext,
    started_at: datetime,
    batch: list[ClaimedDelivery],
    offers: list[_Offered],
    circuit: CircuitBreaker,
) -> None:
    """An address that the relay itself rejects is recorded like a bounce that comes back later."""
    for to, offer in zip(batch, offers, strict=True):
        if offer is None or offer[1] is not SmtpVerdict.BOUNCED or to.number in circuit.excused:
            continue
        status = bounces.status_in(_reply_text(offer[0])) or ""
        report = bounces.BounceReport(to.number, bounces.kind_of(status or "5.0.0"), status, "rcpt")
        found = select(Delivery).where(Delivery.number == to.number, Delivery.started_at == started_at)
        delivery = ctx.session.exec(found).one()
        record_bounce(ctx, delivery, report)


def _hold_back(ctx: TransactionContext, issue_id: str, circuit: CircuitBreaker) -> None:
    """Pause an issue that the relay refuses, for a person. Retry an unreachable relay later, as often as a recipient."""
    issue = ctx.session.exec(select(Issue).where(Issue.id == issue_id).with_for_update()).one()
    if issue.state is not IssueState.SENDING:
        return
    issue.stalls += 1
    if circuit.opened_by is None and issue.stalls < TRIES:
        issue.resume_at = again_at(issue.stalls, ctx.at)
    else:
        issue.state = IssueState.PAUSED
        issue.held_reason = circuit.opened_by or f"The relay can't be reached: {circuit.stalled}"[:300]
    log.warning("issue %s waits: %s", issue_id, circuit.opened_by or circuit.stalled)


def _finish(sender: NewsletterSender, at: datetime) -> int:
    """Finish issues without open deliveries. Returns how many."""
    with sender.database.transaction() as session:
        done = session.connection().execute(
            sa.text(
                "UPDATE issue i SET state = 'sent', finished_at = :at WHERE state = 'sending' AND NOT EXISTS"
                " (SELECT 1 FROM delivery WHERE issue_id = i.id AND started_at = i.started_at"
                " AND state IN ('frozen', 'sending', 'deferred'))"
            ),
            {"at": at},
        )
    return done.rowcount


_OPEN = """
    SELECT i.id, i.subject, coalesce(greatest(i.resume_at, o.next_attempt_at), o.next_attempt_at, i.started_at) AS due FROM issue i
    LEFT JOIN LATERAL (SELECT next_attempt_at FROM delivery WHERE issue_id = i.id AND started_at = i.started_at
                       AND state IN ('frozen', 'sending', 'deferred') ORDER BY next_attempt_at LIMIT 1) o ON true
    WHERE i.state = 'sending' ORDER BY due LIMIT 1
"""


NEXT_DUE = f"SELECT least((SELECT due FROM ({_OPEN}) open), ({recover.NEXT_DUE}))"  # noqa: S608
"""When a running issue next needs work (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """The next work on an issue, in words."""
    row = session.execute(sa.text(_OPEN)).first()
    return f"the newsletter “{row[1]}” goes on" if row else "nothing"
