"""The mails about an account: the link to sign in, a sign-in on a new device, a passkey, another address."""

from dataclasses import dataclass
from datetime import timedelta

from billing.mail.outbox import NewMessage, queue
from billing.platform.context import TransactionContext
from billing.platform.tokens import code_place, place
from billing.readers import devices
from billing.readers.address_change import PURPOSE, STOP, STOP_LIFE, AddressChange
from billing.readers.links import LIFE, Link, Links
from billing.readers.models import Passkey, Reader
from emails import ALWAYS, Code, Day, Mail, Url
from emails.languages import Text

_WARNING_LIFE = timedelta(days=3)


@dataclass(frozen=True)
class SignInMail(
    Mail,
    kind="sign_in_link",
    # A newer link of the same browser spends the older one (`readers/links`).
    true_while="""EXISTS (SELECT FROM sign_in_link l WHERE l.id = m.about AND l.used_at IS NULL)
                  OR EXISTS (SELECT FROM staff_link l JOIN staff_member w ON w.id = l.staff_id
                             WHERE l.id = m.about AND l.used_at IS NULL AND w.disabled_at IS NULL)""",
):
    """A link, and a code for the browser that asked; both work once, for `minutes`.

    `starts`: a card was given there to start a subscription with this address, which must be verified first."""

    samples = {"": {}, "to-start": {"starts": True}}
    url: Url
    code: Code
    minutes: int
    starts: bool = False


