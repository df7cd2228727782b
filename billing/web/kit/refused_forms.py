"""Why a form is refused before it is read (SEC-4)."""

from urllib.parse import urlsplit

from fastapi import Request

from billing.container import Services
from billing.platform.errors import Forbidden


class CrossSite(Forbidden):
    """This form was sent by another site, so we did nothing. If you meant to do this, open our own page and send the form there."""

    code = "cross_site"


class NoBrowserCookie(Forbidden):
    """Your browser sent no cookie with this form, so we can’t know that the form is yours, and we did nothing. Cookies may be blocked, or were deleted while the page was open. Allow cookies for this site, open the page again, and send it once more."""

    code = "no_cookie"


class StaleForm(Forbidden):
    """This page was opened too long ago, or before you deleted cookies, so we did nothing. Open the page again, and send it once more."""

    code = "stale_form"


def refuse_cross_site(request: Request, services: Services) -> None:
    """Raise CrossSite if the browser says that another site sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise CrossSite
    origin = request.headers.get("origin")
    if site is None and origin is not None and _origin(origin) != _origin(services.settings.public_url):
        raise CrossSite


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parsed = urlsplit(url)
        return parsed.scheme, parsed.hostname, parsed.port
    except ValueError:
        return "", None, None
