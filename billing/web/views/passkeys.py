"""A reader's passkeys."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """`backed_up`: a password manager keeps it for several devices."""

    passkey_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None = None
    backed_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeysPage:
    template: ClassVar[str] = "passkeys.html"
    rows: tuple[PasskeyRow, ...]
    can_add: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPasskeyPage:
    """`options`: for the script, as JSON."""

    template: ClassVar[str] = "passkey_add.html"
    email: str
    options: str
    error: Text | None = None
