"""The links in each newsletter that work without signing in: unsubscribe and preferences (H3, C7).

A token names the signup, which is a person on a list, or the signups that one mail is about. Links hold no address and never expire (H7)."""

from collections.abc import Iterable

from billing.newsletters.models import Newsletter, Signup
from billing.newsletters.signups import Origin, Person, choices, leave, person_of
from billing.newsletters.undo import LastStop, last_stop, take_back
from billing.platform.context import TransactionContext
from billing.platform.site import Site

UNSUBSCRIBE = "unsubscribe"
PREFERENCES = "newsletter-preferences"
TEST = "test"
"""The signup of a test mail, whose links work but change nothing."""


def unsubscribe_url(site: Site, signup_id: str) -> str:
    """The link that ends one newsletter with one click (RFC 8058)."""
    return site.page(f"/u/{site.tokens.token(UNSUBSCRIBE, signup_id)}")


def preferences_url(site: Site, signup_id: str) -> str:
    """The link to the page with all newsletters."""
    return site.page(f"/newsletters/mine/{site.tokens.token(PREFERENCES, signup_id)}")


def stopping(signup_ids: Iterable[str]) -> str:
    """The subject of one unsubscribe link for several signups of a person."""
    return ":".join(signup_ids)


def newsletters_of(ctx: TransactionContext, token: str) -> list[Newsletter]:
    """The newsletters that an unsubscribe link ends; none for a test mail's, or if the signups are gone."""
    return [ctx.session.get_one(Newsletter, row.newsletter_id) for row in _signups(ctx, UNSUBSCRIBE, token)]


def is_genuine(site: Site, token: str) -> bool:
    """Whether we made this unsubscribe link."""
    return site.tokens.subject_of(UNSUBSCRIBE, token) is not None


def unsubscribe(ctx: TransactionContext, token: str, origin: Origin) -> None:
    """Take the person off these lists. Idempotent (H7)."""
    if rows := _signups(ctx, UNSUBSCRIBE, token):
        leave(ctx, person_of(ctx.session, rows[0]), _lists(rows), origin)


def stop_of(ctx: TransactionContext, token: str) -> LastStop:
    """The stop that an unsubscribe link can still take back."""
    rows = _signups(ctx, UNSUBSCRIBE, token)
    return last_stop(ctx, person_of(ctx.session, rows[0]), _lists(rows)) if rows else LastStop()


def take_stop_back(ctx: TransactionContext, token: str, origin: Origin) -> None:
    """Put the person back on the lists that the link stopped within the hour. Idempotent."""
    if rows := _signups(ctx, UNSUBSCRIBE, token):
        take_back(ctx, person_of(ctx.session, rows[0]), origin, _lists(rows))


def is_on_list(ctx: TransactionContext, token: str) -> bool:
    """Whether the person gets all newsletters of the unsubscribe link."""
    rows = _signups(ctx, UNSUBSCRIBE, token)
    return bool(rows) and choices(ctx.session, person_of(ctx.session, rows[0])).issuperset(_lists(rows))


def person_with(ctx: TransactionContext, token: str) -> Person | None:
    """The person whose preferences the link shows; None if it is damaged or the signup is gone."""
    rows = _signups(ctx, PREFERENCES, token)
    return person_of(ctx.session, rows[0]) if rows else None


def _signups(ctx: TransactionContext, purpose: str, token: str) -> list[Signup]:
    subject = ctx.site.tokens.subject_of(purpose, token) or ""
    found = (ctx.session.get(Signup, signup_id) for signup_id in subject.split(":") if signup_id)
    return [row for row in found if row is not None]


def _lists(rows: Iterable[Signup]) -> list[str]:
    return [row.newsletter_id for row in rows]
