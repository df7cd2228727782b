"""The links in each newsletter that work without signing in: unsubscribe and preferences (H3, C7).

A token names the signup, which is a person on a list. Links hold no address and never expire (H7)."""

from billing.newsletters.models import Newsletter, Signup, SignupState
from billing.newsletters.signups import Origin, Person, leave, person_of
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


def newsletter_of(ctx: TransactionContext, token: str) -> Newsletter | None:
    """The newsletter that an unsubscribe link ends; None for a test mail's, or if the signup is gone."""
    signup = _signup(ctx, UNSUBSCRIBE, token)
    return ctx.session.get_one(Newsletter, signup.newsletter_id) if signup else None


def is_genuine(site: Site, token: str) -> bool:
    """Whether we made this unsubscribe link."""
    return site.tokens.subject_of(UNSUBSCRIBE, token) is not None


def unsubscribe(ctx: TransactionContext, token: str, origin: Origin) -> None:
    """Take the person off the list. Idempotent (H7)."""
    signup = _signup(ctx, UNSUBSCRIBE, token)
    if signup is not None:
        leave(ctx, person_of(ctx.session, signup), [signup.newsletter_id], origin)


def stop_of(ctx: TransactionContext, token: str) -> LastStop:
    """The stop that an unsubscribe link can still take back."""
    signup = _signup(ctx, UNSUBSCRIBE, token)
    return last_stop(ctx, person_of(ctx.session, signup), signup.newsletter_id) if signup else LastStop()


def take_stop_back(ctx: TransactionContext, token: str, origin: Origin) -> None:
    """Put the person back on the list that the link stopped within the hour. Idempotent."""
    signup = _signup(ctx, UNSUBSCRIBE, token)
    if signup is not None:
        take_back(ctx, person_of(ctx.session, signup), origin, signup.newsletter_id)


def is_on_list(ctx: TransactionContext, token: str) -> bool:
    """Whether the unsubscribe link's signup is confirmed."""
    signup = _signup(ctx, UNSUBSCRIBE, token)
    return signup is not None and signup.state is SignupState.CONFIRMED


def person_with(ctx: TransactionContext, token: str) -> Person | None:
    """The person whose preferences the link shows; None if it is damaged or the signup is gone."""
    signup = _signup(ctx, PREFERENCES, token)
    return person_of(ctx.session, signup) if signup else None


def _signup(ctx: TransactionContext, purpose: str, token: str) -> Signup | None:
    subject = ctx.site.tokens.subject_of(purpose, token)
    return ctx.session.get(Signup, subject) if subject else None
