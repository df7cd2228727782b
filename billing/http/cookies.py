"""Our cookies: httponly, same-site, bound to the host where readers come over https (SEC-3)."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from billing.platform.settings import Settings

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
_OURS = tuple(name.encode() for name in OURS)
SPACE = b" \t"


def named(settings: Settings, name: str) -> str:
    """What a browser calls it."""
    return f"{OURS[0] if settings.secure else OURS[1]}{name}"


def any_of_ours(request: Request) -> bool:
    """Whether the browser sent any cookie of ours: then it isn't just anybody's."""
    pairs = _header(request).split(b";")
    return any(pair.strip(SPACE).startswith(_OURS) for pair in pairs)


def read(request: Request, settings: Settings, name: str) -> str:
    """The cookie's value, or an empty string."""
    return value_in(_header(request), named(settings, name).encode() + b"=").decode()


def value_in(header: bytes, name: bytes) -> bytes:
    """The value of a cookie, empty where there is none: of several by that name the last. `name` ends with `=`.

    A cookie stands at the header's start or after a semicolon; spaces and tabs around it are nothing, nor are quotes around its
    value (RFC 6265, 4.1.1). One that isn't plain ASCII can't be ours. The access cache reads by this too. Looking for bytes
    takes a thirtieth of the time of reading the whole header."""
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
    """All lines that hold cookies are one list."""
    return b";".join([value for name, value in request.scope["headers"] if name == b"cookie"])


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
