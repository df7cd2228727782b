"""Finds the API key that a program has sent."""

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.platform.errors import Unauthenticated
from billing.platform.tokens import Tokens
from billing.staff.api_keys import PURPOSE
from billing.staff.key_models import ApiKey, KeyUse

NOTE_EVERY = timedelta(minutes=1)
"""A use is recorded when the last record is older than this."""


def find(session: Session, tokens: Tokens, secret: str, at: datetime) -> ApiKey:
    """The valid key with this secret, or with this secret before its last rotation. Raises Unauthenticated."""
    digest = tokens.list_digest(PURPOSE, secret)
    present = col(ApiKey.key_hash) == digest
    previous = (col(ApiKey.previous_hash) == digest) & (col(ApiKey.previous_until) > at)
    lasts = col(ApiKey.expires_at).is_(None) | (col(ApiKey.expires_at) > at)
    found = session.exec(
        select(ApiKey).where(present | previous, col(ApiKey.revoked_at).is_(None), lasts)
    ).first()
    if found is None:
        raise Unauthenticated
    return found


def note_use(session: Session, key: ApiKey, at: datetime) -> None:
    """Record the use, at most once a minute, so that most calls only read."""
    last = session.exec(select(KeyUse.last_used_at).where(KeyUse.key_id == key.id)).first()
    if last is None or at - last >= NOTE_EVERY:
        using = insert(KeyUse).values(key_id=key.id, last_used_at=at)
        session.execute(
            using.on_conflict_do_update(
                index_elements=["key_id"], set_={"last_used_at": using.excluded.last_used_at}
            )
        )
