"""What readers are entitled to at a moment. Computed from facts on each request; no job grants it."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import col

from billing.access.entitled import AHEAD, AT, entitlements_json, parse
from billing.platform.context import TransactionContext
from billing.platform.read_together import Rows, read_rows
from billing.readers.models import Reader
from billing.rules.access import Entitlement

_HELD = sa.text(entitlements_json("coalesce(reader.merged_into, reader.id)", f"({AT} OR {AHEAD})"))
HELD = sa.select(col(Reader.id), sa.cast(_HELD, JSONB)).where(
    col(Reader.id) == sa.any_(sa.bindparam("readers", type_=ARRAY(sa.Text)))
)
"""The query of `entitlements_by_reader`, for `:readers`, `:zone` and `:at`; `entitlements_in` takes its rows. A merged account has the
entitlements of the one that stays: a program may still ask by its id."""


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
    values = {"readers": list(reader_ids), "zone": ctx.zone.key, "at": ctx.at}
    return entitlements_in(read_rows(ctx.session, HELD, **values))


def entitlements_in(rows: Rows) -> dict[str, Entitlements]:
    """The entitlements of these rows, by reader."""
    return {reader_id: Entitlements(reader_id, parse(found)) for reader_id, found in rows}
