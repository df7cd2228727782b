"""Alarms that a simulated life must set off: some addresses take no mail, and the doctor says so of each notice to them, every
night until the notice's time is over; each extension for it, and the end, has a case. Those are no breach here."""

import sqlalchemy as sa
from sqlmodel import Session

_PROMISE = "notices-are-accepted"
_DEAF = "email LIKE 'deaf-%'"
EXPECTED_CASES = f"""SELECT '{_PROMISE}:' || id FROM reader WHERE {_DEAF}
                     UNION ALL SELECT c.subject FROM staff_case c JOIN reader r ON r.id = c.reader_id
                     WHERE c.kind = 'unreachable' AND r.{_DEAF}"""  # noqa: S608
"""A query for the subjects of the cases that they open."""
VISITS = f"""SELECT v.at, v.found - (SELECT count(DISTINCT m.reader_id) FROM message m JOIN reader r ON r.id = m.reader_id
                                     WHERE r.{_DEAF} AND m.kind = 'trial_notice' AND m.state = 'refused'
                                       AND m.created_at < v.at AND m.expires_at > v.at) AS unexpected
             FROM doctor_visit v ORDER BY v.at"""  # noqa: S608
"""A query for the doctor's visits, each with how much more it found than these; less than nothing when one was missing."""


def expected(session: Session) -> set[str]:
    """What the doctor may find of them, as the subjects of their cases."""
    return set(session.execute(sa.text(EXPECTED_CASES)).scalars())
