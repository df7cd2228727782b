"""Where to report a weakness of this installation: `/.well-known/security.txt` (RFC 9116)."""

from datetime import UTC, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from billing.web.kit.visit import services_of

router = APIRouter(include_in_schema=False)
ADDRESS = "/.well-known/security.txt"
KEPT = {"Cache-Control": "public, max-age=300"}
VALID_FOR = timedelta(days=30)
"""It is written at each request, so it is never out of date; a copy elsewhere soon is."""


@router.get(ADDRESS)
def security_txt(request: Request) -> Response:
    """The contact of BILLING_SECURITY_CONTACT, or else the address that readers write to."""
    services = services_of(request)
    expires = (services.clock.now().astimezone(UTC) + VALID_FOR).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    contact = services.settings.security_contact or f"mailto:{services.sender.house.contact_email}"
    lines = (
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {services.site.page(ADDRESS)}",
    )
    return Response("\n".join((*lines, "")), headers=KEPT | {"Content-Type": "text/plain; charset=utf-8"})
