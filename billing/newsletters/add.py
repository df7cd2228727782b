"""Adds a newsletter. Its words appear in subjects and headers, so each must be one visible line; the table checks it too."""

import re
from typing import Any

from sqlmodel import Session, func, select

from billing.newsletters.models import Audience, Newsletter, NewsletterKind
from billing.platform.errors import Conflict, Invalid
from emails import is_control

ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
LONGEST = {"name": 60, "description": 300, "rhythm": 60}


class BadNewsletter(Invalid):
    """A newsletter's words are one line each."""

    code = "bad_newsletter"


class NewsletterExists(Conflict):
    """There is a newsletter by that id already."""

    code = "newsletter_exists"


def add(
    session: Session,
    newsletter_id: str,
    *,
    name: str,
    description: str,
    rhythm: str,
    audience: Audience = Audience.EVERYONE,
    kind: NewsletterKind = NewsletterKind.EDITORIAL,
) -> Newsletter:
    """Add a newsletter at the end of the page, with an empty list. Raises BadNewsletter, NewsletterExists."""
    if not ID.fullmatch(newsletter_id):
        raise BadNewsletter(
            "The id of a newsletter is a word for addresses: small letters, digits and hyphens, such as first-light."
        )
    texts: dict[str, Any] = {
        "name": name.strip(),
        "description": description.strip(),
        "rhythm": rhythm.strip(),
    }
    for what, text in texts.items():
        if not text or len(text) > LONGEST[what] or any(map(is_control, text)):
            raise BadNewsletter(
                f"The {what} of a newsletter is one line of up to {LONGEST[what]} characters, without control characters."
            )
    if session.get(Newsletter, newsletter_id) is not None:
        raise NewsletterExists
    last = session.exec(select(func.max(Newsletter.position))).one()
    position = 0 if last is None else last + 1
    made = Newsletter(id=newsletter_id, **texts, audience=audience, kind=kind, position=position)
    session.add(made)
    session.flush()
    return made
