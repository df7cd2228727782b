"""Where a request comes from."""

from starlette.requests import Request

from billing.container import Services
from billing.rules import networks


def client_ip(request: Request, services: Services) -> str:
    """The caller's network address in its one spelling (`rules/networks.normal`): the peer, or, behind n trusted proxies, the nth
    from the right of X-Forwarded-For.

    Some proxies add a line of their own behind a caller's, instead of going on in it: all lines are one list."""
    peer = request.client.host if request.client else ""
    count = services.settings.proxy_count
    listed = ",".join(request.headers.getlist("x-forwarded-for"))
    forwarded = [part.strip() for part in listed.split(",") if part.strip()]
    return networks.normal(forwarded[-count] if count and len(forwarded) >= count else peer)
