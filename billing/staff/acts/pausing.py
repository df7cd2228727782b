"""Pause a subscription for a reader who asked by mail or on the phone."""

from dataclasses import dataclass
from datetime import timedelta

from billing.changes import pause
from billing.platform.context import TransactionContext
from billing.rules.pause import MOST_BY_STAFF
from billing.staff.acts.shape import Preview, day, format_zar
from billing.staff.acts.subscription import running
from billing.staff.roles import Permission
from billing.subscriptions.find import terms_on


@dataclass(frozen=True)
class PauseAct:
    """Pause for some months, from the end of what is paid."""

    reader_id: str
    months: int
    what = Permission.PAUSE

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """From when to when, and what is charged then. Raises as `changes.pause.preview`."""
        subscription = running(ctx.session, self.reader_id)
        seen = pause.preview(ctx.site, subscription, self.months, ctx.at, most=MOST_BY_STAFF)
        price = terms_on(ctx.session, subscription, seen.resumes_on)[1]
        words = (
            f"Reading goes on through {day(seen.start_on - timedelta(days=1))}, as it is paid for.",
            "Then nothing is charged, and articles for subscribers are closed.",
            f"It goes on by itself on {day(seen.resumes_on)}, with a charge of {format_zar(price.amount)}; a mail says so before.",
        )
        return Preview(words, "Pause the subscription")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Plan the pause."""
        subscription = running(ctx.session, self.reader_id)
        pause.request_pause(ctx, subscription.id, self.months, reason=reason, most=MOST_BY_STAFF)
        return subscription.id


@dataclass(frozen=True)
class EndPauseAct:
    """Take a pause back. One that runs ends now, and the next period is charged."""

    reader_id: str
    what = Permission.PAUSE

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What is charged, and when. Raises NotPaused, UnknownSubscription."""
        subscription = running(ctx.session, self.reader_id)
        on = pause.goes_on(ctx.site, subscription, ctx.at)
        price = terms_on(ctx.session, subscription, on)[1]
        words = f"The subscription goes on. The card is charged {format_zar(price.amount)} on {day(on)}."
        return Preview((words,), "End the pause")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """End the pause."""
        subscription = running(ctx.session, self.reader_id)
        pause.undo(ctx, subscription.id, reason=reason)
        return subscription.id
