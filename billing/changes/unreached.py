"""A charge waits for notices that the reader's address refuses: two extensions, each with a case for staff, then the end.

No notice, no charge (CARD-4); but an address that refuses each notice isn't free reading for ever. The caller holds the
lock, except for `ends_unless_reached`."""

from collections.abc import Sequence

from sqlmodel import Session, col, func, select

from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.changes.outcome import ActionOutcome
from billing.mail import unreachable
from billing.notices.pause import pause_notice_key
from billing.notices.term import term_notice_key, term_reminder_key
from billing.notices.trial import trial_notice_key
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.readers.register import by_id
from billing.rules import periods
from billing.rules.lifecycle import Event, State
from billing.rules.notices import Notice
from billing.subscriptions.change import change
from billing.subscriptions.models import Subscription, SubscriptionChange, TermsChangeReason
from billing.subscriptions.schedule import next_charge

MOST = 2
"""The most extensions before one charge because an address refuses notices; one more where it accepted the last one."""
WHY = "the reader's mail address refuses our notices"
"""Also what `_times` finds in the history: with other words, earlier extensions wouldn't count."""
_EXTENDED = (Event.TRIAL_EXTENDED, Event.TERM_EXTENDED, Event.PAUSE_EXTENDED)


def extends_because(ctx: TransactionContext, subscription: Subscription, otherwise: str) -> str:
    """Why the charge moves: `otherwise`, unless the address refused one of its notices. Then a case tells staff."""
    if not _refused(ctx.session, subscription):
        return otherwise
    _open_case(ctx, subscription, "The charge moves, and its notices are sent again")
    return WHY


def is_final(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether the charge has moved as often as it may, and the address still refuses its notices."""
    keys = _keys(subscription)
    if not unreachable.refused(ctx.session, keys):
        return False
    most = MOST if unreachable.last_refused(ctx.session, keys) else MOST + 1
    return _times(ctx, subscription) >= most


def end(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    """End it without a charge."""
    change(ctx.acting_as(WORKER), subscription, Event.UNREACHABLE, reason=WHY)
    _open_case(ctx, subscription, "The subscription has ended without a charge")
    return ActionOutcome.ENDED


def ends_unless_reached(session: Session, site: Site, subscription: Subscription) -> bool:
    """Whether the next charge waits for a notice that the address refused: the subscription ends if that goes on."""
    return next_charge(subscription, site.zone) is not None and _refused(session, subscription)


def _refused(session: Session, subscription: Subscription) -> bool:
    return unreachable.refused(session, _keys(subscription))


def _keys(s: Subscription) -> Sequence[str]:
    """Keys of the notices that the next charge waits for. The charge of a month, or a retry, waits for none."""
    if s.state is State.TRIALING:
        return [trial_notice_key(which, s.id, s.charge_on) for which in Notice]
    if s.state is State.PAUSED:
        return [pause_notice_key(s.id, s.resumes_on or s.charge_on)]
    if s.state is not State.ACTIVE or not s.is_fixed_term:
        return []
    ends_on = s.period_end_on or s.charge_on
    reminders = [term_reminder_key(which, s.id, ends_on) for which in Notice]
    if s.next_terms_because is TermsChangeReason.TERM and s.next_terms_on is not None:
        return [term_notice_key(s.id, s.next_terms_on), *reminders]
    return reminders  # a reader who has switched plans needs no notice of the year's end


def _times(ctx: TransactionContext, subscription: Subscription) -> int:
    """How often the address has moved this charge, since the trial or the paid period began."""
    s = subscription
    began_at = periods.start_of_day(s.period_start_on, ctx.zone) if s.period_start_on else s.started_at
    return ctx.session.exec(
        select(func.count()).where(
            SubscriptionChange.subscription_id == s.id,
            col(SubscriptionChange.event).in_(_EXTENDED),
            SubscriptionChange.reason == WHY,
            SubscriptionChange.at >= began_at,
        )
    ).one()


def _open_case(ctx: TransactionContext, subscription: Subscription, what_follows: str) -> None:
    email = by_id(ctx.session, subscription.reader_id).email
    open_case(
        ctx,
        CaseKind.UNREACHABLE,
        f"{subscription.id}:{ctx.at.isoformat()}",
        f"{email} refuses our mail. {what_follows}. Reach the reader by other means, and ask for another address.",
        reader_id=subscription.reader_id,
        link=f"/staff/readers/{subscription.reader_id}",
    )
