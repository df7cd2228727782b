"""Merge two accounts of one person, once staff know that both are theirs."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import select

from billing.mail.models import Message
from billing.notices.merge import freed_key
from billing.personal_data import merge
from billing.personal_data.merge_models import ReaderMerge
from billing.platform.context import TransactionContext
from billing.staff.acts.shape import Preview
from billing.staff.roles import Permission
from billing.subscriptions.find import live_of

_ROWS = (
    (("subscription", "payment", "refund"), "with the invoices, consents and history that belong to them"),
    (("payment_method",), "so both of the person's customers at the acquirer stay in use"),
    (("consent",), "as given"),
    (("passkey", "complimentary_grant", "gift"), ""),
    (("reader_request", "reader_note", "dispute", "staff_case"), ""),
)
_NAMES = {
    "subscription": ("subscription", "subscriptions"),
    "payment": ("payment", "payments"),
    "refund": ("refund", "refunds"),
    "consent": ("consent", "consents"),
    "payment_method": ("card", "cards"),
    "passkey": ("passkey", "passkeys"),
    "complimentary_grant": ("grant of complimentary days", "grants of complimentary days"),
    "gift": ("gift", "gifts"),
    "reader_request": ("request", "requests"),
    "reader_note": ("note", "notes"),
    "dispute": ("dispute", "disputes"),
    "staff_case": ("case", "cases"),
}


@dataclass(frozen=True)
class MergeAct:
    """Move all of `other_id` to `reader_id`. With `other_address` the account that stays gets the other's address."""

    reader_id: str
    """The account that stays."""
    other_id: str
    other_address: bool = False
    what = Permission.MERGE

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What stays, what moves, and what ends. Raises as `personal_data.merge.preview`."""
        found = merge.preview(ctx, self.reader_id, self.other_id, other_address=self.other_address)
        return Preview(in_words(ctx, found), "Merge the accounts")

    def do(self, ctx: TransactionContext, _reason: str, /) -> str:
        """Merge them; the id of the merge."""
        return merge.merge(ctx, self.reader_id, self.other_id, other_address=self.other_address).id

    def audited(self, ctx: TransactionContext, merge_id: str) -> dict[str, Any]:
        """What the audit line says besides: the empty account, its address, and how many rows of each table moved."""
        done = ctx.session.get_one(ReaderMerge, merge_id)
        freed = select(Message.recipient).where(Message.key == freed_key(merge_id))
        return {
            "merged": done.merged_id,
            "address_freed": ctx.session.exec(freed).first(),
            "moved": dict(done.moved),
        }


def in_words(ctx: TransactionContext, found: merge.MergePreview) -> tuple[str, ...]:
    """What merging does, for staff and on the command line."""
    stays, goes = found.stays, found.goes
    live = "It has the live subscription. " if live_of(ctx.session, stays.id) is not None else ""
    takes = live_of(ctx.session, goes.id) is not None
    moves = f"The live subscription of {goes.id} moves to it, and is charged as before. " if takes else ""
    rows = (_counted(found, tables, more) for tables, more in _ROWS)
    return (
        f"{stays.id} ({stays.email}) stays. {live}{moves}".rstrip(),
        f"The reader signs in with {found.address} from now on. {found.freed} opens no account any more:"
        " a sign-in with it begins an empty one.",
        f"{goes.id} ({goes.email}) stays empty, and is never a customer again. This can’t be undone.",
        *(words for words in rows if words),
        f"Metered articles of both count together, each once: {found.metered} this month.",
        *([f"These newsletters move: {', '.join(found.joined)}."] if found.joined else []),
        *(
            [f"These stop, as the other account had left them: {', '.join(found.left)}."]
            if found.left
            else []
        ),
        f"Browsers that are signed in to {goes.id} are signed out: {found.sessions}.",
        *(_external(found)),
        "Neither address gets another trial, if either account had one.",
        "Both addresses get a mail that says so.",
        "Don’t name the reader in the reason: it stays.",
    )


def _counted(found: merge.MergePreview, tables: tuple[str, ...], more: str) -> str:
    parts = [(table, found.rows[table]) for table in tables if found.rows[table]]
    if not parts:
        return ""
    words = ", ".join(f"{n} {_NAMES[table][n != 1]}" for table, n in parts)
    verb = "moves" if [n for _, n in parts] == [1] else "move"
    return f"{words} {verb}{f', {more}' if more else ''}."


def _external(found: merge.MergePreview) -> list[str]:
    if found.goes.external_id is None:
        return []
    return [f"Programs that ask for {found.goes.external_id} get {found.stays.id}."]
