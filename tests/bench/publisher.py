"""A publisher's database for the benchmarks: articles, readers with and without a subscription, and a program's key."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from billing.access.articles import register
from billing.access.models import Article
from billing.access.policies import AccessTerms
from billing.dev.postgres import Embedded
from billing.platform import installation, list_key, migrate
from billing.platform.actors import WORKER, Command
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.settings import read_settings
from billing.platform.site import Site
from billing.staff.api_keys import create
from billing.subscriptions import first_plans
from tests.bench.paper import article_names, level_of
from tests.bench.readers import SECRET_KEY, populate

ARTICLES = 400


@dataclass(frozen=True, slots=True)
class Publisher:
    """`environ`: of its web processes. `database_pid`: PostgreSQL's first process. Readers by number: `subscribers` pay, the
    `registered` don't."""

    environ: dict[str, str]
    key: str
    site: Site
    database_pid: int
    articles: list[str]
    subscribers: range
    registered: range


@contextmanager
def publisher(
    folder: Path, subscribers: int, registered: int = 0, articles: int = ARTICLES, *, durable: bool = False
) -> Iterator[Publisher]:
    """Make the database. `durable`: each commit waits for the disk."""
    with Embedded.start(folder / "postgres", durable=durable, disposable=True) as server:
        environ = {
            "BILLING_DATABASE_URL": server.url(),
            "BILLING_SECRET_KEY": SECRET_KEY,
            "BILLING_STRIPE_SECRET_KEY": "sk_test_bench",
            "BILLING_STANDINGS_IN_MEMORY": "4000000",
            "BILLING_PROXY_COUNT": "1",
        }
        settings = read_settings(environ)
        database = Database(settings.database_url)
        migrate.upgrade(database)
        at, names = datetime.now(UTC), article_names(articles)
        with database.transaction() as session:
            installation.claim(session, settings)
            list_key.seal_first(session, settings)
            first_plans.add(session)
            site = Site(settings.zone, settings.public_url, list_key.load_tokens(session, settings))
            _register(session, site, names, at)
            ctx = TransactionContext(session, site, at, WORKER)
            key = create(ctx, "bench", ["access", "money", "readers"])
        readers = subscribers + registered
        populate(settings.database_url, site.tokens, readers, subscribers)
        database.close()
        ranges = range(subscribers), range(subscribers, readers)
        yield Publisher(environ, key, site, server.pid, names, *ranges)


def _register(session: Session, site: Site, names: Sequence[str], at: datetime) -> None:
    ctx = TransactionContext(session, site, at, Command("test"))
    for name in names:
        url = f"https://paper.example/{name}"
        article = Article(id=name, title=name, url=url, section="News", published_at=at)
        register(ctx, article, AccessTerms(level_of(name)))
