"""A reader's reply by mail joins the thread of the request, and staff see where it came from."""

from datetime import timedelta
from enum import StrEnum

from sqlmodel import select

from billing.mail.replies import MailedReply
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.readers import rate
from billing.readers.models import Reader
from billing.rules.addresses import is_erased
from billing.rules.card_numbers import without_card_numbers
from billing.staff import threads
from billing.staff.models import ReaderRequest, RequestMessage
from billing.staff.requests import lock_request

LONGEST = 10_000
"""Characters of a reply that are kept."""
CUT = "\n\n[The mail was longer. It is cut here.]"
MOST_AN_HOUR = 20
"""Replies to one request that are taken in an hour. The mail server keeps further ones, and sends them again later."""
NO_ACCOUNT = "by mail"
"""In place of a reader's id, for a request from an address without an account."""


class ReplyOutcome(StrEnum):
    """The effect of a reply by mail."""

    NEW = "reply: taken"
    KNOWN = "reply: known already"
    EMPTY = "reply: nothing in it"
    AUTOMATIC = "reply: written by a machine; nothing changed"
    GONE = "reply: its request isn't kept any more; nothing changed"


def take_reply(ctx: TransactionContext, reply: MailedReply) -> ReplyOutcome:
    """Add a reply to its thread, once. The request waits for staff again, or still. Card numbers are masked (SEC-12).

    It is never taken as proof of who wrote it: what the request asked for stays as it was settled. Raises TooMany."""
    if reply.is_automatic:
        return ReplyOutcome.AUTOMATIC
    request = ctx.session.get(ReaderRequest, reply.request_id)
    if request is None or not request.email or is_erased(request.email):
        return ReplyOutcome.GONE
    words = without_card_numbers(reply.words)
    if len(words) > LONGEST:
        words = words[:LONGEST] + CUT
    if not words and not reply.attachments:
        return ReplyOutcome.EMPTY
    request = lock_request(ctx.session, request.id)
    if _is_known(ctx, reply):
        return ReplyOutcome.KNOWN
    rate.count(ctx, "reply-by-mail", request.id, limit=MOST_AN_HOUR, per=timedelta(hours=1))
    author = ctx.acting_as(ReaderActor(request.reader_id or NO_ACCOUNT))
    threads.add(
        author,
        request,
        words,
        mail_from=reply.sender,
        mail_from_reader=_is_of_reader(ctx, request, reply.sender),
        attachments=", ".join(reply.attachments),
        mail_digest=reply.name,
    )
    if request.waits_since is None:
        request.waits_since = ctx.at
    return ReplyOutcome.NEW


def _is_known(ctx: TransactionContext, reply: MailedReply) -> bool:
    found = select(RequestMessage.id).where(RequestMessage.mail_digest == reply.name)
    return ctx.session.exec(found).first() is not None


def _is_of_reader(ctx: TransactionContext, request: ReaderRequest, sender: str) -> bool:
    """Whether a reply's From line has an address of the request's reader: that of the request, or of the account today."""
    reader = ctx.session.get(Reader, request.reader_id) if request.reader_id else None
    return sender in {request.email.lower(), reader.email.lower() if reader else request.email.lower()}
