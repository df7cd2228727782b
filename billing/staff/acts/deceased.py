"""Record that a reader has died, quietly: the subscription ends, and nothing more is sent to them. And take that back."""

from dataclasses import dataclass
from datetime import datetime

from billing.changes import cancel
from billing.changes.cancel import BadMoment, When
from billing.changes.give_back import DueBack, GiveBack, due_back, may_be_undone
from billing.notices.deceased import death_recorded
from billing.payments import numbers
from billing.platform.context import TransactionContext
from billing.readers import deceased
from billing.readers.deceased import NoDeathRecorded
from billing.readers.register import by_id
from billing.rules.lifecycle import State
from billing.staff import open_requests
from billing.staff.acts.money import WAITS
from billing.staff.acts.shape import AT_ONCE, Preview, day, format_zar, moment
from billing.staff.roles import Permission
from billing.subscriptions.find import latest_of
from billing.subscriptions.models import Subscription


@dataclass(frozen=True)
class DeathAct:
    """End the subscription as of `counts_from`, and write to `name` at `email` from now on."""

    reader_id: str
    counts_from: datetime
    name: str = ""
    email: str = ""
    give_back: GiveBack = GiveBack.AUTO
    what = Permission.DECEASED

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What ends, what goes back, and who is written to. Raises BadMoment, and as `deceased.check`."""
        reader = by_id(ctx.session, self.reader_id)
        name, email = deceased.check(ctx.session, reader, self.name, self.email)
        subscription, since = self._live(ctx)
        returned = due_back(ctx.session, subscription, since, self.give_back) if subscription else []
        total = sum(payment.cents for payment in returned)
        words = (
            f"It counts from {moment(ctx.site, since)}.",
            "The subscription ends now, and nothing more is charged."
            if subscription
            else "No subscription runs, so none ends.",
            *(_goes_back(ctx, payment) for payment in returned),
            *([] if returned else ["No money goes back."]),
            *([AT_ONCE] if any(not payment.chosen for payment in returned) else []),
            f"{name} gets the confirmation, each document and each answer to a request, at {email}. They get no other mail.",
            f"Nothing is sent to {reader.email} any more: no newsletter, notice, receipt or link to sign in.",
            "The reader is signed out everywhere. It can be taken back, but what has ended or gone back stays so.",
        )
        button = "Record the death" + (f", and give back {format_zar(total)}" if total else "")
        return Preview(words, button, cents=total)

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Record it before the cancellation, whose confirmation goes to the correspondent; the id of the record."""
        reader, (subscription, since) = by_id(ctx.session, self.reader_id), self._live(ctx)
        row = deceased.record(ctx, reader, counts_from=since, name=self.name, email=self.email, reason=reason)
        if subscription is None:
            death_recorded(ctx, row)
        else:
            cancel.cancel(
                ctx,
                subscription.id,
                asked_at=since,
                reason="the reader has died",
                when=When.NOW,
                give_back=self.give_back,
            )
        open_requests.close_to_cancel(ctx, self.reader_id)
        return row.id

    def _live(self, ctx: TransactionContext) -> tuple[Subscription | None, datetime]:
        """The subscription that ends, and from when it counts: no earlier than the subscription began. Raises BadMoment."""
        if self.counts_from > ctx.at:
            raise BadMoment("A death can’t be recorded as of a moment that is still to come.")
        found = latest_of(ctx.session, self.reader_id)
        if found is None or found.state is State.ENDED:
            return None, self.counts_from
        return found, max(self.counts_from, found.started_at)


@dataclass(frozen=True)
class UndoDeathAct:
    """Take the record of a death back: it was a mistake."""

    reader_id: str
    what = Permission.DECEASED

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What begins again, and what doesn't. Raises NoDeathRecorded."""
        row = deceased.of(ctx.session, self.reader_id)
        if row is None:
            raise NoDeathRecorded
        email = by_id(ctx.session, self.reader_id).email
        words = (
            f"Mail to {email} goes out again, newsletters too where the reader receives them.",
            f"{row.correspondent_name} gets no more mail about this account.",
            "The subscription stays ended, and what went back stays with the reader: they start again, if they wish.",
        )
        return Preview(words, "Take it back")

    def do(self, ctx: TransactionContext, _: str, /) -> str:
        """Take it back; the id of the record."""
        return deceased.take_back(ctx, by_id(ctx.session, self.reader_id)).id


def _goes_back(ctx: TransactionContext, returned: DueBack) -> str:
    number = numbers.invoice_number(returned.invoice.number or 0)
    paid_on = ctx.site.today(returned.payment.paid_at)
    words = f"{format_zar(returned.cents)} goes back, charged on {day(paid_on)} ({number}), to the card that paid."
    return f"{words} {WAITS}" if may_be_undone(ctx, returned) else words
