"""Idempotency keys: once execution has begun, the first answer is repeated for a day (STR-5)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from billing.dev.sandbox.errors import StripeError, invalid
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

KEPT_SECONDS = 24 * 3600
LONGEST = 255


@dataclass
class Keys:
    """Stored answers by key, and the keys of requests in flight."""

    world: SandboxWorld
    _in_flight: set[str] = field(default_factory=set)

    def replay(self, key: str, fingerprint: str) -> Row | None:
        """The stored answer, or None if the request must be executed; raises StripeError for misuse and for a key in flight."""
        if len(key) > LONGEST:
            raise invalid(
                f"Idempotency keys can be at most {LONGEST} characters.", code="idempotency_key_too_long"
            )
        if key in self._in_flight:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later.",
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        stored = self._kept(key)
        if stored and stored["fingerprint"] != fingerprint:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return stored

    def _kept(self, key: str) -> Row | None:
        row = self.world.store.get("idempotency", key)
        if row and row["created"] + KEPT_SECONDS <= self.world.clock.now():
            self.world.store.remove("idempotency", key)
            return None
        return row

    def begin(self, key: str) -> None:
        """Reserve the key until `end`."""
        self._in_flight.add(key)

    def end(self, key: str) -> None:
        """Release the key."""
        self._in_flight.discard(key)

    def keep(self, key: str, fingerprint: str, status: int, body: str, request_id: str) -> None:
        """Store an answer."""
        self.world.store.put(
            "idempotency",
            {
                "id": key,
                "fingerprint": fingerprint,
                "status": status,
                "body": body,
                "request_id": request_id,
                "created": self.world.clock.now(),
            },
        )

    def prune(self) -> None:
        """Remove keys older than a day."""
        table = self.world.store["idempotency"]
        horizon = self.world.clock.now() - KEPT_SECONDS
        old = []
        for row in table.oldest(table.where()):
            if row["created"] > horizon:
                break
            old.append(row["id"])
        for key in old:
            self.world.store.remove("idempotency", key)


def fingerprint(method: str, path: str, pairs: Sequence[tuple[str, str]]) -> str:
    """A hash of the request that doesn't depend on the order of its parameters."""
    text = "\n".join([method, path, *sorted(f"{name}={value}" for name, value in pairs)])
    return hashlib.sha256(text.encode()).hexdigest()
