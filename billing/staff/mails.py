"""A reader's mail as it was sent, for staff to read, with every secret covered."""

from dataclasses import replace

from sqlmodel import Session

import emails
from billing.mail.models import Message, MessageState
from billing.platform.errors import NotFound
from billing.platform.tokens import without_places
from emails.languages import Languages

SENT_WORDS = {
    MessageState.QUEUED: "waiting to be sent",
    MessageState.ACCEPTED: "accepted by the mail server",
    MessageState.REFUSED: "refused by the mail server",
    MessageState.EXPIRED: "never sent: its time was over",
    MessageState.OBSOLETE: "never sent: it had become untrue",
}
"""How far a mail has come."""


class UnknownMail(NotFound):
    """There is no such mail to this reader."""

    code = "unknown_mail"


def one(session: Session, reader_id: str, message_id: str) -> Message:
    """A mail to this reader. Raises UnknownMail, also for another reader's (SEC-7), and for one that is erased."""
    found = session.get(Message, message_id)
    if found is None or found.reader_id != reader_id or not found.recipient:
        raise UnknownMail
    return found


def as_sent(message: Message, house: emails.House, languages: Languages) -> emails.Rendered:
    """Subject and text, in the language of the mail. Links and codes that sign in or cancel are covered, so that staff can't act as
    the reader."""
    words = emails.load(message.kind, message.fields)
    covered = {
        name: without_places(value)
        for name in emails.places(type(words))
        if (value := getattr(words, name)) is not None
    }
    return emails.render(replace(words, **covered), house, languages.of(message.language))
