"""Sends the mails of the outbox: claim, send with no transaction open, mark. Any number of workers may run.

A worker may die between the relay's answer and our commit. Then the mail is sent again under the same Message-ID: for receipts
and notices twice is better than never (S3)."""

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
from billing.brand.publisher import Publisher
from billing.mail import suppressions
from billing.mail.bounces import BounceKind, kind_in, status_in
from billing.mail.mime import to_bytes
from billing.mail.models import NOT_WRITTEN, STOPPED, URGENT, URGENT_KIND, Message, MessageState
from billing.mail.obsolete import holds
from billing.mail.replies import reply_address
from billing.mail.smtp import Accepted, Deferred, Outcome, RelayRefused, RelayUnknown, SmtpTransport
from billing.platform.bulk import one_of
from billing.platform.claims import assign, check_still_ours, unclaimed, worker_lock
from billing.platform.clock import Clock
from billing.platform.counters import MAILS, count_after_commit
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.installation import ASKING, held_by
from billing.platform.stop_points import stop_point
from billing.platform.tokens import Tokens
from billing.rules.backoff import again_at
from emails.languages import Languages

BATCH = 50
UNSYNCHRONIZED = {"synchronize_session": False}
"""An UPDATE leaves loaded objects as they are; nothing reads them afterwards."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sender:
    """The relay, and what every mail carries."""

    transport: SmtpTransport
    publisher: Publisher
    mail_from: str
    tokens: Tokens
    zone: ZoneInfo
    languages: Languages
    attach_documents: bool
    """Whether a mail carries its documents as a PDF."""
    reply_domain: str = ""
    """The domain of the addresses by which replies join a thread (see `replies`); empty: replies go to `mail_from`."""

    @property
    def house(self) -> emails.House:
        """The publisher who signs."""
        return self.publisher.house


def deliver(database: Database, sender: Sender, clock: Clock, stopping: Event) -> int:
    """Send what is due until nothing is, or until we are `stopping`. Returns how many mails were attempted.

    A run may take long, so the clock is read for each batch, before each mail and after its answer. Raises ClaimLost. Raises
    NotAdopted and AsksAcquirer where only urgent mails, such as sign-in links, may go out, and none is left."""
    done = 0
    with worker_lock(database) as me:
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
    """Returns how many mails were attempted. The rest is released when an urgent mail comes, or when we are stopping."""
    with database.transaction() as session:
        sender.publisher.refresh(session)
    done = 0
    for place, message in enumerate(batch):
        with database.transaction() as session:
            check_still_ours(session, me)
            at = clock.now_in(session)
            if place and (stopping.is_set() or _urgent_waits(session, message, at)):
                _release(session, me, batch[place:])
                return done
            is_sendable, is_stopped = _still_sendable(session, sender.tokens, me, message, at)
        if not is_sendable:
            continue
        outcome = RelayRefused(0, STOPPED) if is_stopped else _send(sender, message)
        stop_point("mail.sent")
        with database.transaction() as session:
            _mark(session, me, message, outcome, clock.now_in(session))
        done += 1
    return done


def _due(at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Message.state) == MessageState.QUEUED,
        col(Message.next_attempt_at) <= at,
        unclaimed(Message.claimed_by),
    )


def _claim(database: Database, me: int, at: datetime) -> tuple[list[Message], Unavailable | None]:
    """The next batch, and what holds back mails that aren't urgent. A batch is urgent mails, or others where there are none.

    The hold is read for each batch, because it may begin or end during the run."""
    due = (
        select(Message)
        .where(*_due(at))
        .order_by(col(Message.next_attempt_at), col(Message.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    with database.transaction() as session:
        held = held_by(session)
        _expire(session, at)
        rows = session.exec(due.where(sa.text(URGENT))).all()
        if not rows and held is None:
            rows = session.exec(due).all()
        assign(session, Message, [row.id for row in rows], me)
        return list(rows), held


def _urgent_waits(session: Session, message: Message, at: datetime) -> bool:
    """Whether an urgent mail waits, and this one is not urgent."""
    if message.kind == URGENT_KIND:
        return False
    return session.exec(select(Message.id).where(*_due(at), sa.text(URGENT)).limit(1)).first() is not None


def _release(session: Session, me: int, rest: Sequence[Message]) -> None:
    mine = one_of(Message.id, [message.id for message in rest]), col(Message.claimed_by) == me
    session.execute(sa.update(Message).where(*mine).values(claimed_by=None), execution_options=UNSYNCHRONIZED)


@cache
def _still_to_send(condition: str) -> sa.TextClause:
    # Both parts see the rows as they were, so only `given_up` tells the second what the first has changed.
    return sa.text(
        f"""WITH given_up AS (
                UPDATE message m SET claimed_by = NULL, state = CASE WHEN expires_at < :at THEN 'expired' ELSE 'obsolete' END
                WHERE id = :id AND state = 'queued' AND (expires_at < :at OR NOT {condition}) RETURNING id)
            SELECT state = 'queued' AND claimed_by = :me AND NOT EXISTS (SELECT FROM given_up), {suppressions.sql(":key")}
            FROM message WHERE id = :id"""  # noqa: S608 - of our own
    )


def _still_sendable(
    session: Session, tokens: Tokens, me: int, message: Message, at: datetime
) -> tuple[bool, bool]:
    """Whether the mail is still ours, queued, unexpired and true; and whether staff stopped all mail to its address meanwhile. One of
    ours that is expired or untrue is given up here."""
    values = {
        "id": message.id,
        "me": me,
        "at": at,
        "key": suppressions.key_of(message.recipient),
        "scopes": [suppressions.ALL],
        "salt": suppressions.salt(tokens),
    }
    found = session.execute(_still_to_send(holds()), values).one_or_none()
    return (bool(found[0]), bool(found[1])) if found is not None else (False, False)


def _expire(session: Session, at: datetime) -> None:
    late = select(Message.id).where(*_due(at), Message.expires_at < at).with_for_update(skip_locked=True)
    expire = sa.update(Message).where(col(Message.id).in_(late))
    session.execute(
        expire.values(state=MessageState.EXPIRED, claimed_by=None), execution_options=UNSYNCHRONIZED
    )


def compose(sender: Sender, message: Message) -> bytes:
    """The mail as bytes: secrets filled into their places, rendered, with its documents and the headers H9 to H15."""
    stored = emails.load(message.kind, message.fields)
    texts = {name: getattr(stored, name) for name in emails.places(type(stored))}
    secrets = {name: sender.tokens.fill(text) for name, text in texts.items() if text is not None}
    filled = replace(stored, **secrets)
    rendered = emails.render(filled, sender.house, sender.languages.of(message.language))
    domain = sender.mail_from.rpartition("@")[2].rstrip(">")
    return to_bytes(
        rendered=rendered,
        pdf=emails.pdf_of(filled, sender.house, rendered.language) if sender.attach_documents else None,
        sender=f"{sender.house.name} <{sender.mail_from}>",
        recipient=message.recipient,
        message_id=f"<{message.id}@{domain}>",
        date=message.created_at.astimezone(sender.zone),
        unsubscribe_url=getattr(filled, "unsubscribe_url", None),
        reply_to=_reply_to(sender, getattr(filled, "request_id", None)),
    )


def _reply_to(sender: Sender, request_id: str | None) -> str | None:
    """The address of the thread, for a mail about a request."""
    if request_id is None or not sender.reply_domain:
        return None
    return reply_address(sender.tokens, request_id, sender.reply_domain)


def _send(sender: Sender, message: Message) -> Outcome:
    """A mail that can't be rendered waits and holds up no other: its template may be repaired, or a newer release may know its kind.
    `reports/watch` opens a case."""
    try:
        content = compose(sender, message)
    except Exception as problem:  # whatever the reason
        log.log(
            logging.WARNING if message.tries else logging.ERROR,
            "message %s, a %s, can't be written: %s",
            message.id,
            message.kind,
            problem,
            exc_info=None if message.tries else problem,
        )
        return RelayUnknown(f"{NOT_WRITTEN}{type(problem).__name__}: {problem}")
    return sender.transport.send(content, sender=sender.mail_from, recipient=message.recipient)


def _is_about_us(refusal: RelayRefused) -> bool:
    """Whether a 5xx is about our relay, our sender or our text, and says nothing of the mailbox (S6). The next try may fare better."""
    match refusal.step:
        case "mail" | "data":
            return True
        case "dot":  # some servers name an unknown mailbox only here: then by its status (RFC 3463)
            return not (status_in(refusal.reply) or "").startswith(("5.1.", "5.2."))
        case "rcpt":
            return kind_in(refusal.reply) is BounceKind.POLICY
        case _:  # we didn't offer it
            return False


_MARK = sa.text(
    "UPDATE message SET claimed_by = NULL, tries = :tries, state = :state, accepted_at = :accepted_at, next_attempt_at = :next_attempt_at,"
    " last_answer = :answer WHERE id = :id"
    " AND CASE WHEN :state = 'accepted' THEN state <> 'accepted' AND recipient = :recipient"
    " ELSE state = 'queued' AND claimed_by = :me END"
)
"""An accepted mail was delivered at the first 250, even if it was taken back or claimed by another worker meanwhile; but not if it
goes to another address by now. Other outcomes count only while the claim is ours."""


def _mark(session: Session, me: int, message: Message, outcome: Outcome, at: datetime) -> None:
    """Record the outcome. `at`, the moment of the relay's answer, is what counts for a notice."""
    match outcome:
        case Accepted(answer):
            state = MessageState.ACCEPTED
        case RelayRefused(code, reply) if not _is_about_us(outcome):
            state, answer = MessageState.REFUSED, f"{code} {reply}"
        case RelayRefused(code, reply) | Deferred(code, reply):  # retried until the mail expires (S5)
            state, answer = MessageState.QUEUED, f"{code} {reply}"
        case RelayUnknown(answer):
            state = MessageState.QUEUED
    tries = message.tries + 1
    values = {
        "id": message.id,
        "me": me,
        "recipient": message.recipient,
        "tries": tries,
        "state": state.value,
        "accepted_at": at if state is MessageState.ACCEPTED else None,
        "next_attempt_at": again_at(tries, at) if state is MessageState.QUEUED else message.next_attempt_at,
        "answer": answer[:500],
    }
    session.connection().execute(_MARK, values)
    count_after_commit(session, MAILS, "deferred" if state is MessageState.QUEUED else state.value)


def next_words(session: Session) -> str:
    """The next mail, in words."""
    message = session.exec(
        select(Message)
        .where(Message.state == MessageState.QUEUED)
        .order_by(col(Message.next_attempt_at), col(Message.id))
        .limit(1)
    ).first()
    return f"the mail “{message.kind.replace('_', ' ')}” to {message.recipient}" if message else "nothing"


NEXT_DUE = f"""SELECT CASE WHEN EXISTS ({ASKING}) THEN (SELECT min(next_attempt_at) FROM message WHERE state = 'queued' AND {URGENT})
                   ELSE (SELECT min(next_attempt_at) FROM message WHERE state = 'queued') END"""  # noqa: S608
"""When the outbox has to be processed next (see `timetable.Job`)."""
