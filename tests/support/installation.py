"""A whole installation for tests: database, sandbox, mail server, web process; its clock held.

Nothing of ours is replaced. `advance` is the only way for time to pass. It can be brought back to each moment that was kept."""

import hashlib
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
import sqlalchemy as sa
from starlette.types import ASGIApp

from billing.app import build
from billing.container import Services
from billing.dev import seed
from billing.dev import time_travel as clockwork
from billing.dev.demo_app import create_demo_app
from billing.platform import installation, list_key, logs, migrate
from billing.platform.actors import WORKER
from billing.platform.db import Database
from billing.platform.settings import Settings, read_settings
from billing.platform.time_limits import Work
from billing.rules.ceilings import ENDLESS
from billing.rules.scopes import SCOPES
from billing.staff.api_keys import create
from billing.subscriptions import first_plans
from tests.support.fake_smtp import FakeSmtp, Received
from tests.support.gateway_calls import GatewayCalls
from tests.support.http_client import http_client
from tests.support.sandbox import KEY, Sandbox
from tests.support.snapshots import Snapshots
from tests.support.unlocked_changes import UnlockedChanges
from tests.support.web_server import WebServer

SECRET_KEY = "a secret for tests, of enough length 0123456789"
WEBHOOK_SECRET = "whsec_for_the_tests"


def settings_for(url: str, **more: object) -> Settings:
    """Settings of a test installation on this database."""
    given = {
        "database_url": url,
        "secret_key": SECRET_KEY,
        "environment": "test",
        "clock": "held",
        "paper_url": "/articles",
        "stripe_secret_key": KEY,
        "stripe_webhook_secrets": WEBHOOK_SECRET,
        "charges_per_second": 0,
        "return_poll_seconds": 0,
        **more,
    }
    return read_settings({f"BILLING_{name.upper()}": str(value) for name, value in given.items()})


def prepare(url: str) -> None:
    """Migrate a database and give it its plan."""
    database = Database(url)
    try:
        migrate.upgrade(database)
        with database.transaction() as session:
            installation.claim(session, settings_for(url))
            list_key.seal_first(session, settings_for(url))
            first_plans.add(session)
    finally:
        database.close()


def adopt(url: str) -> None:
    """Let a copy of the prepared database be the one that counts."""
    with psycopg.connect(url) as connection:
        connection.execute(f"UPDATE installation SET home = ({installation.HOME})".encode())


Result = TypeVar("Result")
BACKUP = "the backup"
EMPTY = "empty"
"""The moment before the beginning: plans and prices, and nothing else."""


@dataclass
class _Moment:
    """What a kept moment has besides the rows of the database and the sandbox's."""

    mails: list[Received]
    articles: dict[str, list[str]]
    api_key: str


@dataclass
class _Application:
    """The product, built from some settings."""

    settings: Settings
    services: Services
    app: ASGIApp


