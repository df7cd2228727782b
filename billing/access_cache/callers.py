"""Tells the framework which program or reader asks, if the cache or a lookup proves it: it keeps places for them."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.types import Scope

from billing.access_cache.cache import AccessCache
from billing.access_cache.false_keys import FalseKeys
from billing.access_cache.identifier import Identifier
from billing.access_cache.load import Loader, Missing
from billing.access_cache.presented import PresentedCredentials
from billing.container import Services
from billing.http.asker import ASKER, TOO_MANY
from billing.http.client_ip import client_ip, client_network

MOST_LOOKUPS = 3
"""For a token, its session, and the session of a cookie."""


class Callers:
    """Finds out who asks, and writes it into the request's state."""

    def __init__(self, services: Services, identifier: Identifier, loader: Loader) -> None:
        self.services = services
        self.identifier = identifier
        self.loader = loader
        self.false_keys = FalseKeys(services.monotonic)

    def begin(self, scope: Scope) -> None:
        """Assume a stranger."""
        _state(scope)[ASKER] = None

    def has_begun(self, scope: Scope) -> bool:
        """Whether `begin` was called for this request."""
        return ASKER in _state(scope)

    def send_away(self, scope: Scope) -> None:
        """Have the request answered with 503: too many wait."""
        _state(scope)[ASKER] = TOO_MANY

    def network(self, scope: Scope) -> str:
        """The network that a stranger's request counts for."""
        return client_network(Request(scope), self.services)

    async def fill(self, scope: Scope, cache: AccessCache, missing: Missing, at: datetime) -> bool:
        """Look up what this request needs; whether it exists."""
        if missing[0] != "key":
            return await self.loader.fill(cache, missing, at)
        address = client_ip(Request(scope), self.services)
        return await self.false_keys.look_up(address, lambda: self.loader.fill(cache, missing, at))

    async def identify(
        self,
        scope: Scope,
        cache: AccessCache,
        who: PresentedCredentials,
        at: datetime,
        absent: Missing | None,
    ) -> None:
        """Write down who asks, looking up what the cache lacks, except `absent`. Raises psycopg.Error, OSError."""
        for _ in range(MOST_LOOKUPS):
            missing = self.identify_cached(scope, cache, who, at)
            if missing is None:
                return
            if missing == absent or not await self.fill(scope, cache, missing, at):
                if who.has_key:
                    return
                # A token that proves nothing goes first, so that the session counts; then the session goes too.
                who = who._replace(bearer=b"", cookie=who.cookie if who.bearer else b"")

    def identify_cached(
        self, scope: Scope, cache: AccessCache, who: PresentedCredentials, at: datetime
    ) -> Missing | None:
        """Write down who asks, if the cache knows; else what is missing."""
        found = self.identifier.asker(cache, who, at, self.services.monotonic.seconds())
        _state(scope)[ASKER] = None if isinstance(found, tuple) else found
        return found if isinstance(found, tuple) else None


def _state(scope: Scope) -> dict[str, Any]:
    state: dict[str, Any] = scope.setdefault("state", {})
    return state
