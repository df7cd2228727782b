"""What readers are entitled to at a moment. Computed from facts on each request; no job grants it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from billing.access.entitled import AHEAD, AT, entitlements_json, parse
from billing.platform.site import Office
from billing.readers.models import Reader
from billing.rules.access import Entitlement

_HELD = sa.text(entitlements_json("reader.id", f"({AT} OR {AHEAD})"))


@dataclass(frozen=True, slots=True)
class Entitlements:
    """A reader, or an anonymous visitor, and what opens articles to them."""

    reader_id: str | None
    held: tuple[Entitlement, ...] = ()

    @property
    def registered(self) -> bool:
        """Whether the reader has an account."""
        return self.reader_id is not None


ANONYMOUS = Entitlements(None)


def entitlements_of(session: Session, office: Office, reader_id: str | None, at: datetime) -> Entitlements:
    """The reader's entitlements; ANONYMOUS for None and for an unknown reader."""
    if reader_id is None:
        return ANONYMOUS
    return entitlements_by_reader(session, office, {reader_id}, at).get(reader_id, ANONYMOUS)


def entitlements_by_reader(
    session: Session, office: Office, reader_ids: Collection[str], at: datetime
) -> dict[str, Entitlements]:
    """The entitlements of each of these readers that exists, in one statement."""
    # A select of the ORM, not bare SQL: only an ORM statement flushes the session's pending rows first.
    rows = session.execute(
        sa.select(col(Reader.id), _HELD).where(col(Reader.id).in_(reader_ids)),
        {"zone": office.zone.key, "at": at},
    )
    return {reader_id: Entitlements(reader_id, parse(found)) for reader_id, found in rows}
