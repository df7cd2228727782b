"""What readers are entitled to at a moment. Computed from facts on each request; no job grants it."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col

from billing.access.entitled import AHEAD, AT, entitlements_json, parse
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.access import Entitlement

_HELD = sa.text(entitlements_json("reader.id", f"({AT} OR {AHEAD})"))
# A select of the ORM, not bare SQL: only an ORM statement flushes the session's pending rows first.
# Made once: building a statement takes as long as running it.
_BY_READER = sa.select(col(Reader.id), _HELD).where(col(Reader.id).in_(sa.bindparam("ids", expanding=True)))


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


def entitlements_of(ctx: TransactionContext, reader_id: str | None) -> Entitlements:
    """The reader's entitlements; ANONYMOUS for None and for an unknown reader."""
    if reader_id is None:
        return ANONYMOUS
    return entitlements_by_reader(ctx, {reader_id}).get(reader_id, ANONYMOUS)


def entitlements_by_reader(ctx: TransactionContext, reader_ids: Collection[str]) -> dict[str, Entitlements]:
    """The entitlements of each of these readers that exists, in one statement."""
    rows = ctx.session.execute(_BY_READER, {"ids": list(reader_ids), "zone": ctx.zone.key, "at": ctx.at})
    return {reader_id: Entitlements(reader_id, parse(found)) for reader_id, found in rows}
