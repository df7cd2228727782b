"""The lines of evidence about one person, for that person (C6)."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.newsletters.models import Newsletter, SignupChange
from billing.newsletters.signups import Person


def lines_of(session: Session, person: Person) -> list[tuple[SignupChange, Newsletter]]:
    """Every yes and no of a reader who has proved the address, oldest first, each with its newsletter.

    What an address said before it was a reader's is theirs too: they have proved that it is. A line of another reader is never in
    it, whatever address it was for."""
    bare = sa.and_(col(SignupChange.reader_id).is_(None), col(SignupChange.address_key) == person.key)
    mine = sa.or_(col(SignupChange.reader_id) == person.reader_id, bare)
    found = select(SignupChange, Newsletter).join(Newsletter).where(mine).order_by(col(SignupChange.id))
    return list(session.exec(found))
