"""Queues the mail that welcomes a person whose newsletters were just confirmed: what comes and when, and what to read meanwhile."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import col, select

from billing.access.articles import newest
from billing.access.check import AccessRequest, MeterLimits, check_all
from billing.access.entitlements import entitlements_of
from billing.mail import suppressions
from billing.mail.outbox import NewMessage, queue
from billing.newsletters.links import PREFERENCES, UNSUBSCRIBE, stopping
from billing.newsletters.lists import newsletter
from billing.newsletters.models import Audience, Signup, SignupChange, SignupState
from billing.newsletters.notices import ArticleToRead, NewsletterWelcomeMail, WelcomedNewsletter
from billing.newsletters.signups import person_of
from billing.platform.context import TransactionContext
from billing.platform.tokens import place

ONCE_IN = timedelta(days=30)
"""A newsletter is welcomed once in this time, however often it is stopped and confirmed."""
GOOD_FOR = timedelta(days=1)
"""Afterwards it is no welcome any more, and isn't sent."""
LOOKED_AT, SHOWN = 20, 3
"""How many of the newest articles are considered, and how many are shown."""


def not_welcomed_lately(ctx: TransactionContext, rows: Sequence[Signup]) -> list[Signup]:
    """Those of these signups, about to be confirmed, whose address didn't confirm the same newsletter within `ONCE_IN`."""
    lately = set(
        ctx.session.exec(
            select(SignupChange.newsletter_id, SignupChange.address_key).where(
                col(SignupChange.address_key).in_([row.address_key for row in rows]),
                SignupChange.to_state == SignupState.CONFIRMED.value,
                SignupChange.at > ctx.at - ONCE_IN,
            )
        )
    )
    return [row for row in rows if (row.newsletter_id, row.address_key) not in lately]


def welcome(ctx: TransactionContext, rows: Sequence[Signup]) -> None:
    """Queue one mail for these confirmed signups of one person, unless nothing may be sent to the address."""
    if not rows:
        return
    first = rows[0]
    person = person_of(ctx.session, first)
    if suppressions.is_suppressed(ctx, person.address, [suppressions.ALL, suppressions.NEWSLETTERS]):
        return
    lists = [newsletter(ctx.session, row.newsletter_id) for row in rows]
    stops_all = stopping(row.id for row in rows)
    mail = NewsletterWelcomeMail(
        choose_url=ctx.site.page(f"/newsletters/mine/{place(PREFERENCES, first.id)}"),
        unsubscribe_url=ctx.site.page(f"/u/{place(UNSUBSCRIBE, stops_all)}"),
        newsletters=tuple(
            WelcomedNewsletter(list_.name, list_.rhythm, list_.audience is Audience.SUBSCRIBERS)
            for list_ in lists
        ),
        articles=_open_articles(ctx, person.reader_id),
    )
    key = f"newsletter-welcome:{first.id}:{ctx.at.isoformat()}"
    queue(
        ctx.session,
        NewMessage(mail, key, person.address, person.reader_id, ctx.at + GOOD_FOR, first.id, ctx.language),
        ctx.at,
    )


def _open_articles(ctx: TransactionContext, reader_id: str | None) -> tuple[ArticleToRead, ...]:
    """The newest articles that this person may read without a meter or a gift."""
    found = [article for article in newest(ctx.session, LOOKED_AT) if article.published_at <= ctx.at]
    request = AccessRequest(entitlements_of(ctx, reader_id), counts=False)
    results = check_all(ctx, MeterLimits(0, 0), [(article.id, request) for article in found])
    is_open = [result is not None and result.decision.allowed for result in results]
    readable = [article for article, allowed in zip(found, is_open, strict=True) if allowed]
    return tuple(ArticleToRead(one.title, one.url) for one in readable[:SHOWN])
