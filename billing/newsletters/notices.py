"""The mail that asks an address to confirm the newsletters that were ticked for it."""

from dataclasses import dataclass
from datetime import timedelta

from billing.mail.outbox import NewMessage, queue
from billing.newsletters.signups import Person
from billing.platform.context import TransactionContext
from billing.platform.tokens import place
from emails import Mail, Url

PURPOSE = "confirm-signup"
LIFE = timedelta(days=7)
"""How long the link works."""


@dataclass(frozen=True)
class ConfirmSignupMail(Mail, true_while="EXISTS (SELECT FROM signup u WHERE u.ask_id = m.about)"):
    """Asks whether this address wants these newsletters; says nothing else (double opt-in). The link works for `days`."""

    newsletters: str
    url: Url
    days: int


def confirm_signup_key(ask_id: str) -> str:
    """The key of the mail: one for each question."""
    return f"confirm-signup:{ask_id}"


def confirm_signup(
    ctx: TransactionContext, person: Person, names: list[str], ask_id: str, *, delay: timedelta
) -> None:
    """Queue the question for these newsletters; it is sent after the `delay`."""
    mail = ConfirmSignupMail(
        newsletters=names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}",
        url=ctx.site.page(f"/newsletters/confirm/{place(PURPOSE, ask_id)}"),
        days=LIFE.days,
    )
    key, expires_at = confirm_signup_key(ask_id), ctx.at + LIFE
    message = NewMessage(mail, key, person.address, person.reader_id, expires_at, ask_id)
    queue(ctx.session, message, ctx.at + delay)
