"""Alarms that a simulation must raise, and that are no breach.

Some addresses accept no mail. The doctor reports each notice to them every night until the notice expires. Each extension of their
trials, and the end, opens a case."""

import sqlalchemy as sa
from sqlmodel import Session

_PROMISE = "notices-are-accepted"
_UNREACHABLE = "email LIKE 'unreachable-%'"
EXPECTED_CASES = f"""SELECT '{_PROMISE}:' || id FROM reader WHERE {_UNREACHABLE}
                     UNION ALL SELECT c.subject FROM staff_case c JOIN reader r ON r.id = c.reader_id
                     WHERE c.kind = 'unreachable' AND r.{_UNREACHABLE}"""  # noqa: S608
"""A query for the subjects of these cases."""
VISITS = f"""SELECT v.at, v.found - (SELECT count(DISTINCT m.reader_id) FROM message m JOIN reader r ON r.id = m.reader_id
                                     WHERE r.{_UNREACHABLE} AND m.kind = 'trial_notice' AND m.state = 'refused'
                                       AND m.created_at < v.at AND m.expires_at > v.at) AS unexpected
             FROM doctor_visit v ORDER BY v.at"""  # noqa: S608
"""A query for the doctor's visits, each with the number of unexpected findings; negative if an expected one is missing."""


def expected(session: Session) -> set[str]:
    """The subjects of the cases that the doctor may open."""
    return set(session.execute(sa.text(EXPECTED_CASES)).scalars())
