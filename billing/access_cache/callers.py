"""Who asks, told to those behind, where memory or one look proves it: programs and readers have places of their own there."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.types import Scope

from billing.access_cache.answer_builder import KEY_PREFIX, Asked, Recall
from billing.access_cache.false_keys import FalseKeys
from billing.access_cache.load import Loader, Missing
from billing.access_cache.memory import Memory
from billing.container import Parts
from billing.http.asker import ASKER
from billing.http.client_ip import client_ip

MOST_LOOKS = 3
"""For a token, its session, and the session of a cookie."""


class Askers:
    """What is looked up for a request, and what is told of it."""

    def __init__(self, parts: Parts, recall: Recall, loader: Loader) -> None:
        self.parts = parts
        self.recall = recall
        self.loader = loader
        self.false_keys = FalseKeys(parts.monotonic)

    def begin(self, scope: Scope) -> None:
        """Until something is proved, a stranger asks."""
        _state(scope)[ASKER] = None

    async def fill(self, scope: Scope, memory: Memory, missing: Missing, at: datetime) -> bool:
        """Look up what is missing for this request; whether there is such a thing."""
        if missing[0] != "key":
            return await self.loader.fill(memory, missing, at)
        address = client_ip(Request(scope), self.parts)
        return await self.false_keys.look(address, lambda: self.loader.fill(memory, missing, at))

    def has_begun(self, scope: Scope) -> bool:
        """Whether that has begun."""
        return ASKER in _state(scope)

    async def tell(
        self, scope: Scope, memory: Memory, who: Asked, at: datetime, now: float, absent: Missing | None
    ) -> None:
        """Tell who asks. Most of it is in memory by now; `absent` was looked up, and isn't there. Raises psycopg.Error, OSError."""
        for _ in range(MOST_LOOKS):
            missing = self.tell_known(scope, memory, who, at, now)
            if missing is None:
                return
            if missing == absent or not await self.fill(scope, memory, missing, at):
                if who.bearer.startswith(KEY_PREFIX):
                    return
                who = who._replace(bearer=b"", cookie=who.cookie if who.bearer else b"")

    def tell_known(
        self, scope: Scope, memory: Memory, who: Asked, at: datetime, now: float
    ) -> Missing | None:
        """Tell it where memory knows; else what is missing."""
        found = self.recall.asker(memory, who, at, now)
        _state(scope)[ASKER] = None if isinstance(found, tuple) else found
        return found if isinstance(found, tuple) else None


def _state(scope: Scope) -> dict[str, Any]:
    state: dict[str, Any] = scope.setdefault("state", {})
    return state
