"""Where this browser has had a sign-in link sent: the sent page names it, and sends another (the cookie `asked`)."""

import base64
import json
from datetime import datetime, timedelta
from typing import NamedTuple

from billing.http import cookies
from billing.readers import links
from billing.rules import address_hints
from billing.web.kit.visit import Visit
from billing.web.views.account import Mailed
from emails.languages import Text

PURPOSE = "asked"
AGAIN_AFTER = timedelta(seconds=60)
"""How long a mail may take before another one makes sense: a newer one ends the link of the older one."""


class RequestedLink(NamedTuple):
    """The address as it was typed, and when the link was mailed."""

    email: str
    at: datetime


def remember(visit: Visit, email: str) -> None:
    """Keep the address in a signed cookie as long as a link works: it stays out of addresses, histories and logs."""
    packed = json.dumps([email.strip(), visit.at.timestamp()])
    subject = base64.urlsafe_b64encode(packed.encode()).decode()
    visit.give(cookies.ASKED, visit.services.site.tokens.token(PURPOSE, subject), links.LIFE)


def asked_here(visit: Visit) -> RequestedLink | None:
    """What this browser asked for. Looks nothing up, so it is the same for known and unknown addresses."""
    subject = visit.services.site.tokens.subject_of(PURPOSE, visit.cookie(cookies.ASKED))
    if subject is None:
        return None
    email, seconds = json.loads(base64.urlsafe_b64decode(subject))
    return RequestedLink(email, datetime.fromtimestamp(seconds, visit.at.tzinfo))


def seconds_to_wait(visit: Visit, asked: RequestedLink) -> int:
    """How long until another mail may be asked for; 0 once it may."""
    return max(0, -(-(asked.at + AGAIN_AFTER - visit.at) // timedelta(seconds=1)))


def mailed(visit: Visit, *, again_error: Text | None = None) -> Mailed | None:
    """For the sent page; None where this browser has asked for nothing in the last ten minutes."""
    asked = asked_here(visit)
    if asked is None or visit.at > asked.at + links.LIFE:
        return None
    is_own = visit.proved_reader is not None
    return Mailed(
        to=asked.email,
        again_in=seconds_to_wait(visit, asked),
        suggested=None if is_own else address_hints.suggestion(asked.email),
        is_own=is_own,
        again_error=again_error,
    )
