"""The reasons of refunds as readers see them: ours are in their language, and what staff typed stays as it is."""

import re

from emails.languages import Text, named, say


def withdrawn(days: int) -> Text:
    """The reason of the first charge's refund after a withdrawal within so many days of it."""
    return say(
        "You withdrew within %(days)s days of your first payment, so it is returned in full.", days=days
    )


_WITHDRAWN = re.compile(re.escape(withdrawn(0)).replace("0", r"(\d+)"))


def in_words(reason: str) -> Text:
    """A stored reason for its reader. Where a program gives one, it is `named("refund reason", ...)` there."""
    found = _WITHDRAWN.fullmatch(reason)
    return withdrawn(int(found[1])) if found else named("refund reason", reason)
