"""The network address of a request's caller."""

from starlette.requests import Request

from billing.container import Services
from billing.rules import networks


def client_ip(request: Request, services: Services) -> str:
    """The caller's address, normalised (`rules/networks.normal`): the peer, or, behind n trusted proxies, the nth from the right
    of X-Forwarded-For."""
    peer = request.client.host if request.client else ""
    count, forwarded = services.settings.proxy_count, forwarded_for(request)
    return networks.normal(forwarded[-count] if count and len(forwarded) >= count else peer)


def forwarded_for(request: Request) -> list[str]:
    """The addresses in X-Forwarded-For. Some proxies add a header line instead of extending the caller's: all lines are one list."""
    listed = ",".join(request.headers.getlist("x-forwarded-for"))
    return [part.strip() for part in listed.split(",") if part.strip()]


def client_network(request: Request, services: Services) -> str:
    """The widest network of the caller's address: one customer's many IPv6 networks count together."""
    return networks.buckets(client_ip(request, services))[-1].name
