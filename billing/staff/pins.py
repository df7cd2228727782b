"""Notes that staff pin to the top of a reader's page. A pin is what the audit said of the note last: no row of its own."""

from sqlmodel import Session, col, select

from billing.platform.context import TransactionContext
from billing.platform.errors import NotFound
from billing.staff import audit
from billing.staff.facts import lock_reader
from billing.staff.models import AuditLine, ReaderNote

PIN, UNPIN = "pin_note", "unpin_note"
MOST = 10


class UnknownNote(NotFound):
    """There is no such note about this reader."""

    code = "unknown_note"


def pinned(session: Session, reader_id: str) -> list[ReaderNote]:
    """The pinned notes of a reader, the one pinned last first; at most ten."""
    lines = session.exec(
        select(AuditLine.act, AuditLine.subject)
        .where(AuditLine.reader_id == reader_id, col(AuditLine.act).in_((PIN, UNPIN)))
        .order_by(col(AuditLine.id).desc())
    )
    last: dict[str | None, str] = {}
    for act, note_id in lines:
        last.setdefault(note_id, act)
    ids = [note_id for note_id, act in last.items() if act == PIN][:MOST]
    rows = session.exec(
        select(ReaderNote).where(col(ReaderNote.id).in_(ids), ReaderNote.reader_id == reader_id)
    )
    return sorted((row for row in rows if row.words), key=lambda row: ids.index(row.id))


def pin(ctx: TransactionContext, reader_id: str, note_id: str, *, pinned_now: bool) -> None:
    """Pin the note, or take its pin off; once, if pressed twice. Raises UnknownReader, ReaderMerged, UnknownNote."""
    lock_reader(ctx.session, reader_id)
    note = ctx.session.get(ReaderNote, note_id)
    if note is None or note.reader_id != reader_id:
        raise UnknownNote
    if (note_id in {row.id for row in pinned(ctx.session, reader_id)}) != pinned_now:
        audit.write(ctx, PIN if pinned_now else UNPIN, reader_id=reader_id, subject=note_id)
