"""Send what the outbox holds: claim, send with no transaction open, mark. Any number of workers.

Killed after the relay took a mail and before we wrote it down, a mail goes out again under the same Message-ID:
for receipts and notices twice is better than never (S3)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from threading import Event
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

import emails
from billing.mail import suppressions
from billing.mail.mime import to_bytes
from billing.mail.models import NOT_WRITTEN, STOPPED, URGENT, URGENT_KIND, Message, MessageState
from billing.mail.obsolete import holds
from billing.mail.smtp import Accepted, Deferred, Outcome, Refused, Transport, Unknown
from billing.platform import bulk
from billing.platform.claims import claimer, in_nobodys_hands, refuse_lost, take
from billing.platform.clock import Clock
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.installation import ASKING, held_by
from billing.platform.stop_points import stop_point
from billing.platform.tokens import Tokens
from billing.rules.backoff import again_at

BATCH = 50
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sender:
    """How mail leaves this house."""

    transport: Transport
    house: emails.House
    mail_from: str
    tokens: Tokens
    zone: ZoneInfo
    papers: bool
    """Whether a mail carries its document as a PDF."""


def deliver(database: Database, sender: Sender, clock: Clock, stopping: Event) -> int:
    """Send what is due until nothing is, or until we are `stopping`; how many were accepted, refused or put off.

    A run may last, so the clock is read for each batch, before each mail and after its answer. Raises NotAdopted and AsksStripe
    when only urgent mails, such as a link to sign in with, may go out and none is left; and ClaimLost."""
    done = 0
    with claimer(database) as me:
        while not stopping.is_set():
            batch, held = _claim(database, me, clock.now())
            if not batch:
                if held is not None:
                    raise held
                break
            stop_point("mail.claimed")
            done += _send_batch(database, sender, clock, me, batch, stopping)
    return done


def _send_batch(
    database: Database, sender: Sender, clock: Clock, me: int, batch: Sequence[Message], stopping: Event
) -> int:
    """Send one after the other. The rest is put back when an urgent mail comes, or when we are stopping. How many were tried."""
    with database.transaction() as session:
        stopped = suppressions.stopped(session, sender.tokens, [each.recipient for each in batch])
    done = 0
    for place, message in enumerate(batch):
        with database.transaction() as session:
            refuse_lost(session, me)
            at = clock.now_in(session)
            if place and (stopping.is_set() or _gives_way(session, message, at)):
                _put_back(session, me, batch[place:])
                return done
            sendable = _look_again(session, me, message, at)
        if not sendable:
            continue
        if suppressions.key_of(message.recipient) in stopped:
            outcome: Outcome = Refused(0, STOPPED)
        else:
            outcome = _send(sender, message)
        stop_point("mail.sent")
        with database.transaction() as session:
            _mark(session, me, message, outcome, clock.now_in(session))
        done += 1
    return done


def _due(at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Message.state) == MessageState.QUEUED,
        col(Message.try_at) <= at,
        in_nobodys_hands(Message.claimed_by),
    )


def _claim(database: Database, me: int, at: datetime) -> tuple[list[Message], Unavailable | None]:
    """The next batch: those that somebody waits for, and only when there are none the others; and what holds the others now. It
    is asked each time: the database may have changed under a run that goes on."""
    due = (
        select(Message)
        .where(*_due(at))
        .order_by(col(Message.try_at), col(Message.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    with database.transaction() as session:
        held = held_by(session)
        _expire(session, at)
        rows = session.exec(due.where(sa.text(URGENT))).all()
        if not rows and held is None:
            rows = session.exec(due).all()
        take(session, Message, [row.id for row in rows], me)
        return list(rows), held


def _gives_way(session: Session, message: Message, at: datetime) -> bool:
    """Whether an urgent mail has come, while this one is not urgent."""
    if message.kind == URGENT_KIND:
        return False
    return session.exec(select(Message.id).where(*_due(at), sa.text(URGENT)).limit(1)).first() is not None


def _put_back(session: Session, me: int, rest: Sequence[Message]) -> None:
    mine = sa.update(Message).where(bulk.one_of(Message.id, [each.id for each in rest]))
    session.execute(
        mine.where(col(Message.claimed_by) == me).values(claimed_by=None),
        execution_options={"synchronize_session": False},
    )


@cache
def _still_to_send(condition: str) -> sa.TextClause:
    return sa.text(
        f"""WITH given_up AS (
                UPDATE message m SET claimed_by = NULL, state = CASE WHEN expires_at < :at THEN 'expired' ELSE 'obsolete' END
                WHERE id = :id AND state = 'queued' AND (expires_at < :at OR NOT {condition}) RETURNING id)
            SELECT state = 'queued' AND claimed_by = :me AND NOT EXISTS (SELECT FROM given_up) FROM message WHERE id = :id"""  # noqa: S608 - of our own
    )


def _look_again(session: Session, me: int, message: Message, at: datetime) -> bool:
    """Whether the mail is still to be sent: it is still ours, was not taken back since, its window is open, and it is true."""
    return bool(
        session.execute(_still_to_send(holds()), {"id": message.id, "me": me, "at": at}).scalar_one_or_none()
    )


def _expire(session: Session, at: datetime) -> None:
    late = select(Message.id).where(*_due(at), Message.expires_at < at).with_for_update(skip_locked=True)
    expired = sa.update(Message).where(col(Message.id).in_(late))
    session.execute(
        expired.values(state=MessageState.EXPIRED, claimed_by=None),
        execution_options={"synchronize_session": False},
    )


def compose(sender: Sender, message: Message) -> bytes:
    """The mail as bytes: facts into words, secrets into their places, its document with it, headers H9 to H15."""
    words = emails.load(message.kind, message.fields)
    secret = {name: getattr(words, name) for name in emails.places(type(words))}
    filled = {name: sender.tokens.fill(value) for name, value in secret.items() if value is not None}
    told = replace(words, **filled)
    domain = sender.mail_from.rpartition("@")[2].rstrip(">")
    return to_bytes(
        rendered=emails.render(told, sender.house),
        paper=emails.pdf_of(told, sender.house) if sender.papers else None,
        sender=f"{sender.house.name} <{sender.mail_from}>",
        recipient=message.recipient,
        message_id=f"<{message.id}@{domain}>",
        date=message.created_at.astimezone(sender.zone),
    )


def _send(sender: Sender, message: Message) -> Outcome:
    """A mail that can't be written waits, whatever the reason, and never holds up the others: its template may be mended, or a
    newer release may know its kind (see `reports/watch`, which tells staff)."""
    try:
        content = compose(sender, message)
    except Exception as problem:
        log.log(
            logging.WARNING if message.tries else logging.ERROR,
            "message %s, a %s, can't be written: %s",
            message.id,
            message.kind,
            problem,
            exc_info=None if message.tries else problem,
        )
        return Unknown(f"{NOT_WRITTEN}{type(problem).__name__}: {problem}")
    return sender.transport.send(content, sender=sender.mail_from, recipient=message.recipient)


_MARK = sa.text(
    "UPDATE message SET claimed_by = NULL, tries = :tries, state = :state, accepted_at = :accepted_at, try_at = :try_at,"
    " last_answer = :answer WHERE id = :id"
    " AND CASE WHEN :state = 'accepted' THEN state <> 'accepted' AND recipient = :recipient"
    " ELSE state = 'queued' AND claimed_by = :me END"
)
"""One that was taken back while it was on the wire, or that another has in hand by now, stays so, unless the relay has it:
then it was told, at the first 250 that came. One that goes to another address by now wasn't told at this one."""


