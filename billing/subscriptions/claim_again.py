"""Claim trials again under another list key, for readers whose address is still known. Erased readers' claims are lost."""

import sqlalchemy as sa

from billing.platform.db import Database
from billing.platform.tokens import Tokens
from billing.rules.addresses import NotAnAddress
from billing.subscriptions.start import address_digest

BATCH = 500
_KNOWN = sa.text("""
SELECT c.subscription_id, c.digest, c.claimed_at, r.email
FROM trial_claim c JOIN subscription s ON s.id = c.subscription_id JOIN reader r ON r.id = s.reader_id
WHERE c.kind = 'address' AND (c.subscription_id, c.digest) > (:after, :digest)
ORDER BY c.subscription_id, c.digest LIMIT :batch
""")
_CLAIM = sa.text("""
INSERT INTO trial_claim (kind, digest, subscription_id, claimed_at) VALUES ('address', :digest, :subscription_id, :claimed_at)
ON CONFLICT DO NOTHING
""")


def claim_again(database: Database, tokens: Tokens) -> int:
    """Claim in batches, each in its own transaction; the number of new claims. Safe to repeat."""
    made, after, digest = 0, "", ""
    while True:
        with database.transaction() as session:
            rows = session.execute(_KNOWN, {"after": after, "digest": digest, "batch": BATCH}).all()
            for row in rows:
                claim = {"subscription_id": row.subscription_id, "claimed_at": row.claimed_at}
                found = _digest(tokens, row.email)
                if found is not None:
                    done = session.connection().execute(_CLAIM, claim | {"digest": found})
                    made += done.rowcount
        if len(rows) < BATCH:
            return made
        after, digest = rows[-1].subscription_id, rows[-1].digest


def _digest(tokens: Tokens, email: str) -> str | None:
    try:
        return address_digest(tokens, email)
    except NotAnAddress:
        return None
