"""What Stripe sends. Verified, stored, answered; settled later by the worker."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from billing.parts import Parts
from billing.web.visit import parts_of
from billing.webhooks.inbox import store

router = APIRouter(tags=["Stripe"])


@router.post("/webhooks/stripe", summary="Stripe's events")
async def stripe_event(request: Request) -> JSONResponse:
    """Needs `Stripe-Signature` over the raw body. 200 when the event is kept, also when it was kept before."""
    body = await request.body()
    new = await asyncio.to_thread(_keep, parts_of(request), body, request.headers.get("stripe-signature", ""))
    return JSONResponse({"received": True, "new": new})


def _keep(parts: Parts, body: bytes, signature: str) -> bool:
    at = parts.clock.now()
    notification = parts.gateway.verify(body, signature, at)
    with parts.database.transaction() as session:
        return store(session, notification, at)
