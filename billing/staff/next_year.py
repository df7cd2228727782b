"""What is next for a reader in twelve months: as it is, and under the acts that staff weigh, side by side. Changes nothing."""

from dataclasses import dataclass

from billing.access.describe import sentence_of
from billing.access.entitlements import entitlements_of
from billing.changes import as_if
from billing.changes.cancel import When
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.rules.lifecycle import NoSuchTransition, State
from billing.rules.money import Money
from billing.rules.pause import MOST_BY_STAFF
from billing.rules.periods import add_months
from billing.staff.acts.cancelling import CancelAct
from billing.staff.acts.days import ExtendAct
from billing.staff.acts.pausing import PauseAct
from billing.staff.acts.shape import Act, days_in_words
from billing.staff.roles import Permission
from billing.subscriptions.find import latest_of
from billing.subscriptions.forecast import Expected, forecast
from billing.subscriptions.models import Subscription

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Prospect:
    """One way in which it may go on. `words`: what happens first. `refusal`: why it can't be done, where it can't. `what` and `slug` are
    the act's permission and page; None as it is."""

    title: str
    words: tuple[str, ...] = ()
    charges: tuple[Expected, ...] = ()
    refusal: str | None = None
    what: Permission | None = None
    slug: str = ""

    @property
    def total(self) -> Money:
        """What is charged in the twelve months."""
        return Money(sum(charge.amount.amount for charge in self.charges))


def prospects(ctx: TransactionContext, reader_id: str, *, months: int, days: int) -> list[Prospect]:
    """As it is, cancelled now, paused for some months, and some days more."""
    s = latest_of(ctx.session, reader_id)
    live = s if s is not None and s.state is not State.ENDED else None
    now = Prospect("As it is", (_standing(ctx, reader_id, s),), _charges(ctx, live) if live else ())
    pause_title = "Paused for one month" if months == 1 else f"Paused for {months} months"
    return [
        now,
        _if(ctx, live, "Cancelled now", CancelAct(reader_id, ctx.at, When.NOW), "cancel?when=now"),
        _if(ctx, live, pause_title, PauseAct(reader_id, months), f"pause?months={months}"),
        _if(
            ctx,
            live,
            f"{days_in_words(days).capitalize()} more",
            ExtendAct(reader_id, days),
            f"extend?days={days}",
        ),
    ]


def _standing(ctx: TransactionContext, reader_id: str, subscription: Subscription | None) -> str:
    return str(sentence_of(ctx, entitlements_of(ctx, reader_id), subscription))


def _if(ctx: TransactionContext, live: Subscription | None, title: str, act: Act, slug: str) -> Prospect:
    try:
        preview = act.preview(ctx)
        charges = _charges(ctx, _after(ctx, live, act)) if live is not None else ()
    except (Refusal, NoSuchTransition) as problem:
        return Prospect(title, refusal=str(problem), what=act.what, slug=slug)
    return Prospect(title, preview.words, charges, what=act.what, slug=slug)


def _after(ctx: TransactionContext, live: Subscription, act: Act) -> Subscription:
    match act:
        case PauseAct():
            return as_if.paused(ctx, live, act.months, most=MOST_BY_STAFF)
        case ExtendAct():
            return as_if.extended(ctx, live, act.days)
        case _:
            return as_if.cancelled(ctx, live)


def _charges(ctx: TransactionContext, subscription: Subscription) -> tuple[Expected, ...]:
    return tuple(forecast(ctx, subscription, until=add_months(ctx.today, MONTHS)))
