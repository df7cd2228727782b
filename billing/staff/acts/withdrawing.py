"""Take a sale back for a reader about whose withdrawal staff decide."""

from dataclasses import dataclass
from datetime import datetime

from billing.changes import cancel, withdraw
from billing.changes.withdraw import Earlier, Withdrawal
from billing.payments import numbers
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.staff import open_requests
from billing.staff.acts.shape import Preview, day, format_zar, moment
from billing.staff.acts.subscription import NEVER
from billing.staff.models import RequestKind
from billing.staff.roles import Permission
from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.find import latest_of
from billing.subscriptions.models import Subscription


def is_offered(ctx: TransactionContext, reader_id: str) -> bool:
    """Whether a sale can be taken back: now, or as of the moment the reader asked."""
    subscription, asked_at = _subject(ctx, reader_id)
    return withdraw.offered(ctx.moved_to(asked_at), subscription) is not None


def _subject(ctx: TransactionContext, reader_id: str) -> tuple[Subscription | None, datetime]:
    """What the oldest open request to withdraw is about, and when it came; without one the latest subscription, now."""
    request = open_requests.first_of(ctx.session, reader_id, RequestKind.WITHDRAW)
    if request is None:
        return latest_of(ctx.session, reader_id), ctx.at
    return ctx.session.get(Subscription, request.subscription_id), request.received_at


@dataclass(frozen=True)
class WithdrawAct:
    """Withdraw as the oldest open request asks, as of the moment it came; else from the latest subscription, now."""

    reader_id: str
    what = Permission.REFUND

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What goes back, and what the reader withdrew from before. Raises CoolingOffOver, BadMoment,
        UnknownSubscription."""
        subscription, asked_at = self._subscription(ctx)
        asked_at = cancel.moment_of_asking(subscription, asked_at, ctx.at)
        found = withdraw.offered(ctx.moved_to(asked_at), subscription)
        if found is None:
            raise withdraw.CoolingOffOver
        words = (
            f"It counts from {moment(ctx.site, asked_at)}.",
            *(_before(self.reader_id, earlier) for earlier in found.earlier),
            *_goes_back(ctx, found),
            "It has ended already; no other subscription of the reader's is touched. A mail says what goes back."
            if subscription.state is State.ENDED
            else "Reading ends now, and nothing more is charged. A mail says so.",
        )
        # A first withdrawal is owed by law (ECT-5), so it takes nothing from what a role may give.
        given = found.cents if found.needs_staff else 0
        return Preview(words, f"Withdraw and give back {format_zar(found.cents)}", cents=given)

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Take it back, and answer what the reader asked about that subscription."""
        subscription, asked_at = self._subscription(ctx)
        withdraw.withdraw(ctx, subscription.id, asked_at=asked_at, reason=reason, decided=True)
        open_requests.close_to_withdraw(ctx, subscription)
        return subscription.id

    def _subscription(self, ctx: TransactionContext) -> tuple[Subscription, datetime]:
        subscription, asked_at = _subject(ctx, self.reader_id)
        if subscription is None:
            raise UnknownSubscription(NEVER)
        return subscription, asked_at


def _before(reader_id: str, earlier: Earlier) -> str:
    whose = "The reader" if earlier.reader_id == reader_id else "Another reader with the same card"
    return f"{whose} withdrew on {day(earlier.on)} already, and {format_zar(earlier.cents)} went back."


def _goes_back(ctx: TransactionContext, found: Withdrawal) -> list[str]:
    return [
        f"{format_zar(returned.cents)} goes back, charged on {day(ctx.site.today(returned.payment.paid_at))}"
        f" ({numbers.invoice_number(returned.invoice.number or 0)}). A credit note follows by mail."
        for returned in (found.first, *found.later)
    ]
