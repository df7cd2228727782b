"""What members of staff are mailed about, and when."""

from datetime import timedelta

from billing.rules.worded import WordedEnum


class AlertKind(WordedEnum):
    """A kind of alert; each member's `words` say it to staff."""

    DISPUTE_NEARS = "dispute_nears", "A bank waits for our answer, and its deadline is near"
    CASE_OPENED = "case_opened", "A case opens"
    REQUEST_WAITS = "request_waits", "A reader has waited a day for an answer"


BEFORE_DEADLINE = timedelta(days=3)
"""How long before the deadline of a dispute members are mailed."""
REQUEST_AGE = timedelta(days=1)
"""After how long a request that waits is mailed about."""
