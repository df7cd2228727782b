"""Finds the reader or program behind a request from the cache, or says what the cache lacks for it. Nothing here waits."""

import hashlib
from datetime import datetime
from typing import NamedTuple

from billing.access import edge_tokens
from billing.access_cache.cache import AccessCache
from billing.access_cache.load import Missing
from billing.access_cache.packed_entitlements import ANONYMOUS, REGISTERED
from billing.access_cache.presented import PresentedCredentials
from billing.http import cookies
from billing.http.asker import Asker, AskerKind
from billing.platform.site import Site
from billing.staff.api_keys import PURPOSE


class IdentifiedReader(NamedTuple):
    """A reader with packed entitlements; the id is empty for a stranger."""

    id: str
    held: int


STRANGER = IdentifiedReader("", ANONYMOUS)


class Identifier:
    """Verifies sessions, reader tokens and keys. `session_cookie`: the cookie's name with its `=`."""

    def __init__(self, site: Site, session_cookie: bytes) -> None:
        self.session_cookie = session_cookie
        self.session_digest = site.tokens.digester("session")
        self.key_digest = site.tokens.list_digester(PURPOSE)

    def reader(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, now: float
    ) -> IdentifiedReader | Missing | None:
        """The reader who asks, or what is missing. None if only the framework can say, which refuses and touches sessions."""
        by_token = bool(who.bearer) and not who.has_key
        if by_token:
            name = self._by_token(cache, who, at)
        elif who.has_key:
            name = self._by_key(cache, who, at, now)
        elif who.cookie:
            name = self._by_session(cache, who, at)
        else:
            return STRANGER
        if not isinstance(name, str):
            return name
        if not name:
            return STRANGER
        held = cache.held_by(name, now)
        if held is None:
            return ("standing", name)
        if not held & REGISTERED:
            # A token whose reader has been erased is refused, which the framework does. A program may name an unknown reader.
            return None if by_token else IdentifiedReader("", held)
        return IdentifiedReader(name, held)

    def asker(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, now: float
    ) -> Asker | Missing | None:
        """The program or reader, if that is proved, or what is missing to prove it. None for a stranger.

        Beside a token that proves nothing, the session counts. Beside a key that proves nothing it doesn't: the key is refused."""
        if who.has_key:
            digest = self.key_digest(who.bearer)
            is_known = cache.has_key(digest, at.timestamp(), now)
            return Asker(AskerKind.PROGRAM, digest.hex()) if is_known else ("key", digest)
        name = self._by_token(cache, who, at) if who.bearer else None
        if name is None:
            name = self._by_session(cache, who, at, is_stale=True)
        return Asker(AskerKind.READER, name) if isinstance(name, str) and name else name or None

    def session_in(self, who: PresentedCredentials) -> bytes:
        """The digest of the presented session; empty without one."""
        secret = cookies.value_in(who.cookie, self.session_cookie)
        return self.session_digest(secret) if secret else b""

    def _by_session(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, *, is_stale: bool = False
    ) -> str | Missing | None:
        """`is_stale`: also a session whose use is due to be noted, or that has expired; only the framework can tell which."""
        digest = self.session_in(who)
        if not digest:
            return ""
        session = cache.sessions.get(digest[:16])
        if session is None:
            return "" if cache.ended_sessions.get(digest[:16]) else ("session", digest)
        return session.reader_id if is_stale or at.timestamp() < session.until else None

    def _by_token(self, cache: AccessCache, who: PresentedCredentials, at: datetime) -> str | Missing | None:
        digest = hashlib.sha256(who.bearer).digest()[:16]
        token = cache.tokens.get(digest)
        if token is None:
            secret = who.bearer.decode("latin-1")
            return ("token", (digest, secret)) if edge_tokens.looks_like_token(secret) else None
        if at >= token.expires_at:
            return None
        if token.session_id is not None:
            until = cache.open_sessions.get(token.session_id)
            if until is None:
                return ("open_session", token.session_id)
            if at.timestamp() > until:
                return None
        return token.reader_id

    def _by_key(
        self, cache: AccessCache, who: PresentedCredentials, at: datetime, now: float
    ) -> str | Missing | None:
        digest = self.key_digest(who.bearer)
        if not cache.has_key(digest, at.timestamp(), now):
            return ("key", digest)
        external_id = who.named.get("external_id")
        if not external_id:
            return who.named.get("reader_id", "")
        found = cache.reader_of(external_id, now)
        return ("external", external_id) if found is None else found or who.named.get("reader_id", "")
