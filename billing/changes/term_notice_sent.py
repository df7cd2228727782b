"""What the notice of a year's end said, read from the mail itself. A choice taken back, or extra days, don't change it (CPA-2)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from billing.mail.models import Message, MessageState
from billing.notices.term import TermNoticeMail, term_notice_keys
from billing.platform.context import TransactionContext
from billing.rules import term
from billing.subscriptions.change import SubscriptionPatch
from billing.subscriptions.find import on_sale
from billing.subscriptions.models import Plan, Price, Subscription, TermsChangeReason


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A notice of a year's end: the first day after it, the price of a month then, and when the mail server accepted it."""

    ends_on: date
    month_cents: int
    accepted_at: datetime | None


def of_this_year(ctx: TransactionContext, subscription: Subscription) -> NoticeSent | None:
    """The notice that counts for the running year: the newest that arrived in time for the day it names, else the newest."""
    s = subscription
    if s.period_start_on is None or s.period_end_on is None:
        return None
    rows = ctx.session.exec(
        select(Message.fields, Message.accepted_at)
        .where(
            Message.reader_id == s.reader_id,
            Message.kind == TermNoticeMail.kind,
            Message.state != MessageState.OBSOLETE,
            # ids contain `_`, a wildcard of LIKE
            col(Message.key).startswith(term_notice_keys(s.id), autoescape=True),
        )
        .order_by(col(Message.id).desc())
    ).all()
    notices = [
        NoticeSent(date.fromisoformat(fields["next_on"]), fields["month_amount"], accepted_at)
        for fields, accepted_at in rows
    ]
    this_year = [notice for notice in notices if s.period_start_on < notice.ends_on <= s.period_end_on]
    in_time = [
        notice
        for notice in this_year
        if notice.accepted_at and notice.accepted_at <= term.window(notice.ends_on, ctx.zone).closes_at
    ]
    return next(iter(in_time + this_year), None)


def announced_price(session: Session, subscription: Subscription, notice: NoticeSent) -> Price:
    """The month's price that the notice named: a later one wasn't announced."""
    plan = session.get_one(Plan, subscription.plan_id)
    follows = plan.then_plan_id or plan.id
    named = session.exec(
        select(Price)
        .where(
            Price.plan_id == follows, Price.amount == notice.month_cents, Price.valid_from <= notice.ends_on
        )
        .order_by(col(Price.valid_from).desc(), col(Price.id).desc())
    ).first()
    return named or on_sale(session, notice.ends_on, follows)[1]


def announced_terms(session: Session, subscription: Subscription, notice: NoticeSent) -> SubscriptionPatch:
    """The columns of what follows the year, as the notice said it."""
    return {
        "next_price_id": announced_price(session, subscription, notice).id,
        "next_terms_on": notice.ends_on,
        "next_terms_because": TermsChangeReason.TERM,
    }
