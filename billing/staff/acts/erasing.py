"""Close an account and have it erased, as its reader asked."""

from dataclasses import dataclass

from billing.personal_data import ask
from billing.platform.context import TransactionContext
from billing.staff.acts.shape import Preview, day, format_zar
from billing.staff.roles import Permission


@dataclass(frozen=True)
class EraseAct:
    """Close the account now; the erasure follows in a day, once nothing is open."""

    reader_id: str
    what = Permission.ERASE

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What ends, what goes back, and what stays. Raises as `personal_data.ask.preview`."""
        return Preview(in_words(ctx, ask.preview(ctx, self.reader_id)), "Close the account and erase it")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Close it; the id of the erasure. The reason stays in the audit, so it must not name the reader."""
        return ask.ask(ctx, self.reader_id, reason=reason).id


def in_words(ctx: TransactionContext, found: ask.ErasurePreview) -> tuple[str, ...]:
    """What closing the account does, for staff and on the command line."""
    ends = "The subscription ends now" if found.ends else "No subscription runs"
    return (
        f"{ends}, and {format_zar(found.cents)} goes back.",
        *(
            ["More could go back: there was a withdrawal within a year, so staff decide. Do that first."]
            if found.staff_decide
            else []
        ),
        "The reader is signed out everywhere, and gets a mail that confirms it.",
        f"The data is erased from {day(ctx.site.today(found.erases_at))}, at the latest by {day(ctx.site.today(found.due_at))}."
        " The reader can take it back until then.",
        *(f"It waits for this to end: {words}" for words in found.waits),
        *(f"What stays: {reason}" for reason in found.keeps),
        "Don't name the reader in the reason: it stays.",
    )
