"""Put a reader on a newsletter's list, or take them off it, as they asked."""

from dataclasses import dataclass

from billing.newsletters import optin
from billing.newsletters.blocks import blocks, is_final
from billing.newsletters.lists import newsletter, require_published
from billing.newsletters.models import SignupState
from billing.newsletters.signups import Origin, Person, leave, states
from billing.platform.actors import ip_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.readers.models import Reader
from billing.readers.register import by_id
from billing.staff.acts.shape import Preview
from billing.staff.roles import Permission

SOURCE = "staff"
"""What the line of evidence says where a choice came from; the audit says who made it, and why."""


class ChosenAlready(Conflict):
    """It is as you want it already."""

    code = "chosen_already"


class MailStopped(Conflict):
    """Staff stopped all mail to this address, so no newsletter goes there. Let them lift that first."""

    code = "mail_stopped"


@dataclass(frozen=True)
class NewsletterAct:
    """Have the reader receive the newsletter, or not."""

    reader_id: str
    newsletter_id: str
    receives: bool
    what = Permission.READER_NEWSLETTERS

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What the reader gets from now on. Raises UnknownNewsletter, ChosenAlready, RetiredNewsletter, MailStopped."""
        reader, list_ = by_id(ctx.session, self.reader_id), newsletter(ctx.session, self.newsletter_id)
        evidence = "Your reason is kept as the evidence of who asked, and how."
        if not self.receives:
            if self.newsletter_id not in _wanted(ctx, reader):
                raise ChosenAlready
            return Preview(
                (f"{list_.name} no longer goes to {reader.email}.", evidence), f"Stop {list_.name}"
            )
        if self._asks(ctx, reader):
            why = "never proved" if reader.address_proved_at is None else "blocked for newsletters"
            words = f"The address is {why}, so {reader.email} gets a mail that asks first. {list_.name} comes once its button is pressed."
            return Preview((words, evidence), f"Ask about {list_.name}")
        return Preview(
            (f"{list_.name} goes to {reader.email} from its next issue on.", evidence), f"Send {list_.name}"
        )

    def _asks(self, ctx: TransactionContext, reader: Reader) -> bool:
        """Whether a mail must ask. Raises ChosenAlready, RetiredNewsletter, MailStopped."""
        require_published([newsletter(ctx.session, self.newsletter_id)])
        block = blocks(ctx.session, ctx.site.tokens, reader.email, [self.newsletter_id]).get(
            self.newsletter_id
        )
        if block is not None and is_final(block):
            raise MailStopped
        confirmed = states(ctx.session, Person.of(reader))[SignupState.CONFIRMED]
        if block is None and self.newsletter_id in confirmed:
            raise ChosenAlready
        return block is not None or reader.address_proved_at is None

    def do(self, ctx: TransactionContext, _: str, /) -> str:
        """Make the choice, with its line of evidence; the newsletter's id. Raises ChosenAlready, RetiredNewsletter,
        MailStopped, TooMany."""
        reader = by_id(ctx.session, self.reader_id)
        person = Person.of(reader)
        if not self.receives:
            if not leave(ctx, person, [self.newsletter_id], Origin(SOURCE)):
                raise ChosenAlready
            return self.newsletter_id
        asks = self._asks(ctx, reader)
        origin = Origin(SOURCE, ip_of(ctx.actor) if asks else "")  # questions are counted by network
        proved = reader.address_proved_at is not None
        optin.join_or_ask(ctx, person, [self.newsletter_id], origin, email_verified=proved)
        return self.newsletter_id


def _wanted(ctx: TransactionContext, reader: Reader) -> frozenset[str]:
    """The newsletters that the reader receives, or has yet to confirm."""
    found = states(ctx.session, Person.of(reader))
    return found[SignupState.CONFIRMED] | found[SignupState.PENDING]
