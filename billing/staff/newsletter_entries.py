"""What a reader said yes and no to among the newsletters, as lines of their timeline."""

from sqlmodel import Session, col, or_, select

from billing.newsletters.models import Newsletter, SignupChange
from billing.readers import devices
from billing.readers.models import Reader
from billing.staff.entry import Entry, EntryKind, present

_SAID = {"pending": "Asked for", "confirmed": "Agreed to receive", "left": "Left"}


def choices(session: Session, reader_id: str, most: int) -> list[Entry]:
    """The evidence of each, newest first: signed in, or from the mailbox that is theirs (C6)."""
    reader = session.get_one(Reader, reader_id)
    rows = session.exec(
        select(SignupChange, Newsletter.name)
        .join(Newsletter, col(Newsletter.id) == SignupChange.newsletter_id)
        .where(
            or_(
                col(SignupChange.reader_id) == reader_id,
                col(SignupChange.address_key) == reader.email.lower(),
            )
        )
        .order_by(col(SignupChange.id).desc())
        .limit(most)
    )
    return [
        Entry(
            at=row.at,
            kind=EntryKind.CONSENT,
            what=f"{_SAID.get(row.to_state, row.to_state)} {name}",
            ref=f"{row.id:012d}",
            by="reader" if row.reader_id else "the mailbox",
            reason=row.words,
            facts=present(
                ("how", row.source),
                ("text", row.text_version),
                ("from", row.ip),
                ("device", devices.in_words(row.device) if row.device else ""),
                ("confirmed by", row.message_key or ""),
            ),
        )
        for row, name in rows
    ]