class Installation:
    """Use with `with`. `settings` differ from a test's usual ones, for all of its life."""

    def __init__(self, url: str, at: datetime, **settings: object) -> None:
        self.url_of_database = url
        self._at, self._usual = at, settings
        self._ends, self._of_one_test = ExitStack(), ExitStack()
        self._moments: dict[str, _Moment] = {}
        self._returned: dict[str, bytes] = {}
        self._unlocked, self._gateway_calls = UnlockedChanges(), GatewayCalls()
        self._here = ""
        """The moment that was kept or gone to last."""

    def __enter__(self) -> Self:
        self._server = WebServer()
        self._ends.callback(self._server.close)
        self.url = self._server.url
        webhooks = [(f"{self.url}/webhooks/stripe", WEBHOOK_SECRET)]
        self.sandbox = self._ends.enter_context(Sandbox(webhooks=webhooks))
        self.smtp = self._ends.enter_context(FakeSmtp())
        self._folder = Path(tempfile.mkdtemp(prefix="masthead-world-"))
        self._ends.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._snapshots = Snapshots(self.url_of_database)
        self._ends.callback(self._snapshots.close)
        self._usually = self._build({})
        self._use(self._usually)
        self.api = http_client(self.url)
        self._ends.callback(self.api.close)
        self.articles: dict[str, list[str]] = {}
        self.api_key = ""
        self._ends.callback(self._begin_to_end)
        self.keep(EMPTY)
        self.begin(self._at)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end()
            if error is None:
                self._judge_what_was_done()
        finally:
            self._usually.services.database.close()
            self._ends.close()

    @property
    def settings(self) -> Settings:
        """Those of the application that runs."""
        return self._running.settings

    @property
    def services(self) -> Services:
        """What the application that runs is made of."""
        return self._running.services

    @property
    def app(self) -> ASGIApp:
        """The application that runs, as a web server calls it."""
        return self._running.app

    def begin(self, at: datetime | None = None, **settings: object) -> Self:
        """Let it be as new: sample articles, an API key, nobody there. With settings, another application serves until `end`."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        if settings:
            self._use(self._build(settings))
        # The process has one log, and a test before this may have built on other keys.
        logs.named_by(self.services.site.tokens)
        self.make_blank(at)
        return self

    def restart(self, **settings: object) -> None:
        """Let the application be started again with other settings, on the database as it is."""
        self._server.finish_requests()
        before = self._running
        self._use(self._build(settings))
        clockwork.follow(self.services)
        if before is not self._usually:
            self._server.end(before.app)
            before.services.database.close()

    def make_blank(self, at: datetime | None = None) -> None:
        """Let the sample articles and an API key be all there is, whatever application serves."""
        blank = f"blank at {at or self._at}, {self.settings.public_url}"
        if blank in self._moments:
            self.go_to(blank)
        else:
            self.go_to(EMPTY)
            self._furnish(at or self._at)
            self.keep(blank)

    def end(self) -> None:
        """Let go of what the test had of its own: browsers, another application."""
        self._of_one_test.close()
        other = self._running
        if other is not self._usually:
            self._use(self._usually)
            self._server.finish_requests()
            self._server.end(other.app)
            other.services.database.close()

    @contextmanager
    def as_usual(self) -> Iterator[None]:
        """Let the usual application serve for the length of a block."""
        other = self._running
        self._use(self._usually)
        yield
        self._server.finish_requests()
        self._use(other)

    def keep(self, name: str) -> None:
        """Remember how everything is now: database, sandbox, mails. Nothing may be under way."""
        self.sandbox.keep(_key(name))
        self._snapshots.keep(_key(name))
        self._here = name
        self._moments[name] = _Moment(list(self.smtp.received), self.articles, self.api_key)

    def go_to(self, name: str) -> None:
        """Let everything be as it was when `name` was kept. What is under way is ended first."""
        moment = self._moments[name]
        self.sandbox.recall(_key(name))
        self._server.finish_requests()
        self.sandbox.recall(_key(name))  # what was under way may have changed it
        self._snapshots.restore(_key(name))
        self.smtp.reset()
        self.smtp.received.extend(moment.mails)
        self._here = name
        self.articles, self.api_key = moment.articles, moment.api_key
        self.api.headers["Authorization"] = f"Bearer {self.api_key}"
        self.sandbox.exchanges.clear()

    def back_up(self) -> None:
        """Take a backup of the database, and of nothing else."""
        self._snapshots.keep(_key(BACKUP))

    def restore_backup(self, home: str = "somewhere else") -> None:
        """Let the database be as in the backup, restored by an operator: what happened since is known to Stripe, to readers and to
        the clock alone. `home`: by what PostgreSQL knew the database of which it was taken."""
        now = self.now
        self._server.finish_requests()
        self._snapshots.restore(_key(BACKUP))
        with psycopg.connect(self.url_of_database) as connection:
            connection.execute("UPDATE held_time SET now = %s", [now])
            connection.execute("UPDATE installation SET home = %s", [home])

    def has_kept(self, name: str) -> bool:
        """Whether there is such a moment."""
        return name in self._moments

    def once(self, name: str, live: Callable[[], Result]) -> Result:
        """Live through something once in a process; every other time go straight to its end. What `live` returned.

        Call it only right after `begin`, a starting point, or another `once`: the present must be a kept moment."""
        there = f"{self._here} > {name}"
        if there in self._moments:
            self.go_to(there)
        else:
            with self.as_usual():
                self._returned[there] = pickle.dumps(live())
                self.settle()
                self.keep(there)
        return pickle.loads(self._returned[there])  # type: ignore[no-any-return]  # as `live` returned it

    def judge(self) -> None:
        """Fail when an exchange with the sandbox wasn't as Stripe's OpenAPI says, or the schema was left changed, or a row was
        changed by who hadn't locked it, or a page's thread called the gateway."""
        self._judge_what_was_done()
        self._snapshots.assert_same_schema()

    def _judge_what_was_done(self) -> None:
        self.sandbox.check()
        self._unlocked.judge()
        self._gateway_calls.judge()

    @property
    def now(self) -> datetime:
        """The held present."""
        return self.services.clock.now()

    def advance(self, **span: float) -> datetime:
        """Let time pass; what falls due happens, in order."""
        return clockwork.advance(self.services, self.now + timedelta(**span))

    def advance_to(self, at: datetime) -> datetime:
        """Let it be `at`."""
        return clockwork.advance(self.services, at)

    def settle(self) -> None:
        """Do what is due, at the held present."""
        clockwork.advance(self.services, self.now)

    def skip_to(self, at: datetime) -> None:
        """Let it be `at` while no worker runs: what falls due meanwhile is left lying. Web and sandbox stay up."""
        clockwork.move(self.services, at)

    def _begin_to_end(self) -> None:
        """The servers look for their end ten times a second: let them do so at once."""
        self._server.begin_to_close()
        self.sandbox.begin_to_stop()

    def _furnish(self, at: datetime) -> None:
        with self.services.database.transaction() as session:
            session.execute(sa.text("INSERT INTO held_time (id, now) VALUES (1, :at)"), {"at": at})
        clockwork.follow(self.services)
        with self.services.database.begin(self.services.site, self.now, WORKER) as ctx:
            self.articles = seed.articles(ctx)
            self.api_key = create(ctx, "tests", SCOPES, ENDLESS)
        self.api.headers["Authorization"] = f"Bearer {self.api_key}"

    def _build(self, given: dict[str, Any]) -> _Application:
        settings = settings_for(
            self.url_of_database,
            **{
                "public_url": self.url,
                "stripe_api_base": self.sandbox.url,
                "smtp_url": self.smtp.url,
                "journal_dir": self._folder / "journals",
                "newsletter_connections": 2,
                **self._usual,
                **given,
            },
        )
        services = build(settings, work=Work.REQUEST)
        self._unlocked.watch(services.database.engine)
        self._gateway_calls.watch(services.gateway, services.gateway.books)
        built = _Application(settings, services, create_demo_app(services))
        self._server.start(built.app)
        return built

    def _use(self, application: _Application) -> None:
        self._running = application
        self._server.use(application.app)


def _key(name: str) -> str:
    """The name of a moment as the name of a schema, which is short."""
    return f"moment {hashlib.sha256(name.encode()).hexdigest()[:20]}"
