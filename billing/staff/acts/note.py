"""A note about a reader, for whoever looks next. The note is the reason: it changes nothing else."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import select

from billing.platform import ids
from billing.platform.actors import Actor, acted_by, is_actor
from billing.staff.acts.shape import Desk, Preview
from billing.staff.models import ReaderNote
from billing.staff.roles import Permission

PRESSED_TWICE = timedelta(minutes=1)
"""The same words by the same member within so long are one note."""


@dataclass(frozen=True)
class Note:
    """Words that stay."""

    reader_id: str
    what = Permission.NOTE

    def preview(self, _: Desk, /) -> Preview:
        """Nothing but itself."""
        return Preview(("The note stands in the timeline. The reader doesn't see it.",), "Keep the note")

    def do(self, desk: Desk, actor: Actor, why: str, /) -> str | None:
        """Keep it; once, when the button is pressed twice."""
        before = desk.session.exec(
            select(ReaderNote.id).where(
                ReaderNote.reader_id == self.reader_id,
                *is_actor(ReaderNote, actor),
                ReaderNote.words == why,
                ReaderNote.at > desk.at - PRESSED_TWICE,
            )
        ).first()
        if before is not None:
            return before
        note = ReaderNote(
            id=ids.new("nte", desk.at), reader_id=self.reader_id, at=desk.at, **acted_by(actor), words=why
        )
        desk.session.add(note)
        desk.session.flush()
        return note.id
