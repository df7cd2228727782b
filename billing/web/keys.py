"""Which API key a program has sent."""

from sqlmodel import Session, col, select

from billing.errors import Unauthenticated
from billing.staff.key_models import ApiKey
from billing.tokens import Tokens


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
