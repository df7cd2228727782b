"""Our cookies: httponly, same-site, bound to the host where readers come over https (SEC-3)."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from billing.settings import Settings

SESSION = "session"
BROWSER = "browser"
"""A random secret that stands for this browser: binds forms, sign-in links and card pages to it."""
LINK = "link"
"""The token of a mailed link, taken out of the address bar."""
WAY = "way"
"""Where a reader was going when asked to sign in, signed."""
START = "start"
"""The address typed for a new subscription, signed."""
SETUP = "setup"
FLASH = "flash"
VISITOR = "visitor"
"""A random id, signed: by it the meter counts for whoever isn't signed in (PW-4)."""
GIFT = "gift"
"""The secret of a gift link that was followed, taken out of the address bar."""
STAFF = "staff"
"""The session of a staff member; never sent with a request that begins on another site."""
STAFF_LINK = "staff-link"
STAFF_WAY = "staff-way"
"""Where a staff member was going when asked to sign in."""
STRICT = frozenset({STAFF})

YEAR = timedelta(days=365)
OURS = ("__Host-masthead-", "masthead-")


def named(settings: Settings, name: str) -> str:
    """What a browser calls it."""
    return f"{OURS[0] if settings.secure else OURS[1]}{name}"


def any_of_ours(request: Request) -> bool:
    """Whether the browser sent any cookie of ours: then it isn't just anybody's."""
    return any(name.startswith(OURS) for name in request.cookies)


def read(request: Request, settings: Settings, name: str) -> str:
    """The cookie's value, or an empty string; one that we can't have set (ours are plain ASCII) is as good as none."""
    value = request.cookies.get(named(settings, name), "")
    return value if value.isascii() and value.isprintable() else ""


def give(response: Response, settings: Settings, name: str, value: str, life: timedelta) -> None:
    """Set a cookie for `life`."""
    response.set_cookie(
        named(settings, name),
        value,
        max_age=int(life.total_seconds()),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="strict" if name in STRICT else "lax",
    )


def take(response: Response, settings: Settings, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        named(settings, name),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="strict" if name in STRICT else "lax",
    )
