"""Which API key a program has sent."""

from sqlmodel import Session, col, select

from billing.errors import Unauthenticated
from billing.staff.key_models import ApiKey
from billing.tokens import Tokens

DEMO_KEY = "demo"
"""The name of the demo's key. Each start of the demo makes another and revokes the last, so its id names that start."""


def demo_key_id(session: Session) -> str:
    """The id of the key that the demo's last start made; empty where there is none."""
    live = select(ApiKey.id).where(ApiKey.name == DEMO_KEY, col(ApiKey.revoked_at).is_(None))
    return session.exec(live).first() or ""


def find(session: Session, tokens: Tokens, secret: str) -> ApiKey:
    """The key with this secret, not revoked. One from before keys were hashed without a salt goes over to that: `gate` knows
    no other. Raises Unauthenticated."""
    hashes = tokens.secret_hash(secret), tokens.list_digest("api-key", secret)
    found = session.exec(
        select(ApiKey).where(col(ApiKey.key_hash).in_(hashes), col(ApiKey.revoked_at).is_(None))
    ).first()
    if found is None:
        raise Unauthenticated
    if found.key_hash != hashes[0]:
        found.key_hash = hashes[0]
        session.add(found)
    return found
