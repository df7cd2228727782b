"""What a reader was told of the end of a year, from the mail itself: neither a choice taken back nor more days unsay it (CPA-2)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from billing.mail.models import Message, MessageState
from billing.notices.term import TermNoticeMail, term_notice_keys
from billing.platform.context import TransactionContext
from billing.rules import term
from billing.subscriptions.find import on_sale
from billing.subscriptions.models import Plan, Price, Subscription, TermsChangeReason
from billing.subscriptions.patch import SubscriptionPatch


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A notice of a year's end: the first day after it, what a month costs then, and when the mail server took it."""

    ends_on: date
    month_cents: int
    accepted_at: datetime | None


def of_this_year(ctx: TransactionContext, subscription: Subscription) -> NoticeSent | None:
    """The notice that counts for the year that runs: the newest that arrived in time for the day it names, else the newest."""
    s = subscription
    if s.period_start_on is None or s.period_end_on is None:
        return None
    rows = ctx.session.exec(
        select(Message.fields, Message.accepted_at)
        .where(
            Message.reader_id == s.reader_id,
            Message.kind == TermNoticeMail.kind,
            Message.state != MessageState.OBSOLETE,
            col(Message.key).startswith(term_notice_keys(s.id), autoescape=True),
        )
        .order_by(col(Message.id).desc())
    ).all()
    written = [
        NoticeSent(date.fromisoformat(fields["next_on"]), fields["month_amount"], accepted_at)
        for fields, accepted_at in rows
    ]
    this_year = [one for one in written if s.period_start_on < one.ends_on <= s.period_end_on]
    in_time = [
        one
        for one in this_year
        if one.accepted_at is not None and one.accepted_at <= term.window(one.ends_on, ctx.zone).closes_at
    ]
    return next(iter(in_time + this_year), None)


def month(session: Session, subscription: Subscription, told: NoticeSent) -> Price:
    """The month's price that the notice named; another that came on sale since then wasn't told."""
    plan = session.get_one(Plan, subscription.plan_id)
    follows = plan.then_plan_id or plan.id
    named = session.exec(
        select(Price)
        .where(Price.plan_id == follows, Price.amount == told.month_cents, Price.valid_from <= told.ends_on)
        .order_by(col(Price.valid_from).desc(), col(Price.id).desc())
    ).first()
    return named or on_sale(session, told.ends_on, follows)[1]


def terms_of(session: Session, subscription: Subscription, told: NoticeSent) -> SubscriptionPatch:
    """The columns of what follows the year, as the notice said it."""
    return {
        "next_price_id": month(session, subscription, told).id,
        "next_terms_on": told.ends_on,
        "next_terms_reason": TermsChangeReason.TERM,
    }
