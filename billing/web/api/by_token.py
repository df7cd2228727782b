"""A reader token in place of a session: apps and edges send it for its reader."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends

from billing.access import edge_tokens
from billing.platform.errors import Unauthenticated
from billing.readers import sessions
from billing.readers.models import Reader
from billing.web.api.caller import Credentials
from billing.web.kit.visit import Visit, Visiting


def open_by_token(visit: Visiting, credentials: Credentials) -> Visit:
    """The visit of the reader token's reader, or of the session's.

    With a live session beside it, a stale token is ignored; without one it is refused, so that the app fetches another.
    Raises TokenExpired, TokenInvalid, SessionEnded."""
    if credentials is not None and edge_tokens.looks_like_token(credentials.credentials):
        try:
            _sign_in_by_token(visit, credentials.credentials)
        except Unauthenticated:
            if visit.reader is None:
                raise
    return visit


def _sign_in_by_token(visit: Visit, token: str) -> None:
    """Make the token's reader that of the visit. A token ends with the session that it was issued in."""
    claims = edge_tokens.read(visit.services.site, token, visit.at)
    with visit.begin() as ctx:
        reader = ctx.session.get(Reader, claims.reader_id)
        is_live = claims.session_id is None or sessions.is_open(ctx, claims.session_id)
    if reader is None or not is_live:
        raise edge_tokens.SessionEnded
    visit.identity = replace(visit.who, reader=reader, by=claims.session_id or reader.id)


ByToken = Annotated[Visit, Depends(open_by_token)]
