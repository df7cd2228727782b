"""Send what has started: claim a batch, hand it over on several connections, write it down; and so on until none is due.

Killed at any moment, nothing is lost and nothing goes twice: what may have been on the wire is held (S2, S3)."""

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
from billing.mail.mime import BadAddress
from billing.mail.segments import Segments
from billing.mail.smtp import Accepted, Deferred, Outcome, Refused, Unknown
from billing.newsletters import recover, send_log
from billing.newsletters.bounces import record
from billing.newsletters.claim import Claimed, Mark, claim, mark
from billing.newsletters.models import (
    Delivery,
    DeliveryState,
    Issue,
    IssueBody,
    IssueState,
    Newsletter,
    SendingRun,
)
from billing.newsletters.send_log import Journal
from billing.newsletters.sender import Press
from billing.newsletters.smtp_verdicts import Circuit, Meaning
from billing.newsletters.wrap import segments, values
from billing.platform.claims import claimer, refuse_lost
from billing.platform.clock import Clock
from billing.platform.installation import refuse_copy
from billing.platform.stop_points import stop_point
from billing.rules.backoff import again_at

BATCHES_A_RUN = 50
TRIES = 15
"""With the waits of `rules.backoff` that is twelve hours (S5)."""
log = logging.getLogger(__name__)


def send(press: Press, clock: Clock) -> int:
    """Send what is due; how many recipients were seen to. Ends after some thousands, so that what has started since, and stop,
    are looked at; the clock is read for each batch, and after it.

    Raises NotAdopted and ClaimLost."""
    refuse_copy(press.database)
    began_at = clock.now()
    done = recover.recover(press, began_at)
    with press.database.transaction() as session:
        due = _due(session, began_at)
    if due:
        with _run(press, clock) as run:
            for _ in range(BATCHES_A_RUN):
                seen = sum(_batch(run, issue_id) for issue_id in due if not press.stopping.is_set())
                done += seen
                if not seen:
                    break
    return done + _finish(press, clock.now())


def _due(session: Session, at: datetime) -> list[str]:
    rows = session.execute(
        sa.text(
            "SELECT id FROM issue i WHERE state = 'sending' AND (resume_at IS NULL OR resume_at <= :at)"
            " AND EXISTS (SELECT 1 FROM delivery WHERE issue_id = i.id AND state IN ('frozen', 'deferred')"
            " AND try_at <= :at) ORDER BY started_at, id"
        ),
        {"at": at},
    )
    return [row[0] for row in rows]


@dataclass
class _Run:
    """A worker at work: its number, its notes, its connections, and the mails with gaps, compiled once."""

    press: Press
    clock: Clock
    me: int
    notes: Journal
    hands: ThreadPoolExecutor
    compiled: dict[tuple[str, str], Segments]


@contextmanager
def _run(press: Press, clock: Clock) -> Iterator[_Run]:
    """The journal exists before the first claim, so a run without one has lost it."""
    place = send_log.place(press.journals)
    with claimer(press.database) as me:
        with press.database.transaction() as session:
            session.add(SendingRun(number=me, place=place, seen_at=clock.now()))
        with Journal(press.journals, me) as notes:
            with ThreadPoolExecutor(press.connections, thread_name_prefix="newsletters") as hands:
                try:
                    yield _Run(press, clock, me, notes, hands, {})
                finally:
                    press.line.close()
        with press.database.transaction() as session:
            session.execute(sa.text("DELETE FROM sending_run WHERE number = :me"), {"me": me})
        send_log.forget(press.journals, me)


_SEEN = sa.text("UPDATE sending_run SET seen_at = :at WHERE number = :me")


def _batch(run: _Run, issue_id: str) -> int:
    press, at = run.press, run.clock.now()
    with press.database.transaction() as session:
        refuse_lost(session, run.me)
        session.execute(_SEEN, {"me": run.me, "at": at})
        issue = session.get_one(Issue, issue_id)
        batch, skipped = claim(session, press.office, issue_id, issue.newsletter_id, run.me, at)
        for variant in {each.variant for each in batch}:
            if (issue_id, variant) not in run.compiled:
                run.compiled[issue_id, variant] = _compile(session, press, issue, variant)
    stop_point("newsletters.claimed")
    circuit = Circuit()
    outcomes = list(run.hands.map(lambda each: _offer(run, issue_id, each, circuit), batch))
    circuit.ends()
    stop_point("newsletters.sent")
    at = run.clock.now()
    with press.database.transaction() as session:
        mark(
            session,
            run.me,
            [_mark(each, out, circuit, at) for each, out in zip(batch, outcomes, strict=True)],
        )
        _blame(session, press, batch, outcomes, circuit, at)
        if not circuit.closed:
            _wait(session, issue_id, circuit, at)
        elif batch:
            session.execute(
                sa.text("UPDATE issue SET stalls = 0 WHERE id = :id AND stalls > 0"), {"id": issue_id}
            )
    return len(batch) + skipped


def _compile(session: Session, press: Press, issue: Issue, variant: str) -> Segments:
    body = session.get_one(IssueBody, (issue.id, variant))
    rendered = emails.Rendered(issue.subject, body.text, body.html)
    list_ = session.get_one(Newsletter, issue.newsletter_id)
    assert issue.started_at is not None
    return segments(press, list_, issue.id, rendered, issue.started_at).stuffed()


