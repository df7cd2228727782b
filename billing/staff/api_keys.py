"""API keys: made, rotated, limited and revoked. Each change is audited. A secret is returned once, and stored as a hash."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_names, lock_row
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.rules import key_secrets
from billing.rules.ceilings import Ceilings, Spent
from billing.rules.scopes import SCOPES
from billing.staff import audit, key_cases, key_limits
from billing.staff.key_models import DEFAULTS, ApiKey, KeyUse
from billing.staff.models import AuditLine

PURPOSE = "api-key"
"""Purpose of the digest of a secret."""
LONGEST_GRACE = timedelta(days=30)
LONGEST_NAME = 100


class UnknownKeyScope(Invalid):
    """The scopes are access, articles, readers, money; parts of readers are readers:read, readers:start, readers:cancel, readers:support."""

    code = "unknown_scope"


class UnknownKey(NotFound):
    """There is no such key that works."""

    code = "unknown_key"


class NeedsName(Invalid):
    """Give the key a name of 1 to 100 characters: it stands in the history of what is done with it."""

    code = "bad_name"


class NameTaken(Conflict):
    """A key that works has this name already, and what is done with a key is known by its name. Take another name; or rotate that key, which keeps it, or revoke it first."""

    code = "name_taken"


class SeveralKeys(Conflict):
    """Several keys have this name. Name one by its id, from `billing keys list`."""

    code = "several_keys"


class NotAhead(Invalid):
    """A key expires in the future."""

    code = "bad_expiry"


class LongGrace(Invalid):
    """The secret before works for 30 days at most."""

    code = "bad_grace"


def create(
    ctx: TransactionContext,
    name: str,
    scopes: Iterable[str],
    ceilings: Ceilings = DEFAULTS,
    expires_at: datetime | None = None,
) -> str:
    """The secret of a new key that isn't audited, for the demo and tests. Raises UnknownKeyScope, NeedsName, NotAhead, NameTaken."""
    return _create(ctx, name, scopes, ceilings, expires_at)[1]


