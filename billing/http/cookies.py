"""Our cookies: httponly, same-site, and bound to the host over https (SEC-3)."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from billing.platform.settings import Settings

SESSION = "session"
BROWSER = "browser"
"""A random secret of this browser: forms, sign-in links and card pages are bound to it."""
LINK = "link"
"""The token of a mailed link, moved here from the address bar."""
WAY = "way"
"""Where a reader was going before signing in, signed."""
ASKED = "asked"
"""The address that a sign-in link was mailed to, and when, signed."""
PASSKEY = "passkey"
"""Set where a passkey isn't to be offered again: the browser has used one, or its reader has said no."""
START = "start"
"""The address typed for a new subscription, signed."""
SETUP = "setup"
FLASH = "flash"
LANGUAGE = "language"
"""The code of the language that was chosen in this browser."""
VISITOR = "visitor"
"""A random id, signed: the meter counts by it for visitors who aren't signed in (PW-4)."""
GIFT = "gift"
"""The secret of a gift link that was followed, moved here from the address bar."""
STAFF = "staff"
"""The session of a staff member; browsers don't send it with requests from another site."""
STAFF_LINK = "staff-link"
STAFF_WAY = "staff-way"
"""Where a staff member was going before signing in."""
STRICT = frozenset({STAFF})

YEAR = timedelta(days=365)
OURS = ("__Host-masthead-", "masthead-")
_OURS = tuple(name.encode() for name in OURS)
SPACE = b" \t"


def cookie_name(settings: Settings, name: str) -> str:
    """The full name of a cookie of ours."""
    return f"{OURS[0] if settings.secure else OURS[1]}{name}"


def any_of_ours(request: Request) -> bool:
    """Whether the browser sent any of our cookies."""
    pairs = _header(request).split(b";")
    return any(pair.strip(SPACE).startswith(_OURS) for pair in pairs)


def read(request: Request, settings: Settings, name: str) -> str:
    """The cookie's value, or an empty string."""
    return value_in(_header(request), cookie_name(settings, name).encode() + b"=").decode()


def value_in(header: bytes, name: bytes) -> bytes:
    """The value of a cookie; the last of several, empty where there is none. `name` ends with `=`.

    Spaces and tabs around a cookie are ignored, as are quotes around its value (RFC 6265, 4.1.1). A value that isn't plain ASCII
    can't be ours. The access cache uses this too: searching for bytes takes a thirtieth of the time of parsing the header."""
    if name not in header:
        return b""  # as in most headers
    at = header.rfind(name)
    while at > 0 and not _begins(header, at):
        at = header.rfind(name, 0, at)
    if at < 0:
        return b""
    start = at + len(name)
    end = header.find(b";", start)
    value = (header[start:] if end < 0 else header[start:end]).strip(SPACE)
    if len(value) > 1 and value[:1] == value[-1:] == b'"':
        value = value[1:-1]
    return value if value.isascii() and value.decode("ascii").isprintable() else b""


def _begins(header: bytes, at: int) -> bool:
    while at > 0 and header[at - 1] in SPACE:
        at -= 1
    return at == 0 or header[at - 1 : at] == b";"


def _header(request: Request) -> bytes:
    """All cookie headers as one list."""
    return b";".join([value for name, value in request.scope["headers"] if name == b"cookie"])


def set_cookie(response: Response, settings: Settings, name: str, value: str, life: timedelta) -> None:
    """Set a cookie for `life`."""
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=int(life.total_seconds()),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="strict" if name in STRICT else "lax",
    )


def delete_cookie(response: Response, settings: Settings, name: str) -> None:
    """Delete a cookie."""
    response.delete_cookie(
        cookie_name(settings, name),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="strict" if name in STRICT else "lax",
    )
