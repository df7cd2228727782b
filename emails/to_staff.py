"""The mails to members of staff. One dataclass each, as in `messages`."""

from dataclasses import dataclass
from typing import ClassVar

from emails.fields import Cents, Day, Message, Url


@dataclass(frozen=True)
class CodesLocked(Message):
    """To staff: five codes of a member's authenticator were wrong, so none is taken until `until_text`. `own` to the member
    (`member` is their address), else to an admin; `known`: it was in a browser in which the member has signed in before; `signed_in`: in one that was signed
    in, and is no more. `staff_url`: the member's sessions, or for an admin the members."""

    kind: ClassVar[str] = "codes_locked"
    member: str
    own: bool
    known: bool
    at_text: str
    until_text: str
    device: str
    network: str
    staff_url: Url
    signed_in: bool = False


@dataclass(frozen=True)
class ApprovalAsked(Message):
    """To members of staff: `by` asks another member to approve `what`; `last_day` is the last on which one may."""

    kind: ClassVar[str] = "approval_asked"
    by: str
    what: str
    last_day: Day
    url: Url


@dataclass(frozen=True)
class AdminAdded(Message):
    """To the other admins: `email` is one too, let in by `by`."""

    kind: ClassVar[str] = "admin_added"
    email: str
    by: str
    url: Url


@dataclass(frozen=True)
class MoneyKeyMade(Message):
    """To the other admins: `by` made the API key `name`, which may give `cents` back to readers in a day."""

    kind: ClassVar[str] = "money_key_made"
    name: str
    by: str
    cents: Cents
    url: Url


TO_STAFF: tuple[type[Message], ...] = (CodesLocked, ApprovalAsked, AdminAdded, MoneyKeyMade)
