"""Where to report a weakness of this installation: `/.well-known/security.txt` (RFC 9116)."""

from datetime import UTC, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from billing.web.kit.visit import services_of

router = APIRouter(include_in_schema=False)
ADDRESS = "/.well-known/security.txt"
KEPT = {"Cache-Control": "public, max-age=300"}
VALID_FOR = timedelta(days=30)
"""Counted from each request, so only copies elsewhere expire."""


@router.get(ADDRESS)
def security_txt(request: Request) -> Response:
    """The contact of BILLING_SECURITY_CONTACT, or else the address that readers write to."""
    services = services_of(request)
    expires = services.clock.now().astimezone(UTC) + VALID_FOR
    contact = services.settings.security_contact or f"mailto:{services.sender.house.contact_email}"
    lines = (
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%d}T00:00:00Z",
        "Preferred-Languages: en",
        f"Canonical: {services.site.page(ADDRESS)}",
    )
    return Response("\n".join((*lines, "")), headers=KEPT | {"Content-Type": "text/plain; charset=utf-8"})
