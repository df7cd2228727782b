"""A reader's changes of address, as lines of the timeline."""

from sqlmodel import Session

from billing.readers.address_change import AddressChange, ChangeState
from billing.staff.entry import Entry, EntryKind, newest, present


def changes(session: Session, reader_id: str, most: int) -> list[Entry]:
    """Each change: from, to, when, by whom, and what became of it."""
    return [_entry(row) for row in newest(session, AddressChange, reader_id, most)]


def _entry(row: AddressChange) -> Entry:
    state = row.state(row.created_at)  # entries know no present: the line says until when the link works
    ends = (
        ("confirmed", row.confirmed_at),
        ("stopped", row.stopped_at),
        ("put back", row.put_back_at),
        ("link works until", row.expires_at if state is ChangeState.WAITING else None),
    )
    return Entry(
        at=row.created_at,
        kind=EntryKind.ADDRESS,
        what=f"Another address: {'asked for' if state is ChangeState.WAITING else state.words}",
        ref=row.id,
        by=row.by,
        facts=present(
            ("from", row.old_email),
            ("to", row.new_email),
            *((name, at.isoformat(timespec="seconds") if at else None) for name, at in ends),
        ),
    )
