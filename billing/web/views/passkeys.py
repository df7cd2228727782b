"""Passkeys of a reader, and the rows of a member's."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from billing.readers.models import PasskeyColumns
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """`backed_up`: a password manager keeps it for several devices."""

    passkey_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None = None
    backed_up: bool = False

    @classmethod
    def of(cls, passkey: PasskeyColumns) -> Self:
        """The row of a reader's passkey, or of a member's."""
        return cls(
            passkey_id=passkey.id,
            name=passkey.name,
            created_at=passkey.created_at,
            last_used_at=passkey.last_used_at,
            backed_up=passkey.backed_up,
        )


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
