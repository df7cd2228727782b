"""A reader's yes and no to newsletters, as lines of their timeline."""

from sqlmodel import Session, col, or_, select

from billing.newsletters.models import Newsletter, SignupChange
from billing.readers import devices
from billing.readers.models import Reader
from billing.staff.entry import Entry, EntryKind, present

_SAID = {"pending": "Asked for", "confirmed": "Agreed to receive", "left": "Left"}


def choices(session: Session, reader_id: str, most: int) -> list[Entry]:
    """Each choice with its evidence, newest first: made signed in, or from the reader's mailbox (C6)."""
    address = session.get_one(Reader, reader_id).email.lower()
    rows = session.exec(
        select(SignupChange, Newsletter.name)
        .join(Newsletter, col(Newsletter.id) == SignupChange.newsletter_id)
        .where(or_(SignupChange.reader_id == reader_id, SignupChange.address_key == address))
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
                ("device", devices.in_words(row.device) if row.device else None),
                ("confirmed by", row.message_key),
            ),
        )
        for row, name in rows
    ]
