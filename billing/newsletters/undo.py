"""Take a stop back: for an hour, the link that stopped newsletters undoes exactly that stop.

Whoever holds the link had confirmed before, so no mail asks again (C5). After a complaint or a bounce only a fresh confirmation
puts the address back (B6). This is no sign-up, so a retired newsletter's list takes the person back, too."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from billing.mail.suppression_models import SuppressionReason
from billing.newsletters.blocks import blocks
from billing.newsletters.models import Signup, SignupChange, SignupState
from billing.newsletters.signups import Origin, Person, rows_of, settle
from billing.platform.context import TransactionContext

UNDO_WITHIN = timedelta(hours=1)
"""How long a stop can be taken back; as long as a page keeps its link."""
BY_LINK = ("one click", "preferences")
"""The sources of stops that a newsletter's own links made."""
TAKEN_BACK = "taken back"
"""The source of the yes that undoes a stop."""


@dataclass(frozen=True, slots=True)
class LastStop:
    """The newest stop. `signups`: those that can be taken back. `blocked`: why the others can't, as they are suppressed."""

    signups: tuple[Signup, ...] = ()
    blocked: SuppressionReason | None = None
    at: datetime | None = None

    @property
    def newsletter_ids(self) -> frozenset[str]:
        """What comes again."""
        return frozenset(row.newsletter_id for row in self.signups)


def last_stop(
    ctx: TransactionContext, person: Person, among: Collection[str] | None = None, *, lock: bool = False
) -> LastStop:
    """The person's newest stop within the hour, of these newsletters or of any."""
    left = [
        row
        for row in rows_of(ctx.session, person, lock=lock)
        if row.state is SignupState.LEFT
        and (among is None or row.newsletter_id in among)
        and row.changed_at + UNDO_WITHIN > ctx.at
    ]
    if not left:
        return LastStop()
    newest = max(row.changed_at for row in left)  # one stop gives all its rows the same instant
    rows = _stopped_by_link(ctx, [row for row in left if row.changed_at == newest])
    blocked = blocks(
        ctx.session, ctx.site.tokens, person.address, dict.fromkeys(row.newsletter_id for row in rows)
    )
    reason = next((block.reason for block in blocked.values()), None)
    return LastStop(tuple(row for row in rows if row.newsletter_id not in blocked), reason, newest)


def _stopped_by_link(ctx: TransactionContext, rows: Sequence[Signup]) -> list[Signup]:
    """Those that were confirmed until a link stopped them, by the evidence."""
    lines = ctx.session.exec(
        select(SignupChange)
        .where(
            col(SignupChange.newsletter_id).in_([row.newsletter_id for row in rows]),
            col(SignupChange.address_key).in_([row.address_key for row in rows]),
        )
        .order_by(col(SignupChange.id).desc())
    ).all()
    found = []
    for row in rows:
        mine = [
            line
            for line in lines
            if (line.newsletter_id, line.address_key, line.reader_id)
            == (row.newsletter_id, row.address_key, row.reader_id)
        ]
        match mine[:2]:
            case [stop, before] if stop.source in BY_LINK and before.to_state == SignupState.CONFIRMED:
                found.append(row)
    return found


def take_back(
    ctx: TransactionContext,
    person: Person,
    origin: Origin,
    among: Collection[str] | None = None,
    *,
    only_of: str | None = None,
) -> list[str]:
    """Undo the newest stop: put the person back on those lists. Returns their ids. Idempotent.

    `only_of`: the instant of the stop that the page showed, in ISO 8601; a second press then can't undo an earlier stop."""
    stop = last_stop(ctx, person, among, lock=True)
    if only_of is not None and (stop.at is None or stop.at.isoformat() != only_of):
        return []
    for row in stop.signups:
        settle(ctx, row, SignupState.CONFIRMED, origin)
    return sorted(stop.newsletter_ids)