def make(
    ctx: TransactionContext,
    name: str,
    scopes: Iterable[str],
    *,
    ceilings: Ceilings = DEFAULTS,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its secret, audited. Raises as `create`."""
    key, secret = _create(ctx, name, scopes, ceilings, expires_at)
    audit.write(ctx, "key_create", subject=key.id, after=_facts(key))
    return key, secret


def _create(
    ctx: TransactionContext,
    name: str,
    scopes: Iterable[str],
    ceilings: Ceilings,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    scopes = sorted(set(scopes))
    if not scopes or not SCOPES.keys() >= set(scopes):
        raise UnknownKeyScope
    if not (name.strip() and len(name) <= LONGEST_NAME and name.isprintable()):
        raise NeedsName
    if expires_at is not None and expires_at <= ctx.at:
        raise NotAhead
    lock_names(ctx.session, f"api key {name}")
    if named(ctx, name):
        raise NameTaken
    secret = _new_secret()
    key = ApiKey(
        id=ids.new("key", ctx.at),
        name=name,
        key_hash=ctx.site.tokens.list_digest(PURPOSE, secret),
        scopes=scopes,
        created_at=ctx.at,
        expires_at=expires_at,
    )
    _limit(key, ceilings)
    ctx.session.add(key)
    ctx.session.flush()
    return key, secret


def rotate(
    ctx: TransactionContext, key_id: str, grace: timedelta, *, expires_at: datetime | None = None
) -> str:
    """A new secret. The secret before works for the grace, any older one no more. `expires_at`: the key's new expiry; None: as
    before. Raises UnknownKey, LongGrace, NotAhead."""
    key = lock(ctx, key_id)
    if not timedelta() <= grace <= LONGEST_GRACE:
        raise LongGrace
    before, secret = _facts(key), _new_secret()
    key.previous_hash, key.previous_until = key.key_hash, ctx.at + grace
    key.key_hash = ctx.site.tokens.list_digest(PURPOSE, secret)
    if expires_at is not None:
        if expires_at <= ctx.at:
            raise NotAhead
        key_cases.no_longer_ends(ctx, key)  # first: the case is found by the expiry of before
        key.expires_at, key.warned_at = expires_at, None
    audit.write(ctx, "key_rotate", subject=key.id, before=before, after=_facts(key))
    return secret


def limit(ctx: TransactionContext, key_id: str, ceilings: Ceilings) -> AuditLine:
    """Set the ceilings of a day; the audit line. Raises UnknownKey."""
    key = lock(ctx, key_id)
    before = _facts(key)
    _limit(key, ceilings)
    return audit.write(ctx, "key_limit", subject=key.id, before=before, after=_facts(key))


def revoke(ctx: TransactionContext, key_id: str) -> None:
    """Stop the key, and with it the secret before its last rotation. Raises UnknownKey."""
    key = lock(ctx, key_id)
    before = _facts(key)
    key.revoked_at = ctx.at
    key_cases.no_longer_ends(ctx, key)
    audit.write(ctx, "key_revoke", subject=key.id, before=before, after=_facts(key))


def lock(ctx: TransactionContext, key_id: str) -> ApiKey:
    """The key with this id, if it works, locked to the end of the transaction. Raises UnknownKey."""
    key = lock_row(ctx.session, ApiKey, key_id)
    if key is None or not works(key, ctx.at):
        raise UnknownKey
    return key


def named(ctx: TransactionContext, name: str) -> list[ApiKey]:
    """The keys of this name, or with this id, that work, oldest first."""
    is_named = (col(ApiKey.name) == name) | (col(ApiKey.id) == name)
    rows = ctx.session.exec(select(ApiKey).where(is_named).order_by(col(ApiKey.created_at), col(ApiKey.id)))
    return [key for key in rows if works(key, ctx.at)]


def the_one(ctx: TransactionContext, name: str) -> ApiKey:
    """The key of this name, or with this id, that works. Raises UnknownKey, SeveralKeys."""
    found = named(ctx, name)
    if len(found) > 1:
        raise SeveralKeys
    if not found:
        raise UnknownKey
    return found[0]


def works(key: ApiKey, at: datetime) -> bool:
    """Whether the key is neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or at < key.expires_at)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key, when it was last used (to the minute), and what it gave within a day, if it works."""

    key: ApiKey
    last_used_at: datetime | None
    spent: Spent


def everything(ctx: TransactionContext) -> list[ListedKey]:
    """All keys: those that work first, each newest first."""
    used = dict(ctx.session.exec(select(KeyUse.key_id, KeyUse.last_used_at)).all())
    rows = ctx.session.exec(select(ApiKey).order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc()))
    listed = [(key, works(key, ctx.at)) for key in rows]
    return [
        ListedKey(key, used.get(key.id), key_limits.within_a_day(ctx, key.id) if is_on else Spent())
        for key, is_on in sorted(listed, key=lambda row: not row[1])
    ]


def _new_secret() -> str:
    return key_secrets.spelled(secrets.randbits(256))


def _limit(key: ApiKey, ceilings: Ceilings) -> None:
    key.cents_a_day, key.days_a_day = ceilings.cents, ceilings.days
    key.starts_a_day, key.readers_a_day = ceilings.starts, ceilings.readers


def _facts(key: ApiKey) -> dict[str, Any]:
    """What the audit keeps: never a secret, nor its hash."""
    return {
        "name": key.name,
        "scopes": key.scopes,
        "expires": key.expires_at.isoformat() if key.expires_at else None,
        "previous_until": key.previous_until.isoformat() if key.previous_until else None,
        "revoked": key.revoked_at is not None,
        "cents_a_day": key.cents_a_day,
        "days_a_day": key.days_a_day,
        "starts_a_day": key.starts_a_day,
        "readers_a_day": key.readers_a_day,
    }
