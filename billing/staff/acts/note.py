"""A note about a reader, for other staff. Its words are the reason of the act, and it changes nothing else."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import select

from billing.platform import ids
from billing.platform.actors import acted_by, is_actor
from billing.platform.context import TransactionContext
from billing.staff.acts.shape import Preview
from billing.staff.models import ReaderNote
from billing.staff.roles import Permission

PRESSED_TWICE = timedelta(minutes=1)
"""The same words by the same member within this time are one note."""


@dataclass(frozen=True)
class NoteAct:
    """Keep a note."""

    reader_id: str
    what = Permission.NOTE

    def preview(self, _: TransactionContext, /) -> Preview:
        """Nothing but itself."""
        return Preview(("The note stands in the timeline. The reader doesn't see it.",), "Keep the note")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Keep the note, once if the button is pressed twice."""
        before = ctx.session.exec(
            select(ReaderNote.id).where(
                ReaderNote.reader_id == self.reader_id,
                *is_actor(ReaderNote, ctx.actor),
                ReaderNote.words == reason,
                ReaderNote.at > ctx.at - PRESSED_TWICE,
            )
        ).first()
        if before is not None:
            return before
        note_id = ids.new("nte", ctx.at)
        ctx.session.add(
            ReaderNote(id=note_id, reader_id=self.reader_id, at=ctx.at, words=reason, **acted_by(ctx.actor))
        )
        ctx.session.flush()
        return note_id
