"""The links in each newsletter that work without signing in: unsubscribe and preferences (H3, C7).

A token names the signup, that is a person and a list. Links hold no address and never expire (H7)."""

from datetime import datetime

from sqlmodel import Session

from billing.newsletters.models import Newsletter, Signup
from billing.newsletters.signups import Origin, Person, leave, person_of
from billing.platform.site import Office

UNSUBSCRIBE = "unsubscribe"
PREFERENCES = "newsletter-preferences"
TEST = "test"
"""The signup of a test mail, whose links work and change nothing."""


def unsubscribe_url(office: Office, signup_id: str) -> str:
    """The link that ends one newsletter with one click (RFC 8058)."""
    return office.page(f"/u/{office.tokens.token(UNSUBSCRIBE, signup_id)}")


def preferences_url(office: Office, signup_id: str) -> str:
    """The link to the page with all newsletters."""
    return office.page(f"/newsletters/mine/{office.tokens.token(PREFERENCES, signup_id)}")


def newsletter_of(session: Session, office: Office, token: str) -> Newsletter | None:
    """The newsletter that an unsubscribe link ends; None for a test mail's, or if the signup is gone."""
    signup = _signup(session, office, UNSUBSCRIBE, token)
    return session.get_one(Newsletter, signup.newsletter_id) if signup else None


def is_genuine(office: Office, token: str) -> bool:
    """Whether we made this unsubscribe link."""
    return office.tokens.subject_of(UNSUBSCRIBE, token) is not None


def unsubscribe(session: Session, office: Office, token: str, at: datetime, origin: Origin) -> None:
    """Take the person off the list. Idempotent (H7)."""
    signup = _signup(session, office, UNSUBSCRIBE, token)
    if signup is not None:
        leave(session, person_of(session, signup), [signup.newsletter_id], at, origin)


def person_with(session: Session, office: Office, token: str) -> Person | None:
    """The person whose preferences the link shows; None if it is damaged or the signup is gone."""
    signup = _signup(session, office, PREFERENCES, token)
    return person_of(session, signup) if signup else None


def _signup(session: Session, office: Office, purpose: str, token: str) -> Signup | None:
    subject = office.tokens.subject_of(purpose, token)
    return session.get(Signup, subject) if subject else None
