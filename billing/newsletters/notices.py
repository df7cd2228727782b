"""The mail that asks an address to confirm the newsletters that were ticked for it, and the one that welcomes afterwards."""

from dataclasses import dataclass, field
from datetime import timedelta

from billing.mail.outbox import NewMessage, queue
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters.blocks import WHY, blocks
from billing.newsletters.models import Newsletter
from billing.newsletters.signups import Person
from billing.platform.context import TransactionContext
from billing.platform.tokens import place
from emails import Day, Mail, MailFacts, Url
from emails.languages import Text, named, say

PURPOSE = "confirm-signup"
LIFE = timedelta(days=7)
"""How long the link works."""


@dataclass(frozen=True)
class ConfirmSignupMail(Mail, true_while="EXISTS (SELECT FROM signup u WHERE u.ask_id = m.about)"):
    """Asks whether this address wants these newsletters; says nothing else (double opt-in). The link works for `days`.

    `blocked`: those of them that aren't sent to it, since `blocked_on`, because of `blocked_reason`. The button lifts that."""

    samples = {
        "": {},
        "blocked": {
            "blocked": Text("Karoo at Six", None, "newsletter"),
            "blocked_reason": WHY[SuppressionReason.REGISTER],
            "blocked_on": "2026-03-01",
        },
    }
    newsletters: Text
    url: Url
    days: int
    blocked: Text | None = None
    blocked_reason: Text | None = None
    blocked_on: Day | None = None


def confirm_signup_key(ask_id: str) -> str:
    """The key of the mail: one for each question."""
    return f"confirm-signup:{ask_id}"


def confirm_signup(
    ctx: TransactionContext, person: Person, asked: list[Newsletter], ask_id: str, *, delay: timedelta
) -> None:
    """Queue the question for these newsletters; it is sent after the `delay`."""
    blocked = blocks(ctx.session, ctx.site.tokens, person.address, [list_.id for list_ in asked])
    first = min(blocked.values(), key=lambda block: block.at, default=None)
    mail = ConfirmSignupMail(
        newsletters=in_a_row([list_.name for list_ in asked]),
        url=ctx.site.page(f"/newsletters/confirm/{place(PURPOSE, ask_id)}"),
        days=LIFE.days,
        blocked=in_a_row([list_.name for list_ in asked if list_.id in blocked]) if blocked else None,
        blocked_reason=WHY[first.reason] if first else None,
        blocked_on=ctx.site.today(first.at).isoformat() if first else None,
    )
    key, expires_at = confirm_signup_key(ask_id), ctx.at + LIFE
    message = NewMessage(mail, key, person.address, person.reader_id, expires_at, ask_id, ctx.language)
    queue(ctx.session, message, ctx.at + delay)


def in_a_row(names: list[str]) -> Text:
    """The names as a sentence has them: `A, B and C`."""
    *others, last = names
    if not others:
        return named("newsletter", last)
    return say("%(names)s and %(last)s", names=", ".join(others), last=last)


SAMPLE = {"newsletters": [{"name": "Karoo at Six", "rhythm": "Weekdays at six"}]}
SAMPLE_ARTICLES = [
    {"title": "The water nobody counted", "url": "https://swartbergpost.example/1"},
    {"title": "Who leases the wind", "url": "https://swartbergpost.example/2"},
]


@dataclass(frozen=True)
class WelcomedNewsletter(MailFacts):
    """A newsletter that comes from now on."""

    name: str
    rhythm: str
    for_subscribers: bool = False


@dataclass(frozen=True)
class ArticleToRead(MailFacts):
    """An article that is open to this person."""

    title: str
    url: Url


@dataclass(frozen=True)
class NewsletterWelcomeMail(
    Mail, true_while="EXISTS (SELECT FROM signup u WHERE u.id = m.about AND u.state = 'confirmed')"
):
    """Follows a confirmation. `unsubscribe_url` stops all of these with one click; `choose_url` is the page with every newsletter."""

    samples = {
        "": {**SAMPLE, "articles": SAMPLE_ARTICLES},
        "several": {
            "newsletters": [
                *SAMPLE["newsletters"],
                {"name": "The Weekend Table", "rhythm": "Saturdays", "for_subscribers": True},
            ],
        },
    }
    choose_url: Url
    unsubscribe_url: Url
    newsletters: tuple[WelcomedNewsletter, ...] = field(default=(), kw_only=True)
    articles: tuple[ArticleToRead, ...] = field(default=(), kw_only=True)
