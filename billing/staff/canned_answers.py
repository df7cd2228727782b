"""Answers that members send often. Each change is audited; what was sent stands in its thread, as it was sent."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.payments import invoice_recipients
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.rules.canned_answers import fill
from billing.rules.money import Money
from billing.staff import audit
from billing.staff.acts.shape import day
from billing.staff.canned_fields import check_fields
from billing.staff.models import ReaderRequest
from billing.staff.request_models import CannedAnswer
from billing.staff.requests import clean_words
from billing.subscriptions.find import live_of, terms_on
from billing.subscriptions.schedule import next_charge

LONGEST_TITLE = 60
MOST = 200
"""Answers that can be chosen at once; more make a list that nobody reads."""


class UnknownAnswer(NotFound):
    """There is no such answer; somebody may have removed it."""

    code = "unknown_answer"


class TitleNeeded(Invalid):
    """An answer needs a title, by which members choose it."""

    code = "title_needed"


class TitleTaken(Conflict):
    """Another answer has this title."""

    code = "title_taken"


class TooManyAnswers(Conflict):
    """There are two hundred answers. Remove one first."""

    code = "too_many_answers"


def kept(session: Session) -> Sequence[CannedAnswer]:
    """The answers that can be chosen, by title."""
    query = select(CannedAnswer).where(col(CannedAnswer.removed_at).is_(None))
    return session.exec(query.order_by(sa.func.lower(CannedAnswer.title))).all()


def one(session: Session, answer_id: str) -> CannedAnswer:
    """Raises UnknownAnswer."""
    return _kept(session.get(CannedAnswer, answer_id))


def _lock(session: Session, answer_id: str) -> CannedAnswer:
    """Raises UnknownAnswer, also where another member removed it meanwhile."""
    return _kept(lock_row(session, CannedAnswer, answer_id))


def _kept(found: CannedAnswer | None) -> CannedAnswer:
    if found is None or found.removed_at is not None:
        raise UnknownAnswer
    return found


def save(ctx: TransactionContext, answer_id: str | None, title: str, words: str) -> CannedAnswer:
    """Keep a new answer, or change one. Raises UnknownAnswer, TitleNeeded, TitleTaken, TooManyAnswers, NothingSaid, CardNumberIn,
    UnknownField."""
    title = " ".join(title.split())[:LONGEST_TITLE]
    if not title:
        raise TitleNeeded
    words = clean_words(words, needed=True)
    check_fields(words)
    answers = kept(ctx.session)
    if any(each.title.lower() == title.lower() and each.id != answer_id for each in answers):
        raise TitleTaken
    if answer_id is None and len(answers) >= MOST:
        raise TooManyAnswers
    before: dict[str, str] = {}
    if answer_id is None:
        row = CannedAnswer(id=ids.new("can", ctx.at), title=title, words=words, changed_at=ctx.at)
        ctx.session.add(row)
    else:
        row = _lock(ctx.session, answer_id)
        if (row.title, row.words) == (title, words):
            return row
        before = {"title": row.title, "words": row.words}
        row.title, row.words, row.changed_at = title, words, ctx.at
    try:
        ctx.session.flush()
    except sa.exc.IntegrityError:  # another member saved one with this title meanwhile
        raise TitleTaken from None
    after = {"title": title, "words": words}
    audit.write(ctx, "canned_answer", subject=row.id, before=before, after=after)
    return row


def remove(ctx: TransactionContext, answer_id: str) -> None:
    """Take an answer off the list. Raises UnknownAnswer."""
    row = _lock(ctx.session, answer_id)
    row.removed_at = ctx.at
    audit.write(ctx, "remove_answer", subject=row.id, before={"title": row.title, "words": row.words})


def filled(ctx: TransactionContext, answer_id: str, request: ReaderRequest, paper: str) -> str:
    """An answer with the values of the request's reader. A field without a value stays in braces. Raises UnknownAnswer."""
    return fill(one(ctx.session, answer_id).words, values_for(ctx, request, paper))


def values_for(ctx: TransactionContext, request: ReaderRequest, paper: str) -> Mapping[str, str]:
    """The values of the fields for the reader of a request, as they are today. Without an account there are few."""
    values = {
        "address": request.email,
        "day of the request": day(ctx.site.today(request.received_at)),
        "paper": paper,
    }
    if request.reader_id is None:
        return values
    buyer = invoice_recipients.of_reader(ctx.session, request.reader_id)
    if buyer is not None:
        values["name"] = buyer.name
    subscription = live_of(ctx.session, request.reader_id)
    if subscription is None:
        return values
    plan, price = terms_on(ctx.session, subscription, ctx.today)
    values |= {
        "plan": plan.name,
        "price": Money(price.amount).with_vat_words(),
        "reads until": day(ctx.site.last_day(subscription.access_until)),
    }
    due = next_charge(subscription, ctx.zone)
    if due is not None:
        amount = terms_on(ctx.session, subscription, due.on)[1].amount
        values |= {"next charge": Money(amount).with_vat_words(), "next charge day": day(due.on)}
    return values
