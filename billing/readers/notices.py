"""The mails about an account: the link to sign in, a sign-in on a new device, another address, a passkey."""

from dataclasses import dataclass
from datetime import timedelta

from billing.mail.outbox import NewMessage, queue
from billing.platform.context import TransactionContext
from billing.platform.tokens import code_place, place
from billing.readers import devices
from billing.readers.links import LIFE, Link, Links
from billing.readers.models import Passkey, Reader
from emails import ALWAYS, Code, Mail, Url

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
    message = NewMessage(mail, key, to, reader_id, ctx.at + LIFE, link.id)
    queue(ctx.session, message, ctx.at)


@dataclass(frozen=True)
class AddressChangedMail(Mail, true_while=ALWAYS):
    """To the address that was the reader's until `at_text`. It doesn't name the new one: others may read this mail."""

    at_text: str


def address_changed(ctx: TransactionContext, reader: Reader, old: str) -> None:
    """Warn the old address, which may take mail again (6.3.7)."""
    key = f"address-changed:{reader.id}:{ctx.at.isoformat()}"
    message = NewMessage(
        AddressChangedMail(at_text=ctx.site.moment(ctx.at)), key, old, reader.id, ctx.at + _WARNING_LIFE
    )
    queue(ctx.session, message, ctx.at)


@dataclass(frozen=True)
class SignedInElsewhereMail(Mail, true_while=ALWAYS):
    """A device that we had not seen before signed in, at `at_text`."""

    at_text: str
    device: str
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
    at_text: str
    device: str
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
