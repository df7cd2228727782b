"""Staff pages about the members themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.money import Money
from billing.web.views.passkeys import PasskeyRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """What one member requested another to approve, and the decision."""

    approval_id: str
    kind: str
    reader_id: str | None
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    reason: str
    amount: Money | None
    words: tuple[str, ...]
    state: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    may_approve: bool = False
    may_decline: bool = True
    """Whether it isn't about the member's own account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffApprovalsPage:
    template: ClassVar[str] = "staff/approvals.html"
    waiting: tuple[ApprovalRow, ...] = ()
    decided: tuple[ApprovalRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSessionRow:
    """A browser in which a member is signed in, and the network address it came from."""

    session_id: str
    email: str
    device: str
    ip: str
    started_at: datetime
    seen_at: datetime
    is_this: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSessionsPage:
    """The member's own browsers, or with `everybody` those of all members."""

    template: ClassVar[str] = "staff/sessions.html"
    rows: tuple[StaffSessionRow, ...]
    everybody: bool = False
    codes_left: int = 0
    """Unused recovery codes of the member."""
    passkeys: tuple[PasskeyRow, ...] = ()
    can_add: bool = False
    """Whether the member may add a passkey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRecoveryCodesPage:
    """Recovery codes, shown this once."""

    template: ClassVar[str] = "staff/recovery_codes.html"
    codes: tuple[str, ...]
