"""Adds newsletters, and edits their words. These appear in subjects and headers, so each must be one visible line; the table checks it too.

The id, the audience and the kind stay as they were added: addresses, headers and features of plans hold the id, and readers agreed
to a newsletter of that kind (C4, C6). For another kind, add another newsletter and retire this one. A new name changes no evidence:
each consent keeps the words that it was given to."""

import re
from typing import Any

from sqlmodel import Session, func, select

from billing.newsletters.lists import newsletter
from billing.newsletters.models import Audience, Newsletter, NewsletterKind
from billing.platform.db import lock_names
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


class WordsUnchanged(Conflict):
    """The newsletter has these words already."""

    code = "words_unchanged"


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
    texts = _cleaned(name=name, description=description, rhythm=rhythm)
    lock_names(session, "newsletters")  # two at once would get one position, or one id
    if session.get(Newsletter, newsletter_id) is not None:
        raise NewsletterExists
    last = session.exec(select(func.max(Newsletter.position))).one()
    position = 0 if last is None else last + 1
    made = Newsletter(id=newsletter_id, **texts, audience=audience, kind=kind, position=position)
    session.add(made)
    session.flush()
    return made


def edit(
    session: Session,
    newsletter_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    rhythm: str | None = None,
) -> Newsletter:
    """Change words of a newsletter; those not given stay. Raises UnknownNewsletter, BadNewsletter, WordsUnchanged."""
    given = {"name": name, "description": description, "rhythm": rhythm}
    texts = _cleaned(**{what: text for what, text in given.items() if text is not None})
    list_ = newsletter(session, newsletter_id, lock=True)
    if all(getattr(list_, what) == text for what, text in texts.items()):
        raise WordsUnchanged
    list_.sqlmodel_update(texts)
    session.flush()
    return list_


def _cleaned(**texts: str) -> dict[str, Any]:
    cleaned = {what: text.strip() for what, text in texts.items()}
    for what, text in cleaned.items():
        if not text or len(text) > LONGEST[what] or any(map(is_control, text)):
            raise BadNewsletter(
                f"The {what} of a newsletter is one line of up to {LONGEST[what]} characters, without control characters."
            )
    return cleaned