def _mark(session: Session, me: int, message: Message, outcome: Outcome, at: datetime) -> None:
    """What became of it, `at` the moment of the relay's answer, which is what counts for a notice."""
    state, accepted_at, try_at = MessageState.QUEUED, None, message.try_at
    match outcome:
        case Accepted(reply):
            state, accepted_at, answer = MessageState.ACCEPTED, at, reply
        case Refused(code, reply):
            state, answer = MessageState.REFUSED, f"{code} {reply}"
        case Deferred(code, reply):  # until the mail's own time is over (S5)
            answer, try_at = f"{code} {reply}", again_at(message.tries + 1, at)
        case Unknown(why):
            answer, try_at = why, again_at(message.tries + 1, at)
    said = {"state": state.value, "accepted_at": accepted_at, "try_at": try_at, "answer": answer[:500]}
    session.connection().execute(
        _MARK, said | {"id": message.id, "me": me, "recipient": message.recipient, "tries": message.tries + 1}
    )


def next_words(session: Session) -> str:
    """The next mail, for people."""
    message = session.exec(
        select(Message)
        .where(Message.state == MessageState.QUEUED)
        .order_by(col(Message.try_at), col(Message.id))
        .limit(1)
    ).first()
    return f"the mail “{message.kind.replace('_', ' ')}” to {message.recipient}" if message else "nothing"


NEXT_DUE = f"""SELECT CASE WHEN EXISTS ({ASKING}) THEN (SELECT min(try_at) FROM message WHERE state = 'queued' AND {URGENT})
                   ELSE (SELECT min(try_at) FROM message WHERE state = 'queued') END"""  # noqa: S608
"""When the outbox wants looking at next (see `timetable.Job`)."""
