"""Staff signing in, and the page of what a search found."""

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSignInPage:
    template: ClassVar[str] = "staff/sign_in.html"
    email: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCodePage:
    """The second factor. `picture` and `key` set up an authenticator first; only the demo shows `demo_code`."""

    template: ClassVar[str] = "staff/code.html"
    picture: Markup | None = None
    key: str | None = None
    demo_code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    reader_id: str
    email: str
    by: str
    external_id: str | None
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFindPage:
    """`found` is None where nothing was searched."""

    template: ClassVar[str] = "staff/find.html"
    found: tuple[FoundRow, ...] | None = None
    query: str = ""
    error: str | None = None
