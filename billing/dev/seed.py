"""The demo's sample data: articles, newsletters, an API key, staff, a brand."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from billing.access import policies
from billing.access.articles import register
from billing.access.models import Article, PublicWindow, Scope
from billing.access.policies import AccessTerms
from billing.access.public_windows import open_to_all
from billing.brand.change import version_of
from billing.brand.legal import DocumentKind, missing
from billing.dev import sample_newsletters
from billing.dev.paper.sample_articles import SampleArticle, sample_articles
from billing.platform.actors import Command
from billing.platform.context import TransactionContext
from billing.rules.access import AccessLevel
from billing.rules.features import newsletter_feature
from billing.rules.pictures import PictureKind
from billing.rules.scopes import SCOPES
from billing.staff import legal, members
from billing.staff.api_keys import create, named, revoke
from billing.staff.branding import set_brand, set_logo
from billing.staff.key_models import ApiKey
from billing.staff.roles import Role
from billing.subscriptions.find import plans as all_plans
from billing.subscriptions.plans import open_features

SAMPLES = Command("samples")
STAFF_LINK = "staff-demo"
"""The token purpose of the demo's staff link."""
DEMO_KEY = "demo"
"""The name of the demo's API key. Each start of the demo makes a new key and revokes the last, so the key's id identifies the start."""
SECTIONS = {
    "Education": AccessTerms(AccessLevel.REGISTERED),
    "Nature": AccessTerms(AccessLevel.METERED, free_hours=24),
}
"""The policies of the sections, for sample articles without one of their own."""
OPEN_DAYS = timedelta(days=21)


def articles(ctx: TransactionContext) -> dict[str, list[str]]:
    """Register the sample articles; return their ids by access level, without those that are opened to everyone or fresh."""
    for section, terms in SECTIONS.items():
        if policies.of_section(ctx.session, section) == policies.NO_TERMS:
            policies.set_section(ctx.acting_as(SAMPLES), section, terms)
    found: dict[str, list[str]] = {level.value: [] for level in AccessLevel}
    for sample in sample_articles():
        teaser = sample.teaser
        article = Article(
            id=teaser.id,
            title=teaser.title,
            url=ctx.site.page(f"/articles/{teaser.id}"),
            section=teaser.section,
            published_at=_published_at(ctx.session, sample, ctx.at),
        )
        register(ctx.acting_as(SAMPLES), article, sample.terms)
        if sample.opened is None and not sample.fresh:
            found[teaser.access].append(teaser.id)
    return found


def _published_at(session: Session, sample: SampleArticle, at: datetime) -> datetime:
    """The publication time; a fresh article is published when it is first registered."""
    if not sample.fresh:
        return datetime.combine(sample.teaser.published_on, time(6), UTC)
    known = session.get(Article, sample.teaser.id)
    return known.published_at if known else at.replace(second=0, microsecond=0)


def openings(ctx: TransactionContext) -> None:
    """Open some sample articles to everyone for OPEN_DAYS, once."""
    for sample in sample_articles():
        known = select(PublicWindow.id).where(PublicWindow.subject == sample.teaser.id)
        if sample.opened is not None and ctx.session.exec(known).first() is None:
            open_to_all(
                ctx.acting_as(SAMPLES),
                Scope.ARTICLE,
                sample.teaser.id,
                until=ctx.at + OPEN_DAYS,
                reason=sample.opened,
            )


def api_key(ctx: TransactionContext) -> str:
    """Create a key with every scope, and revoke the last start's."""
    for key in named(ctx, DEMO_KEY):
        revoke(ctx, key.id)
    return create(ctx, DEMO_KEY, SCOPES)


def demo_key_id(session: Session) -> str:
    """The id of the key of the demo's last start; empty if there is none."""
    live = select(ApiKey.id).where(ApiKey.name == DEMO_KEY, col(ApiKey.revoked_at).is_(None))
    return session.exec(live).first() or ""


def staff(ctx: TransactionContext, domain: str) -> str:
    """Add a sample member for each role, with the authenticator marked as set up. Return the demo's staff link, which is valid while
    this start's key is (see `api_key`)."""
    for role in Role:
        try:
            members.by_address(ctx.session, f"{role}@{domain}")
        except members.UnknownMember:
            members.add(ctx, f"{role}@{domain}", role).enrolled_at = ctx.at
    return ctx.site.page(f"/staff/demo/{ctx.site.tokens.token(STAFF_LINK, demo_key_id(ctx.session))}")


LOGOS = Path(__file__).parent / "paper"
BRAND = {
    "accent": "#1d5a4c",
    "tagline": "News of the towns between the Swartberg and the sea",
    "benefits": (
        "Every article, without a limit and on every device of yours",
        "Long reads to listen to, for subscribers only",
        "Reporting by people who live in the towns they write about",
        "Cancelling on one page: no phone call, no questions you must answer",
    ),
    "footer": "We are a sample paper: nothing in it happened.",
    "mail_footer": "The Swartberg Post is a sample paper. Its mails go to the demo’s mailbox only.",
    "support_hours": "Weekdays, 8:00 to 17:00",
}
"""The sample paper's own brand."""


def brand(ctx: TransactionContext) -> None:
    """Set the sample paper's brand, at the first start."""
    if version_of(ctx.session):
        return
    for kind in PictureKind:
        set_logo(ctx, (LOGOS / f"logo.{kind}").read_bytes(), reason="sample")
    set_brand(ctx, BRAND, reason="sample")


def legal_documents(ctx: TransactionContext) -> None:
    """Publish the sample paper's terms, privacy notice and refund policy, at the first start."""
    for kind in missing(ctx.session):
        legal.publish(ctx, kind, words=legal_sample(kind), reason="sample")


def legal_sample(kind: DocumentKind) -> str:
    """The sample paper's text of this kind, in Markdown."""
    return (LOGOS / "legal" / f"{kind}.md").read_text(encoding="utf-8")


SAMPLE_PEOPLE = (("first-light", 1000), ("water-and-weather", 250), ("the-long-read", 400))
"""The number of sample addresses on each of the demo's lists."""


def newsletters(session: Session, at: datetime, *, people: bool = False) -> None:
    """Add the sample newsletters; `people`: with sample addresses on their lists."""
    sample_newsletters.newsletters(session)
    for name, count in SAMPLE_PEOPLE if people else ():
        sample_newsletters.people(session, name, count, at)


def newsletters_of_plans(session: Session) -> None:
    """Add the sample newsletter for subscribers to every plan's features."""
    feature = newsletter_feature(sample_newsletters.FOR_SUBSCRIBERS)
    for plan in all_plans(session):
        open_features(session, plan.id, [*plan.features, feature])
