"""Decisions in words: facts about a reader and an article, each with its instant, and the result of each ground."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlmodel import col, select

from billing.access.entitlements import Entitlements
from billing.access.models import ArticleVersion, Grant, PublicWindow, Scope
from billing.access.policies import Stated
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.readers.models import Reader
from billing.rules.access import Decision, Entitlement, Facts, Ground, Reason, strongest
from billing.subscriptions.models import Subscription, SubscriptionChange

MOST_LINES = 30
"""The newest lines of a subscription's history."""
LEVELS = {
    "free": "free for everyone",
    "registered": "free for whoever is signed in",
    "metered": "a metered article",
    "subscriber": "for subscribers",
}
_HELD = {
    Reason.TRIAL: "your free trial is running",
    Reason.SUBSCRIPTION: "you have a subscription",
    Reason.GRACE: "your subscription goes on while a payment is sorted out",
    Reason.COMPLIMENTARY: "everything is open to you, with our compliments",
    Reason.GIFT: "a subscriber gave you this article",
}
_GROUNDS = {
    Reason.FREE: ("It is free for everyone", "It is not free for everyone"),
    Reason.OPEN: ("An editor has it open to everyone", "No editor has it open to everyone"),
    Reason.TRIAL: ("The free trial opens it", "The free trial is over"),
    Reason.SUBSCRIPTION: ("The subscription opens it", "No subscription opens it now"),
    Reason.GRACE: ("The grace after a failed payment opens it", "The grace is over"),
    Reason.COMPLIMENTARY: ("Complimentary days open it", "The complimentary days are over"),
    Reason.GIFT: ("A gift opens it", "The gift is over"),
    Reason.REGISTERED: ("Being registered opens it", "Only who is registered may read it"),
    Reason.METER: ("The meter lets in", "The meter lets nothing more in this month"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in words: since when, who did it, and why; for a ground, whether it held."""

    what: str
    at: datetime | None = None
    by: str = ""
    reason: str = ""
    holds: bool | None = None

    @classmethod
    def of_ground(cls, site: Site, ground: Ground) -> Self:
        """The result of a ground."""
        words = _GROUNDS[ground.reason][0 if ground.holds else 1]
        until = f", until {site.moment(ground.until)}" if ground.holds and ground.until else ""
        return cls(f"{words}{until}", holds=ground.holds)


def in_words(site: Site, entitlements: Entitlements, at: datetime) -> str:
    """What the reader is entitled to at the instant, in one sentence for the reader."""
    held = strongest(entitlements.held, at)
    if held is None and (paused := _paused(site, entitlements.held)):
        return f"{paused[:1].upper()}{paused[1:]}."
    if held is None:
        return (
            "You have a free account: free articles are open to you, and some metered ones each month."
            if entitlements.registered
            else "You were not registered with us."
        )
    words = _HELD[held.reason]
    return f"{words[:1].upper()}{words[1:]}{_through(site, held)}."


def facts_of_reader(ctx: TransactionContext, reader: Reader) -> tuple[Fact, ...]:
    """The account, the subscriptions' histories and the grants as known at the context's instant, oldest first."""
    if reader.created_at > ctx.at:
        return (Fact("Not registered yet", holds=False),)
    found = [Fact("Registered", reader.created_at)]
    changes = ctx.session.exec(
        select(SubscriptionChange)
        .join(Subscription, col(Subscription.id) == SubscriptionChange.subscription_id)
        .where(Subscription.reader_id == reader.id, SubscriptionChange.at <= ctx.at)
        .order_by(col(SubscriptionChange.id).desc())
        .limit(MOST_LINES)
    )
    # Oldest first already: the sort below is stable, so changes of one instant stay in order.
    found += [_change(ctx.site, row) for row in reversed(changes.all())]
    given = ctx.session.exec(
        select(Grant).where(Grant.reader_id == reader.id, Grant.given_at <= ctx.at).order_by(col(Grant.id))
    )
    found += [
        _by_staff(f"Complimentary days were given, until {ctx.site.moment(row.until)}", row.given_at, row)
        for row in given
    ]
    return tuple(sorted(found, key=lambda fact: fact.at or reader.created_at))


def facts_of_article(
    site: Site, version: ArticleVersion, stated: Stated, opened: Sequence[PublicWindow]
) -> tuple[Fact, ...]:
    """The article's policy and its public windows as known at the instant."""
    level = LEVELS[stated.policy.level.value]
    words = {
        "article": f"The article is {level}",
        "section": f"The section {version.section} is {level}, and the article says nothing else",
        "nobody": f"Neither the article nor its section {version.section} says what it asks, so it is {level}",
    }[stated.by]
    found = [Fact(words, version.at, version.by)]
    for span in stated.policy.free:
        ends = f"until {site.moment(span.end)}" if span.end else "for good"
        begins = f"from {site.moment(span.start)} " if span.start else ""
        found.append(Fact(f"It is free for everyone {begins}{ends}"))
    what = {Scope.ARTICLE: "the article", Scope.SECTION: "the whole section", Scope.SITE: "the whole site"}
    found += [
        _by_staff(f"An editor opened {what[row.scope]} until {site.moment(row.until)}", row.opened_at, row)
        for row in opened
    ]
    return tuple(found)


def _by_staff(what: str, at: datetime, row: Grant | PublicWindow) -> Fact:
    return Fact(what, at, row.by, row.reason)


def _change(site: Site, row: SubscriptionChange) -> Fact:
    words = row.event.value.replace("_", " ") if row.event else "started"
    ends = [
        f"{name.replace('_', ' ')} {site.moment(datetime.fromisoformat(row.facts[name][1]))}"
        for name in ("access_until", "cancels_at")
        if name in row.facts and row.facts[name][1]
    ]
    return Fact(
        f"Subscription: {', '.join([words, *ends])}; from then on {row.to_state}", row.at, row.by, row.reason
    )


def _through(site: Site, held: Entitlement) -> str:
    if held.until is None or (held.renews and held.reason is not Reason.TRIAL):
        return ""
    return f", through {site.last_day(held.until):%A %-d %B %Y}"


def _paused(site: Site, held: Sequence[Entitlement]) -> str | None:
    day = next((site.today(ahead.until) for ahead in held if ahead.ahead and ahead.until), None)
    return f"your subscription is paused until {day:%A %-d %B %Y}" if day else None


def sentence(site: Site, decision: Decision, facts: Facts) -> str:
    """A decision, for the reader, in one sentence."""
    meter, without = facts.meter, _paused(site, facts.held) or "you have no subscription"
    match decision.reason:
        case Reason.FREE:
            return "This article is free for everyone."
        case Reason.OPEN:
            return "This article is open to everyone, in the public interest."
        case Reason.REGISTERED:
            return "You can read this article because you are registered."
        case Reason.METER if meter is not None:
            used = f"{meter.used} of {meter.limit} are used"
            return f"You can read this article as one of your free ones this month: {used}."
        case Reason.METER_USED if meter is not None:
            return f"All {meter.limit} of your free articles of this month are read, and {without}."
        case Reason.REGISTER:
            return "This article is for registered readers. Registering is free."
        case Reason.SUBSCRIBE | Reason.METER_USED | Reason.METER:
            return f"This article is for subscribers, and {without}."
        case reason:
            held = next(one for one in facts.held if one.reason is reason)
            return f"You can read this article because {_HELD[reason]}{_through(site, held)}."
