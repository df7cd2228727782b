"""Issues reader tokens from the cache, or says what the cache lacks for one. Nothing here waits."""

import json
from datetime import datetime

from billing.access import edge_tokens
from billing.access.entitlements import Entitlements
from billing.access_cache.cache import AccessCache
from billing.access_cache.decider import AccessLookup
from billing.access_cache.identifier import IdentifiedReader, Identifier
from billing.access_cache.load import Missing
from billing.http import shapes
from billing.platform.site import Site


class TokenIssuer:
    """Issues tokens to readers by their sessions, and to programs for the readers that they name."""

    def __init__(self, site: Site, identifier: Identifier) -> None:
        self.site = site
        self.identifier = identifier

    def token(
        self, cache: AccessCache, asked: AccessLookup, at: datetime, now: float
    ) -> bytes | Missing | None:
        """The body of the answer, or what is missing. None if only the framework can say, which refuses."""
        who = asked.who
        if who.bearer and not who.has_key:
            return None
        reader = self.identifier.reader(cache, who, at, now)
        if not isinstance(reader, IdentifiedReader):
            return reader
        if not reader.id:
            return None
        session_id = None
        if not who.has_key:
            digest = self.identifier.session_in(who)
            session_id = cache.session_ids.get(digest[:16])
            if session_id is None:
                return ("session", digest)
        _, held = cache.packer.unpack(reader.held)
        known = Entitlements(reader.id, held)
        token = edge_tokens.issue(self.site, known, session_id, at)
        return json.dumps(shapes.access_token(token, at), separators=(",", ":")).encode()
