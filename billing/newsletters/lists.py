"""The paper's newsletters, and the questions about them that SQL answers."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.mail.suppressions import ALL, NEWSLETTERS, one_list
from billing.newsletters.models import Newsletter, NewsletterKind
from billing.platform.errors import NotFound
from billing.rules.access import READING
from billing.rules.features import NEWSLETTER

OPT_OUTS_GOOD_FOR = timedelta(days=31)

READER = "LEFT JOIN reader o ON o.id = s.reader_id LEFT JOIN reader f ON s.reader_id IS NULL AND lower(f.email) = s.address_key"
"""Whose signup `s` is: its owner `o`, or the reader `f` found by the address of one that has none."""
READER_ID = "coalesce(o.id, f.id)"
ADDRESS = "coalesce(o.email, s.address)"
ADDRESS_KEY = f"lower({ADDRESS})"

_NAMED = "(<plan>.features @> to_jsonb('<prefix>' || <newsletter>))".replace("<prefix>", NEWSLETTER)
_ENTITLED = (
    "(<subscribed> AND (NOT EXISTS (SELECT 1 FROM plan WHERE <any>)"
    " OR EXISTS (SELECT 1 FROM subscription held JOIN plan ON plan.id = held.plan_id WHERE held.reader_id = <reader>"
    " AND held.state IN (<reading>) AND (held.cancels_at IS NULL OR held.cancels_at > :at) AND <any>)"
    " OR EXISTS (SELECT 1 FROM complimentary_grant given WHERE given.reader_id = <reader> AND given.given_at <= :at"
    " AND given.until > :at AND <given>)))"
)
_SUBSCRIBED = (
    "(EXISTS (SELECT 1 FROM subscription WHERE reader_id = <reader> AND state IN (<reading>)"
    " AND (cancels_at IS NULL OR cancels_at > :at))"
    " OR EXISTS (SELECT 1 FROM complimentary_grant WHERE reader_id = <reader> AND given_at <= :at AND until > :at))"
)
_STATES = ", ".join(f"'{state}'" for state in sorted(READING))


class UnknownNewsletter(NotFound):
    """There is no newsletter by that name."""

    code = "unknown_newsletter"


def newsletters(session: Session) -> list[Newsletter]:
    """All of them, in the order of the page."""
    return list(session.exec(select(Newsletter).order_by(col(Newsletter.position), col(Newsletter.id))))


def newsletter(session: Session, newsletter_id: str) -> Newsletter:
    """Raises UnknownNewsletter."""
    found = session.get(Newsletter, newsletter_id)
    if found is None:
        raise UnknownNewsletter
    return found


def unchecked(list_: Newsletter, at: datetime) -> str | None:
    """Why nothing may be sent to a list: direct marketing goes only to one compared with the national register within a month (C4)."""
    checked = list_.opt_outs_checked_at
    if list_.kind is not NewsletterKind.PROMOTIONAL or (checked and at - checked <= OPT_OUTS_GOOD_FOR):
        return None
    return (
        f"{list_.name} is promotional, and its list hasn't been compared with the opt-out register within"
        f" {OPT_OUTS_GOOD_FOR.days} days (billing newsletters compare)."
    )


def scopes(newsletter_id: str) -> list[str]:
    """The suppressions that keep this newsletter from an address."""
    return [ALL, NEWSLETTERS, one_list(newsletter_id)]


def subscribed(reader_id: str) -> str:
    """A condition in SQL, that the reader (an expression) reads as a subscriber at `:at`: what `access.entitlements` decides one by one."""
    return _SUBSCRIBED.replace("<reading>", _STATES).replace("<reader>", reader_id)


def entitled(reader_id: str, newsletter_id: str) -> str:
    """A condition in SQL, that the reader may have this newsletter for subscribers at `:at` (both are expressions).

    Where plans name it as a feature, whoever holds such a plan may, or complimentary days that include it; where none
    does, every subscriber."""
    condition = _ENTITLED.replace("<subscribed>", _SUBSCRIBED)
    condition = condition.replace("<any>", _NAMED.replace("<plan>", "plan")).replace(
        "<given>", _NAMED.replace("<plan>", "given")
    )
    condition = condition.replace("<reading>", _STATES).replace("<reader>", reader_id)
    return condition.replace("<newsletter>", newsletter_id)
