"""Takes back waiting mails that have become untrue. Each mail's class says in SQL when it is true (`emails.Mail.true_while`).

The condition is checked in the transaction that changes what a mail says (`take_back`), once more right before the mail is sent
(`deliver`), and each night by the doctor."""

# ruff: noqa: S608 - the conditions are constants of the mails' classes

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from emails import MAILS


def holds() -> str:
    """A condition in SQL: the mail `m` is still true. One without `about` counts as true."""
    return _holds(tuple((mail.kind, mail.true_while) for mail in MAILS.values()))


@cache
def _holds(conditions: tuple[tuple[str, str], ...]) -> str:
    cases = " ".join(f"WHEN '{kind}' THEN ({condition})" for kind, condition in conditions)
    return f"(m.about IS NULL OR CASE m.kind {cases} END)"


@cache
def _take_back(condition: str) -> sa.TextClause:
    return sa.text(
        f"""UPDATE message m SET state = 'obsolete', claimed_by = NULL
            WHERE m.state = 'queued' AND m.about = ANY(CAST(:about AS text[])) AND NOT {condition}
            RETURNING m.about, m.kind, m.fields->>'which'"""
    )


_REPLACE = sa.text(
    """UPDATE message m SET state = 'obsolete', claimed_by = NULL FROM message n
       WHERE n.id = ANY(CAST(:newer AS text[])) AND m.state = 'queued' AND m.about = n.about AND m.kind = n.kind AND m.id <> n.id"""
)
_FREE_KEYS = sa.text(
    "UPDATE message SET key = key || '~' || id WHERE key = ANY(CAST(:keys AS text[])) AND state = 'obsolete'"
)


class ObsoleteMail(NamedTuple):
    """A mail that will not be sent: what it was about, its kind, and which of two notices it was."""

    about: str
    kind: str
    which: str | None


def take_back(session: Session, about: Collection[str]) -> list[ObsoleteMail]:
    """Take back the waiting mails about these ids that the session's changes make untrue. A worker may be sending one already;
    if the relay accepts it, it counts as accepted."""
    if not about:
        return []
    session.flush()  # the conditions read the tables, not the session
    return [ObsoleteMail(*row) for row in session.execute(_take_back(holds()), {"about": list(about)})]


def replace_older(session: Session, newer: Collection[str]) -> None:
    """Take back the waiting mails that these new ones, which are `only_newest`, replace."""
    if newer:
        session.execute(_REPLACE, {"newer": list(newer)})


def free_keys(session: Session, keys: Collection[str]) -> None:
    """Free the keys of mails that were taken back, so that their facts can be queued again."""
    if keys:
        session.execute(_FREE_KEYS, {"keys": list(keys)})
