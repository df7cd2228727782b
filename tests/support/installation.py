"""A whole installation for tests: database, sandbox, mail server and web process, with a held clock.

It runs the product's own code; nothing is mocked. Only `advance` lets time pass. It can return to every kept moment."""

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
from tests.support.gate_faults import GateFaults
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
        "queue_seconds": 60,  # a test that holds requests decides itself when they go on
        **more,
    }
    return read_settings({f"BILLING_{name.upper()}": str(value) for name, value in given.items()})


def prepare(url: str) -> None:
    """Migrate a database and add the first plans."""
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
    """Mark a copy of the prepared database as the installation's current one."""
    with psycopg.connect(url) as connection:
        connection.execute(f"UPDATE installation SET home = ({installation.HOME})".encode())


Result = TypeVar("Result")
BACKUP = "the backup"
EMPTY = "empty"
"""The moment before `begin`: plans and prices, and nothing else."""


@dataclass
class _Moment:
    """The parts of a kept moment that are neither in the database nor in the sandbox."""

    mails: list[Received]
    articles: dict[str, list[str]]
    api_key: str


@dataclass
class _Application:
    """The product built from given settings."""

    settings: Settings
    services: Services
    app: ASGIApp


class Installation:
    """Use with `with`. `settings` replace the usual test settings for its whole life."""

    def __init__(self, url: str, at: datetime, **settings: object) -> None:
        self.url_of_database = url
        self._at, self._usual = at, settings
        self._ends, self._of_one_test = ExitStack(), ExitStack()
        self._moments: dict[str, _Moment] = {}
        self._returned: dict[str, bytes] = {}
        self._unlocked, self._gateway_calls = UnlockedChanges(), GatewayCalls()
        self._gate_faults = GateFaults()
        self._here = ""
        """The moment that was last kept or restored."""

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
        """The settings of the running application."""
        return self._running.settings

    @property
    def services(self) -> Services:
        """The services of the running application."""
        return self._running.services

    @property
    def app(self) -> ASGIApp:
        """The running application, as ASGI."""
        return self._running.app

    def begin(self, at: datetime | None = None, **settings: object) -> Self:
        """Return to a blank state: sample articles, an API key, no readers. With settings, another application serves until `end`."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        if settings:
            self.go_to(EMPTY)  # the last test may have left a database that no application starts on
            self._use(self._build(settings))
        # The process has one log; an earlier test may have set other keys for its names.
        logs.set_naming_keys(self.services.site.tokens)
        self.make_blank(at)
        return self

    def restart(self, **settings: object) -> None:
        """Restart the application with other settings on the same database."""
        self._server.finish_requests()
        before = self._running
        self._use(self._build(settings))
        clockwork.follow(self.services)
        if before is not self._usually:
            self._server.end(before.app)
            before.services.database.close()

    def make_blank(self, at: datetime | None = None) -> None:
        """Return to the sample articles and an API key, with whatever application serves."""
        blank = f"blank at {at or self._at}, {self.settings.public_url}"
        if blank in self._moments:
            self.go_to(blank)
        else:
            self.go_to(EMPTY)
            self._furnish(at or self._at)
            self.keep(blank)

    def end(self) -> None:
        """Release what belongs to one test: browsers, another application."""
        self._of_one_test.close()
        other = self._running
        if other is not self._usually:
            self._use(self._usually)
            self._server.finish_requests()
            self._server.end(other.app)
            other.services.database.close()

    @contextmanager
    def as_usual(self) -> Iterator[None]:
        """Serve with the usual application for the length of a block."""
        other = self._running
        self._use(self._usually)
        yield
        self._server.finish_requests()
        self._use(other)

    def keep(self, name: str) -> None:
        """Keep the present state of database, sandbox and mails. No request or job may be under way."""
        self.sandbox.keep(_key(name))
        self._snapshots.keep(_key(name))
        self._here = name
        self._moments[name] = _Moment(list(self.smtp.received), self.articles, self.api_key)

    def go_to(self, name: str) -> None:
        """Restore the moment `name`. Requests and jobs that are under way are ended first."""
        moment = self._moments[name]
        self.sandbox.recall(_key(name))
        self._server.finish_requests()
        self.sandbox.recall(_key(name))  # again: requests that were under way may have changed it
        self._restore(name)
        self.smtp.reset()
        self.smtp.received.extend(moment.mails)
        self._here = name
        self.articles, self.api_key = moment.articles, moment.api_key
        self.api.headers["Authorization"] = f"Bearer {self.api_key}"
        self.sandbox.exchanges.clear()

    def back_up(self) -> None:
        """Back up the database only."""
        self._snapshots.keep(_key(BACKUP))

    def restore_backup(self, home: str = "somewhere else") -> None:
        """Restore the backup as an operator does. Sandbox, mails and clock keep what happened since.

        `home`: the `home` that the backed-up database had in PostgreSQL."""
        now = self.now
        self._server.finish_requests()
        self._restore(BACKUP)
        with psycopg.connect(self.url_of_database) as connection:
            connection.execute("UPDATE held_time SET now = %s", [now])
            connection.execute("UPDATE installation SET home = %s", [home])

    def _restore(self, name: str) -> None:
        """Restore the database. The web process has its brand then: in life it follows within a moment, which no test waits for."""
        self._snapshots.restore(_key(name))
        with self.services.database.transaction() as session:
            self.services.publisher.refresh(session)

    def has_kept(self, name: str) -> bool:
        """Whether a moment of this name was kept."""
        return name in self._moments

    def once(self, name: str, live: Callable[[], Result]) -> Result:
        """Run `live` once in a process and keep the moment after it; later calls restore that moment. Return what `live` returned.

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
        """Fail if an exchange violates Stripe's OpenAPI, a row was changed without its lock, a page's thread called the gateway,
        the gate broke, or the schema was left changed."""
        self._judge_what_was_done()
        self._snapshots.assert_same_schema()

    def _judge_what_was_done(self) -> None:
        self.sandbox.check()
        self._unlocked.judge()
        self._gateway_calls.judge()
        self._gate_faults.judge()

    @property
    def now(self) -> datetime:
        """The held clock's time."""
        return self.services.clock.now()

    def advance(self, **span: float) -> datetime:
        """Let time pass; due work is done in order."""
        return clockwork.advance(self.services, self.now + timedelta(**span))

    def advance_to(self, at: datetime) -> datetime:
        """Advance to `at`; due work is done in order."""
        return clockwork.advance(self.services, at)

    def settle(self) -> None:
        """Do all work that is due now."""
        clockwork.advance(self.services, self.now)

    def skip_to(self, at: datetime) -> None:
        """Move the clock to `at` without a worker: due work is left undone. Web and sandbox stay up."""
        clockwork.move(self.services, at)

    def _begin_to_end(self) -> None:
        """Tell both servers to stop at once: each checks only ten times a second, so they stop in parallel."""
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
    """A schema name for a moment; PostgreSQL limits names to 63 bytes."""
    return f"moment {hashlib.sha256(name.encode()).hexdigest()[:20]}"
