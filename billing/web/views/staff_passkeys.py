"""A member's passkeys."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAddPasskeyPage:
    """`options`: for the script, as JSON."""

    template: ClassVar[str] = "staff/passkey_add.html"
    email: str
    options: str
    error: str | None = None
