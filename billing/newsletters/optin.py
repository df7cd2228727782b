"""Double opt-in (C5): a mail asks the address to confirm within a week what was ticked for it."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail import suppressions
from billing.newsletters import welcome
from billing.newsletters.lists import require_published, retired, scopes
from billing.newsletters.models import Signup, SignupState
from billing.newsletters.notices import LIFE, PURPOSE, confirm_signup, confirm_signup_key
from billing.newsletters.signups import Origin, Person, ask_for, choices, join, known, rows_of, settle
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import Database, span
from billing.platform.errors import Refusal, TooMany
from billing.readers import rate
from billing.readers.register import by_address, clean_address

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CROWDED = {HOUR: 1000, DAY: 10_000}
"""Confirmation mails in all, above which they are delayed: a flood would harm the reputation of all our mail."""
LONGEST_DELAY = timedelta(minutes=30)


class AskSpent(Refusal):
    """This link has been used, or a newer mail replaced it, or it is older than a week. If you pressed its button before, all is done."""

    status = 410
    code = "ask_spent"


def ask(
    ctx: TransactionContext,
    email: str,
    wanted: Iterable[str],
    origin: Origin,
    renewed: Collection[str] = (),
) -> None:
    """Mail the question, unless the address is on those lists; callers can't tell. If it was asked lately, the open question takes
    them up: the button of that mail confirms all.

    A mailbox is asked once an hour and three times a day. A network, which many readers of one mobile operator share, may ask ten
    times an hour and thirty a day. `CROWDED` delays mails in all (see `_crowd_delay`). `renewed`: see `ask_for`.
    Raises BadAddress, TooMany, RetiredNewsletter."""
    address, wanted = clean_address(email), list(wanted)
    # whatever the address is on already: the answer must not say
    require_published(retired(ctx.session, wanted))
    delay = _crowd_delay(ctx)
    hourly = 1 if delay else 10
    rate.count_network(ctx, "signup-from", origin.ip, limit=hourly, per=HOUR)
    rate.count_network(ctx, "signup-from-day", origin.ip, limit=30, per=DAY)
    reader = by_address(ctx.session, address)
    person = Person.of(reader) if reader else Person(address)
    names = known(ctx.session, wanted)
    if set(names) <= choices(ctx.session, person) - set(renewed):
        return  # before it counts: no mail is sent, and the next question mustn't be lost for it
    try:
        rate.count_mailbox(ctx, "signup", address, limit=1, per=HOUR)
        rate.count_mailbox(ctx, "signup-day", address, limit=3, per=DAY)
    except TooMany:
        _add_to_open_question(ctx, person, names, origin, renewed)
        return
    for per in CROWDED:
        rate.add(ctx, "signups", str(per), per=per)
    ask_id = ids.new("ask", ctx.at)
    asked = ask_for(ctx, person, names, ask_id, origin, renewed)
    if asked:
        confirm_signup(ctx, person, asked, ask_id, delay=delay)


def _add_to_open_question(
    ctx: TransactionContext, person: Person, names: list[str], origin: Origin, renewed: Collection[str]
) -> None:
    """Have the newest open question's mail confirm these newsletters too. What is pending stays as it was asked."""
    pending = [row for row in rows_of(ctx.session, person) if row.ask_id is not None]
    if pending:
        newest = max(pending, key=lambda row: (row.asked_at, row.id))
        new = set(names) - {row.newsletter_id for row in pending}
        ask_for(ctx, person, [name for name in names if name in new], str(newest.ask_id), origin, renewed)


def _crowd_delay(ctx: TransactionContext) -> timedelta:
    """The time that the excess over `CROWDED` takes at the pace of an ordinary hour, half an hour at most.

    During an excess a network may ask once an hour only, so a flood from a few doesn't close the page to others."""
    over = max(rate.counted(ctx, "signups", str(per), per=per) - most for per, most in CROWDED.items())
    # one more than counted: the mail about to be queued counts too
    return min(HOUR * (max(over + 1, 0) / CROWDED[HOUR]), LONGEST_DELAY)


def asked_by(ctx: TransactionContext, token: str) -> list[Signup]:
    """The signups that this token confirms, locked. Raises AskSpent."""
    ask_id = ctx.site.tokens.subject_of(PURPOSE, token)
    if ask_id is None:
        raise AskSpent
    rows = ctx.session.exec(
        select(Signup).where(Signup.ask_id == ask_id).order_by(col(Signup.newsletter_id)).with_for_update()
    ).all()
    if not rows or any(row.asked_at + LIFE <= ctx.at for row in rows):
        raise AskSpent
    return list(rows)


def confirm(ctx: TransactionContext, token: str, origin: Origin) -> list[str]:
    """Confirm: put the address on the lists and lift its newsletter suppressions (B6). One mail welcomes. Returns their ids.

    Newsletters retired meanwhile are left out: they stay unconfirmed, and are forgotten. Raises AskSpent; RetiredNewsletter where
    none is left."""
    asked = asked_by(ctx, token)
    gone = {list_.id: list_ for list_ in retired(ctx.session, [row.newsletter_id for row in asked])}
    rows = [row for row in asked if row.newsletter_id not in gone]
    if not rows:
        require_published(gone.values())
    new = welcome.not_welcomed_lately(ctx, rows)  # before `settle`, which adds the evidence that it looks for
    for row in rows:
        suppressions.lift(
            ctx,
            row.address,
            scopes=[scope for scope in scopes(row.newsletter_id) if scope != suppressions.ALL],
            by=f"signup:{row.id}",
        )
        settle(ctx, row, SignupState.CONFIRMED, origin, confirm_signup_key(str(row.ask_id)))
    welcome.welcome(ctx, new)
    return [row.newsletter_id for row in rows]


def join_or_ask(
    ctx: TransactionContext, person: Person, wanted: Iterable[str], origin: Origin, *, email_verified: bool
) -> bool:
    """Join at once if the address is verified and not suppressed; otherwise ask first. Returns whether a mail was needed.
    Raises RetiredNewsletter, TooMany."""
    wanted = known(ctx.session, wanted)
    blocked = [
        name
        for name in wanted
        if not email_verified or suppressions.is_suppressed(ctx, person.address, scopes(name))
    ]
    join(ctx, person, [name for name in wanted if name not in blocked], origin)
    if blocked:
        ask(ctx, person.address, blocked, origin, blocked if email_verified else ())
    return bool(blocked)


def delete_unconfirmed(database: Database, at: datetime) -> int:
    """Delete signups not confirmed within a week, and their mails: we keep no strangers' addresses (C5)."""
    expired = "DELETE FROM signup WHERE state = 'pending' AND asked_at <= :before RETURNING ask_id"
    with database.transaction() as session:
        keys = [confirm_signup_key(id_) for id_ in session.scalars(sa.text(expired), {"before": at - LIFE})]
        session.execute(sa.text("DELETE FROM message WHERE key = ANY(:keys)"), {"keys": keys})
    return len(keys)


NEXT_DUE = f"SELECT min(asked_at) + {span(LIFE)} FROM signup WHERE state = 'pending'"  # noqa: S608
"""When the oldest unconfirmed signup is due for deletion (see `timetable.Job`)."""


def next_words(_session: Session) -> str:
    """The next deletion, in words."""
    return "a newsletter sign-up that nobody confirmed is forgotten"
