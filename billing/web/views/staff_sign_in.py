"""Staff pages that ask who signs in, and for a code, at the sign-in and before an act that matters."""

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
    passkey: str | None = None
    """For the script, where the member has passkeys."""
    passkey_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffProvePage:
    """A code before an act that matters. `acts`: the form at `way` is sent on afterwards with its typed fields, `kept`."""

    template: ClassVar[str] = "staff/prove.html"
    way: str
    acts: bool
    kept: tuple[tuple[str, str], ...] = ()
    demo_code: str | None = None
    error: str | None = None
    passkey: str | None = None
    """For the script, where the member has passkeys."""
    passkey_error: str | None = None
