"""`/v1/access-token`, and the keys that verify its tokens: for edges and apps that decide by themselves."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from billing.access import edge_tokens
from billing.access.entitlements import entitlements_of
from billing.http import shapes
from billing.http.access_paths import TOKEN
from billing.platform.errors import Unauthenticated
from billing.readers.register import UnknownReader, by_external_id
from billing.web.api.access import ExternalId
from billing.web.api.caller import Credentials, needs
from billing.web.kit.visit import Visit, open_visit, services_of

router = APIRouter(tags=["Access"])
FOR_EVERYBODY = {"Cache-Control": "public, max-age=3600"}


class NotSignedIn(Unauthenticated):
    """Nobody is signed in here. Send the reader's session cookie, or an API key with `reader_id` or `external_id`."""

    code = "not_signed_in"


@router.get(TOKEN, summary="A short-lived token for edges and apps")
def access_token(
    request: Request,
    visit: Annotated[Visit, Depends(open_visit)],
    credentials: Credentials,
    reader_id: Annotated[str | None, Query(max_length=64)] = None,
    external_id: ExternalId = None,
) -> JSONResponse:
    """An EdDSA JWT for five minutes, for the signed-in reader, or with an API key for the reader it names (404 for an unknown one).

    It holds `sub` (the reader), `features`, `paid_until` (to when reading is sure; null when nothing is held) and, from a
    browser, `sid` (its session, with which it ends wherever we are asked). A token makes no other token: 401 `not_signed_in`.
    Its first part, the header, is the same in each token of a session for as long as the signing key lasts, and is in nobody
    else's. An edge remembers by it what we said, for when it can't reach us.
    An edge that can't reach us takes a genuine token for an hour after its `exp`, and never past `paid_until`."""
    session_id = None
    by_key = credentials is not None and not edge_tokens.looks_like_token(credentials.credentials)
    if by_key:
        needs("access")(request, credentials)
    elif visit.session is None or visit.reader is None:
        raise NotSignedIn
    else:
        reader_id, session_id = visit.reader.id, visit.session.id
    with visit.begin() as ctx:
        if by_key and external_id:
            found = by_external_id(ctx.session, external_id)
            reader_id = found.id if found else None
        known = entitlements_of(ctx, reader_id)
    if not known.registered:
        raise UnknownReader
    token = edge_tokens.issue(visit.services.site, known, session_id, visit.at)
    return JSONResponse(shapes.access_token(token, visit.at))


@router.get("/.well-known/jwks.json", summary="The keys by which such tokens are checked")
def key_set(request: Request) -> JSONResponse:
    """A JWK set: the key before, the present one, the next. Keep it for an hour; fetch it anew when a `kid` isn't in it."""
    services = services_of(request)
    found: dict[str, Any] = edge_tokens.key_set(services.site, services.clock.now())
    return JSONResponse(found, headers=FOR_EVERYBODY, media_type="application/jwk-set+json")
