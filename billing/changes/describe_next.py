"""What the billing run does next, in words for people who move the clock."""

from sqlmodel import Session, col, func, select

from billing.payments.models import Attempt, AttemptState
from billing.readers.register import by_id
from billing.rules.lifecycle import State
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import DueAction

_WORDS = {
    DueAction.FIRST_NOTICE: "the first {trial}notice to {reader}",
    DueAction.SECOND_NOTICE: "the second {trial}notice to {reader}",
    DueAction.FIRST_CHARGE: "the first charge of {price}, to {reader}",
    DueAction.TERM_NOTICE: "the notice to {reader} that the year ends",
    DueAction.PAUSE: "the pause of {reader} begins",
    DueAction.END_PAUSE: "the pause of {reader} is over",
    DueAction.RENEW: "the next charge of {price}, to {reader}",
    DueAction.RETRY: "another try to charge {price}, to {reader}",
    DueAction.GIVE_UP: "the end for {reader}: no charge went through",
    DueAction.CARD_NOTICE: "the mail that the card of {reader} ends soon",
    DueAction.RUN_OUT: "the last day is over for {reader}, who has cancelled",
}


def next_words(session: Session) -> str:
    """The next due action, with the reader's address; others due at the same moment are counted."""
    subscription = session.exec(
        select(Subscription)
        .where(col(Subscription.next_action_at).is_not(None))
        .order_by(col(Subscription.next_action_at), col(Subscription.id))
        .limit(1)
    ).first()
    attempt = session.exec(
        select(Attempt).where(Attempt.state == AttemptState.OPEN).order_by(col(Attempt.next_poll_at)).limit(1)
    ).first()
    if attempt is not None and (
        subscription is None or attempt.next_poll_at <= (subscription.next_action_at or attempt.next_poll_at)
    ):
        reader_id = session.get_one(Subscription, attempt.subscription_id).reader_id
        return f"we ask the acquirer how a charge ended, for {by_id(session, reader_id).email}"
    return _of(session, subscription) if subscription else "nothing"


def _of(session: Session, subscription: Subscription) -> str:
    price = terms_on(session, subscription, subscription.period_end_on)[1]
    words = _WORDS[DueAction(str(subscription.next_action))].format(
        reader=by_id(session, subscription.reader_id).email,
        trial="trial " if subscription.state is State.TRIALING else "",
        price=price.money.with_vat_words(),
    )
    others = session.exec(
        select(func.count())
        .select_from(Subscription)
        .where(
            Subscription.next_action == subscription.next_action,
            Subscription.next_action_at == subscription.next_action_at,
            Subscription.id != subscription.id,
        )
    ).one()
    return f"{words}, and {others} more like it" if others else words
