"""Choose the day of the month of the charges, for a reader who asked by mail or on the phone."""

from dataclasses import dataclass
from datetime import timedelta

from billing.changes import charge_after_undo, charge_day
from billing.platform.context import TransactionContext
from billing.rules.charge_day import in_words
from billing.staff.acts.shape import Preview, day, days_in_words, format_zar
from billing.staff.acts.subscription import running
from billing.staff.roles import Permission


@dataclass(frozen=True)
class ChargeDayAct:
    """Charge on this day of each month. The reader's own right, so its free days count towards no role's limit."""

    reader_id: str
    day: int
    """From 1 to 28, or `rules.charge_day.LAST`."""
    what = Permission.CHARGE_DAY

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """When the next charge comes, and the free days until then. Raises as `changes.charge_day.preview`."""
        seen = charge_day.preview(ctx, running(ctx.session, self.reader_id), self.day)
        words = (
            f"What is paid ends with {day(seen.before - timedelta(days=1))}; {days_in_words(seen.free_days)} after that are free.",
            f"The next charge, {format_zar(seen.price.amount)}, moves from {day(seen.before)} to {day(seen.on)}.",
            f"Later charges come on {in_words(self.day)} of each month. It can be chosen once in twelve months.",
        )
        return Preview(words, "Choose the day")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Choose it."""
        return charge_day.choose(ctx, running(ctx.session, self.reader_id).id, self.day, reason=reason).id


@dataclass(frozen=True)
class UndoChargeDayAct:
    """Take the chosen day back, before its free days begin."""

    reader_id: str
    what = Permission.CHARGE_DAY

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """The next charge then. Raises as `changes.charge_day.refuse_undo`."""
        charge = charge_after_undo.of_day(ctx, running(ctx.session, self.reader_id))
        words = (
            "No charge is planned."
            if charge is None
            else f"The next charge, {format_zar(charge.price.amount)}, moves back to {day(charge.on)}."
        )
        return Preview((words,), "Take the new day back")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Take it back."""
        return charge_day.undo(ctx, running(ctx.session, self.reader_id).id, reason=reason).id
