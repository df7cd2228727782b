"""Changes the brand. What staff and commands do stands in the audit (`billing/staff/branding.py`)."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from billing.brand import rules
from billing.brand.models import StoredBrand
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.platform.errors import Conflict, Invalid


class BadBrand(Invalid):
    """The brand can't be like that. `facts["problems"]` has a sentence for each field."""

    code = "bad_brand"


class BrandUnchanged(Invalid):
    """That is how it stands already; nothing was changed."""

    code = "brand_unchanged"


class BrandMoved(Conflict):
    """Somebody else has changed the brand since this page was opened. What you typed stands here still; look at what is new, and save again."""

    code = "brand_moved"


def stored(session: Session) -> StoredBrand | None:
    """The row; None before the first change."""
    return session.get(StoredBrand, 1)


def version_of(session: Session) -> int:
    """How often the brand was changed."""
    row = stored(session)
    return row.version if row else 0


def change(
    ctx: TransactionContext, given: Mapping[str, Any], *, version: int | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set the given fields. Returns what was and what is, of those that differ, as JSON values.

    `version`: what the form was opened with. Raises BadBrand, BrandMoved, BrandUnchanged."""
    values, problems = rules.checked(given)
    if problems:
        raise BadBrand(" ".join(problems.values()), problems=problems)
    row = _locked(ctx)
    if version is not None and version != row.version:
        raise BrandMoved
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if not changed:
        raise BrandUnchanged
    before = plain(row, changed)
    for name, value in changed.items():
        setattr(row, name, value)
    row.version, row.changed_at = row.version + 1, ctx.at
    ctx.session.flush()
    return before, plain(row, changed)


def reset(ctx: TransactionContext, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set these fields to their defaults. Returns as `change`. Raises BrandUnchanged."""
    default = StoredBrand.default(ctx.at)
    return change(ctx, {name: getattr(default, name) for name in names})


def plain(row: StoredBrand, names: Iterable[str]) -> dict[str, Any]:
    """Fields as JSON values; of a logo, its size and its hash."""
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return f"{len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()[:16]}" if value else ""


def _locked(ctx: TransactionContext) -> StoredBrand:
    """The row under a lock; the first change makes it."""
    ctx.session.execute(
        sa.text("INSERT INTO brand (id, version, changed_at) VALUES (1, 0, :at) ON CONFLICT DO NOTHING"),
        {"at": ctx.at},
    )
    return lock_one(ctx.session, StoredBrand, 1)
