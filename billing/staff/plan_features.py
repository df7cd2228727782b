"""What plans may open besides reading, in words, for the page that ticks it."""

from sqlmodel import Session

from billing.newsletters.lists import newsletters
from billing.newsletters.models import Audience, Newsletter
from billing.rules.access import READ
from billing.rules.features import NAMED, WORDS, newsletter_feature
from billing.subscriptions import find


def on_offer(session: Session) -> tuple[tuple[str, str], ...]:
    """Each feature as (code, words): the named ones, newsletters for subscribers, and what a plan opens already."""
    words = {code: WORDS[code] for code in NAMED if code != READ}
    opened = {code for plan in find.plans(session) for code in plan.features}
    for row in newsletters(session):
        code = newsletter_feature(row.id)
        if code in opened or (row.audience is Audience.SUBSCRIBERS and row.retired_at is None):
            words[code] = _of_newsletter(row)
    for code in sorted(opened - words.keys()):
        words[code] = code.replace(":", " ")
    return tuple(words.items())


def _of_newsletter(row: Newsletter) -> str:
    return f"the newsletter {row.name}{', which is retired' if row.retired_at else ''}"
