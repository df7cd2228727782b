"""Staff's answer to a request: who gets it, and sending it once."""

from dataclasses import dataclass

from sqlmodel import Session

from billing.mail.suppressions import ALL, is_suppressed
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.readers import deceased
from billing.staff import audit, open_requests, settled_requests, threads
from billing.staff.canned_fields import refuse_fields_left
from billing.staff.models import ReaderRequest
from billing.staff.notices import request_answered
from billing.staff.requests import LONGEST, AlreadyClosed, clean_words, lock_request


class NobodyReadsIt(Conflict):
    """No mail goes to this address, so nobody would read the answer. Close the request without a mail."""

    code = "nobody_reads_it"


class RequestAnswerTooLong(Invalid):
    """An answer has up to 2000 characters. Shorten it."""

    code = "request_answer_too_long"


@dataclass(frozen=True, slots=True)
class AnswerRecipient:
    """Who gets an answer, at which address. `correspondent` is the name of the person who gets it in place of a reader who has
    died. `is_mailed`: mail to the address isn't stopped. `in_account`: the reader sees the answer on the account's pages, too."""

    email: str
    is_mailed: bool
    correspondent: str | None = None
    in_account: bool = False

    @property
    def gets_it(self) -> bool:
        """Whether an answer would reach anybody."""
        return self.is_mailed or self.in_account


def recipient_of(ctx: TransactionContext, request: ReaderRequest) -> AnswerRecipient:
    """Who gets the answer to a request now."""
    death = deceased.of(ctx.session, request.reader_id) if request.reader_id is not None else None
    email = request.email if death is None else death.correspondent_email
    return AnswerRecipient(
        email=email,
        is_mailed=not is_suppressed(ctx, email, [ALL]),
        correspondent=death.correspondent_name if death is not None else None,
        in_account=request.reader_id is not None and death is None,
    )


def refuse_too_long(words: str) -> None:
    """Raises RequestAnswerTooLong, which says how much is to go: what is cut off would never reach the reader."""
    over = len(words.strip()) - LONGEST
    if over > 0:
        raise RequestAnswerTooLong(f"An answer has up to {LONGEST} characters. Shorten this one by {over}.")


def answer(ctx: TransactionContext, request_id: str, words: str) -> ReaderRequest:
    """Answer in the thread and by mail, once, until the reader replies. The first answer closes the request. Raises UnknownRequest,
    AlreadyClosed, RequestAnswerTooLong, NothingSaid, CardNumberIn, FieldLeft, NobodyReadsIt."""
    refuse_too_long(words)
    words = clean_words(words, needed=True)
    refuse_fields_left(words)
    request = lock_request(ctx.session, request_id)
    if request.waits_since is None:
        raise AlreadyClosed(_answered(ctx.session, request))
    recipient = recipient_of(ctx, request)
    if not recipient.gets_it:
        raise NobodyReadsIt
    last = threads.last_reply(ctx.session, request.id)
    request_answered(ctx, request, last, words, to_correspondent=recipient.correspondent is not None)
    threads.add(ctx, request, words)
    request.waits_since = None
    if request.closed_at is None:
        request.closed_at = ctx.at
        request.note_closed_by(ctx.actor)
    open_requests.release(ctx, request.reader_id)
    audit.write(ctx, "answer", reader_id=request.reader_id, subject=request.id, after={"answer": words})
    return request


def _answered(session: Session, request: ReaderRequest) -> str:
    (row,) = settled_requests.in_words(session, [request])
    return f"{row.by} {row.what}: “{row.words}”"
