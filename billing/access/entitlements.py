"""What a reader holds at a moment, from the facts in the database. Nothing grants access; it follows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from billing.access.entitled import AHEAD, AT, entitlements_json, parse
from billing.platform.site import Office
from billing.readers.models import Reader
from billing.rules.access import Held

_HELD = sa.text(entitlements_json("reader.id", f"({AT} OR {AHEAD})"))


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is asking, and what opens articles to them."""

    reader_id: str | None
    held: tuple[Held, ...] = ()

    @property
    def registered(self) -> bool:
        """Whether the reader has an account."""
        return self.reader_id is not None


NOBODY = Standing(None)


def standing(session: Session, office: Office, reader_id: str | None, at: datetime) -> Standing:
    """The standing of a reader; of nobody when there is no such reader (anonymous is always a fair answer)."""
    if reader_id is None:
        return NOBODY
    return standings(session, office, {reader_id}, at).get(reader_id, NOBODY)


def standings(
    session: Session, office: Office, reader_ids: Collection[str], at: datetime
) -> dict[str, Standing]:
    """The standing of each of these readers; who is unknown isn't named. One statement, however many there are."""
    # a select of the ORM's, not `sa.text`, because only that flushes what the session has yet to write
    rows = session.execute(
        sa.select(col(Reader.id), _HELD).where(col(Reader.id).in_(reader_ids)),
        {"zone": office.zone.key, "at": at},
    )
    return {reader_id: Standing(reader_id, parse(found)) for reader_id, found in rows}
