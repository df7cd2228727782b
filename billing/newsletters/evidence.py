"""A person's consent history, as that person may see it (C6)."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.newsletters.models import Newsletter, SignupChange
from billing.newsletters.signups import Person


def lines_of(session: Session, person: Person) -> list[tuple[SignupChange, Newsletter]]:
    """Every yes and no of a reader with a verified address, oldest first, each with its newsletter.

    Includes lines of the bare address from before it was the reader's, but never lines of another reader."""
    bare = sa.and_(col(SignupChange.reader_id).is_(None), col(SignupChange.address_key) == person.key)
    mine = sa.or_(col(SignupChange.reader_id) == person.reader_id, bare)
    found = select(SignupChange, Newsletter).join(Newsletter).where(mine).order_by(col(SignupChange.id))
    return list(session.exec(found))
