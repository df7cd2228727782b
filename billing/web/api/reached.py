"""Tells `billing check` that it reached this installation, and how the request looked after all proxies."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from billing.http.client_ip import client_ip, forwarded_for
from billing.http.reached import ADDRESS, HEADER, Reached, nonce_of, proof
from billing.web.kit.visit import services_of

router = APIRouter(include_in_schema=False)


@router.get(ADDRESS)
async def reached(request: Request) -> Reached:
    """Only for who has the secret key; for others there is nothing here."""
    services = services_of(request)
    tokens = services.site.tokens
    nonce = nonce_of(tokens, request.headers.get(HEADER, ""))
    if nonce is None:
        raise HTTPException(404)
    return Reached(
        caller=client_ip(request, services), forwarded=forwarded_for(request), proof=proof(tokens, nonce)
    )