def _offer(run: _Run, issue_id: str, to: Claimed, circuit: Circuit) -> tuple[Outcome, Meaning] | None:
    """Hand one mail over; None where it wasn't tried, because the issue has to wait."""
    if not circuit.closed:
        return None
    press = run.press
    try:
        own = values(press, number=to.number, address=to.address, signup_id=to.signup_id)
        content = run.compiled[issue_id, to.variant].join(own)
    except BadAddress as problem:
        outcome: Outcome = Refused(0, str(problem), "rcpt")
    else:
        outcome = press.line.send(
            content,
            sender=bounces.envelope_sender(press.office.tokens, to.number, press.bounce_domain),
            recipient=to.address,
            stuffed=True,
            before_final_dot=lambda: run.notes.begins(to.number),
        )
    _note(run.notes, to.number, outcome)
    return outcome, circuit.hears(to.number, outcome)


def _note(notes: Journal, number: int, outcome: Outcome) -> None:
    match outcome:
        case Accepted():
            notes.answered(number, 250)
        case Refused(code=code, step="dot") | Deferred(code=code, step="dot"):
            notes.answered(number, code)
        case _:
            pass


def _mark(to: Claimed, out: tuple[Outcome, Meaning] | None, circuit: Circuit, at: datetime) -> Mark:
    if out is None or to.number in circuit.pardoned:
        return Mark(to.number, DeliveryState.FROZEN, to.tries, at, None, None)
    outcome, found = out
    words = _words(outcome)
    match found:
        case Meaning.TAKEN:
            return Mark(to.number, DeliveryState.SENT, to.tries + 1, at, words, at)
        case Meaning.LATER if to.tries + 1 < TRIES:
            return Mark(
                to.number, DeliveryState.DEFERRED, to.tries + 1, again_at(to.tries + 1, at), words, None
            )
        case Meaning.STALLED:
            return Mark(to.number, DeliveryState.FROZEN, to.tries, again_at(1, at), words, None)
        case Meaning.BOUNCED:
            return Mark(to.number, DeliveryState.BOUNCED, to.tries + 1, at, words, at)
        case Meaning.UNKNOWN:
            return Mark(to.number, DeliveryState.UNCERTAIN, to.tries + 1, at, words, at)
        case _:
            return Mark(to.number, DeliveryState.FAILED, to.tries + 1, at, words, at)


def _words(outcome: Outcome) -> str:
    match outcome:
        case Accepted(reply):
            return reply
        case Unknown(why):
            return why
        case _:
            return f"{outcome.code} {outcome.reply}"


def _blame(
    session: Session,
    press: Press,
    batch: list[Claimed],
    outcomes: list[tuple[Outcome, Meaning] | None],
    circuit: Circuit,
    at: datetime,
) -> None:
    """An address that the relay itself doesn't know counts as a bounce like one that comes back later."""
    for to, out in zip(batch, outcomes, strict=True):
        if out is None or out[1] is not Meaning.BOUNCED or to.number in circuit.pardoned:
            continue
        status = bounces.status_in(_words(out[0])) or ""
        report = bounces.BounceReport(to.number, bounces.kind_of(status or "5.0.0"), status, "rcpt")
        delivery = session.exec(select(Delivery).where(Delivery.number == to.number)).one()
        record(session, press.office.tokens, delivery, report, at)


def _wait(session: Session, issue_id: str, circuit: Circuit, at: datetime) -> None:
    """Refused: a person has to look. Not reachable: tried again later, for as long as a recipient would be."""
    issue = session.exec(select(Issue).where(Issue.id == issue_id).with_for_update()).one()
    if issue.state is not IssueState.SENDING:
        return
    issue.stalls += 1
    if circuit.open_because is not None:
        issue.state, issue.held_why = IssueState.PAUSED, circuit.open_because
    elif issue.stalls >= TRIES:
        issue.state, issue.held_why = (
            IssueState.PAUSED,
            f"The relay can't be reached: {circuit.stalled}"[:300],
        )
    else:
        issue.resume_at = again_at(issue.stalls, at)
    log.warning("issue %s waits: %s", issue_id, circuit.open_because or circuit.stalled)
    session.add(issue)


def _finish(press: Press, at: datetime) -> int:
    """Issues with nobody left to send to are done; how many."""
    with press.database.transaction() as session:
        done = session.execute(
            sa.text(
                "UPDATE issue i SET state = 'sent', finished_at = :at WHERE state = 'sending' AND NOT EXISTS"
                " (SELECT 1 FROM delivery WHERE issue_id = i.id AND state IN ('frozen', 'sending', 'deferred'))"
            ),
            {"at": at},
        )
    return int(done.rowcount)  # type: ignore[attr-defined]


_OPEN = """
    SELECT i.id, i.subject, coalesce(greatest(i.resume_at, o.try_at), o.try_at, i.started_at) AS due FROM issue i
    LEFT JOIN LATERAL (SELECT try_at FROM delivery WHERE issue_id = i.id AND state IN ('frozen', 'sending', 'deferred')
                       ORDER BY try_at LIMIT 1) o ON true
    WHERE i.state = 'sending' ORDER BY due LIMIT 1
"""


NEXT_DUE = f"SELECT least((SELECT due FROM ({_OPEN}) open), ({recover.NEXT_DUE}))"  # noqa: S608
"""When an issue under way has something to send, to settle or to finish (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """Which, for people."""
    row = session.execute(sa.text(_OPEN)).first()
    return f"the newsletter “{row[1]}” goes on" if row else "nothing"
