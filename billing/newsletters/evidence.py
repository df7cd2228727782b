"""The lines of evidence about one person, for that person (C6)."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.newsletters.models import Newsletter, SignupChange
from billing.newsletters.signups import Person


def lines_of(session: Session, person: Person, *, proved: bool) -> list[tuple[SignupChange, Newsletter]]:
    """Every yes and no of a reader, oldest first, each with its newsletter.

    What an address said before it was a reader's is theirs only once they have `proved` that it is: a trial can be started
    with somebody else's address. A line of another reader is never in it, whatever address it was for."""
    mine = col(SignupChange.reader_id) == person.reader_id
    if proved:
        bare = sa.and_(col(SignupChange.reader_id).is_(None), col(SignupChange.address_key) == person.key)
        mine = sa.or_(mine, bare)
    found = select(SignupChange, Newsletter).join(Newsletter).where(mine).order_by(col(SignupChange.id))
    return list(session.exec(found))
