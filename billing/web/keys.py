"""Which API key a program has sent."""

from sqlmodel import Session, col, select

from billing.errors import Unauthenticated
from billing.staff.key_models import ApiKey
from billing.tokens import Tokens


def find(session: Session, tokens: Tokens, secret: str) -> ApiKey:
    """The key with this secret, not revoked. Raises Unauthenticated."""
    found = session.exec(
        select(ApiKey).where(
            ApiKey.key_hash == tokens.digest("api-key", secret), col(ApiKey.revoked_at).is_(None)
        )
    ).first()
    if found is None:
        raise Unauthenticated
    return found
