"""A reader token in place of a session: an app, or an edge, that asks for whoever it was given for."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials

from billing.access import edge_tokens
from billing.platform.errors import Unauthenticated
from billing.readers import sessions
from billing.readers.models import Reader
from billing.web.api.caller import bearer
from billing.web.kit.visit import Visit, Visiting

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def open_by_token(visit: Visiting, credentials: Credentials) -> Visit:
    """The visit of the session's reader, or of a reader token's.

    A token that is stale gives way to a live session; without one it is refused, so that whoever holds it gets another.
    Raises TokenExpired, TokenInvalid, SessionEnded."""
    if credentials is not None and edge_tokens.looks_like_one(credentials.credentials):
        try:
            _stand_by(visit, credentials.credentials)
        except Unauthenticated:
            if visit.reader is None:
                raise
    return visit


def _stand_by(visit: Visit, token: str) -> None:
    """Let the visit be that of the token's reader. It ends with the session that the token was made in."""
    services = visit.services
    held = edge_tokens.read(services.site, token, visit.at)
    with visit.begin() as ctx:
        reader = ctx.session.get(Reader, held.reader_id)
        live = held.session_id is None or sessions.is_open(ctx, held.session_id)
    if reader is None or not live:
        raise edge_tokens.SessionEnded
    visit.reader, visit.known_by = reader, held.session_id or reader.id


ByToken = Annotated[Visit, Depends(open_by_token)]