def sign_in_link(
    ctx: TransactionContext,
    links: Links[Link],
    link: Link,
    to: str,
    *,
    reader_id: str | None = None,
    starts: bool = False,
) -> None:
    """Mail a link to a reader or a member of staff."""
    mail = SignInMail(
        url=ctx.site.page(f"{links.page}/{place(links.purpose, link.id)}"),
        code=code_place(links.purpose, link.id),
        minutes=int(LIFE.total_seconds() // 60),
        starts=starts,
    )
    key = f"{links.purpose}:{link.id}"
    message = NewMessage(mail, key, to, reader_id, ctx.at + LIFE, link.id, ctx.language)
    queue(ctx.session, message, ctx.at)


@dataclass(frozen=True)
class SignedInElsewhereMail(Mail, true_while=ALWAYS):
    """A device that we had not seen before signed in, at `at_text`."""

    at_text: Text
    device: Text
    account_url: Url


def signed_in_elsewhere(ctx: TransactionContext, reader: Reader, about: str, device: str) -> None:
    """Warn of a sign-in on a new device (6.3.5)."""
    mail = SignedInElsewhereMail(
        at_text=ctx.site.moment(ctx.at), device=devices.in_words(device), account_url=ctx.site.account_url
    )
    key = f"new-device:{about}"
    message = NewMessage(mail, key, reader.email, reader.id, ctx.at + _WARNING_LIFE)
    queue(ctx.session, message, ctx.at)


@dataclass(frozen=True)
class PasskeyChangedMail(Mail, true_while=ALWAYS):
    """A passkey called `name` was added, or removed, at `at_text` on `device`."""

    samples = {"": {}, "removed": {"added": False}}
    name: str
    at_text: Text
    device: Text
    passkeys_url: Url
    added: bool = True


def passkey_changed(
    ctx: TransactionContext, reader: Reader, passkey: Passkey, device: str, *, added: bool
) -> None:
    """Say that there is another way in, or one fewer (6.3.7)."""
    mail = PasskeyChangedMail(
        name=passkey.name,
        at_text=ctx.site.moment(ctx.at),
        device=devices.in_words(device),
        passkeys_url=ctx.site.page("/account/passkeys"),
        added=added,
    )
    key = f"passkey-{'added' if added else 'removed'}:{passkey.id}"
    message = NewMessage(mail, key, reader.email, reader.id, ctx.at + _WARNING_LIFE)
    queue(ctx.session, message, ctx.at)


@dataclass(frozen=True)
class ConfirmAddressMail(
    Mail,
    true_while="EXISTS (SELECT FROM address_change c WHERE c.id = m.about AND c.used_at IS NULL AND c.stopped_at IS NULL)",
):
    """To the new address: a link and a code that make it the account's, for `hours`. `by_staff`: staff began, so that any browser
    may open the link, and there is no page that waits for the code."""

    samples = {"": {}, "by-staff": {"by_staff": True, "hours": 72}}
    url: Url
    code: Code
    hours: int
    by_staff: bool = False


@dataclass(frozen=True)
class AddressTakenMail(Mail, true_while=ALWAYS):
    """To an address that has an account already, and was given as the new one of another account."""

    sign_in_url: Url
    contact_url: Url


@dataclass(frozen=True)
class AddressAskedMail(Mail, true_while=ALWAYS):
    """To the old address: another one was asked for at `at_text`. Neither this mail nor the next names it: others may read them."""

    samples = {"": {}, "by-staff": {"by_staff": True}}
    at_text: Text
    stop_url: Url
    by_staff: bool = False


@dataclass(frozen=True)
class AddressChangedMail(Mail, true_while=ALWAYS):
    """To the address that was the account's until `at_text`. `stop_url` puts it back through `until`."""

    at_text: Text
    until: Day
    stop_url: Url


@dataclass(frozen=True)
class AddressMovedMail(Mail, true_while=ALWAYS):
    """To an address with which somebody signs in, and which stopped being the account's at `at_text`."""

    at_text: Text
    until: Day
    stop_url: Url


KEEP_THEIR_ADDRESS = tuple(
    mail.kind
    for mail in (ConfirmAddressMail, AddressTakenMail, AddressAskedMail, AddressChangedMail, AddressMovedMail)
)
"""Kinds of mails that are for one address, and don't follow a reader to another."""


def _stop_url(ctx: TransactionContext, change: AddressChange) -> str:
    return ctx.site.page(f"/address/stop/{place(STOP, change.id)}")


def _until(ctx: TransactionContext, change: AddressChange) -> str:
    return ctx.site.last_day(change.stops_until).isoformat()


def confirm_address(ctx: TransactionContext, change: AddressChange) -> None:
    """Mail the link to the new address."""
    mail = ConfirmAddressMail(
        url=ctx.site.page(f"/account/address/link/{place(PURPOSE, change.id)}"),
        code=code_place(PURPOSE, change.id),
        hours=(change.expires_at - change.created_at) // timedelta(hours=1),
        by_staff=not change.by_reader,
    )
    key = f"address-confirm:{change.id}"
    message = NewMessage(
        mail, key, change.new_email, change.reader_id, change.expires_at, change.id, ctx.language
    )
    queue(ctx.session, message, ctx.at)


def address_taken(ctx: TransactionContext, change: AddressChange, owner: Reader) -> None:
    """Say to the owner of the address that two accounts can be merged."""
    mail = AddressTakenMail(sign_in_url=ctx.site.page("/sign-in"), contact_url=ctx.site.page("/contact"))
    key = f"address-taken:{change.id}"
    queue(ctx.session, NewMessage(mail, key, owner.email, owner.id, ctx.at + _WARNING_LIFE), ctx.at)


def address_asked(ctx: TransactionContext, change: AddressChange) -> None:
    """Warn the old address (6.3.7, 7.5.1)."""
    mail = AddressAskedMail(
        at_text=ctx.site.moment(ctx.at), stop_url=_stop_url(ctx, change), by_staff=not change.by_reader
    )
    key = f"address-asked:{change.id}"
    queue(
        ctx.session,
        NewMessage(mail, key, change.old_email, change.reader_id, ctx.at + STOP_LIFE),
        ctx.at,
    )


def address_changed(ctx: TransactionContext, change: AddressChange) -> None:
    """Warn the old address once it is no more the account's."""
    mail = AddressChangedMail(
        at_text=ctx.site.moment(ctx.at), until=_until(ctx, change), stop_url=_stop_url(ctx, change)
    )
    key = f"address-changed:{change.id}"
    queue(
        ctx.session,
        NewMessage(mail, key, change.old_email, change.reader_id, change.stops_until),
        ctx.at,
    )


def address_moved(ctx: TransactionContext, change: AddressChange, to: str, about: str) -> None:
    """Answer somebody who signs in with the old address. `about` names what they asked for, once."""
    mail = AddressMovedMail(
        at_text=ctx.site.moment(change.confirmed_at or change.created_at),
        until=_until(ctx, change),
        stop_url=_stop_url(ctx, change),
    )
    expires_at = ctx.at + timedelta(hours=1)
    message = NewMessage(mail, f"address-moved:{about}", to, None, expires_at, language=ctx.language)
    queue(ctx.session, message, ctx.at)
