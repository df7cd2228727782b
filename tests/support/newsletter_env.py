"""A newsroom without a card company: database, relay, pages and a held clock, quick to set up. Nothing of ours is replaced."""

from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from warnings import catch_warnings, simplefilter

import sqlalchemy as sa

with catch_warnings():
    simplefilter("ignore")  # starlette would rather have a client that this repository doesn't install
    from starlette.testclient import TestClient

from billing import timetable
from billing.app import build, create_app
from billing.clock import HeldClock
from billing.crew import living
from billing.db import Database, instant
from billing.mail.mailbox import Letter, parse
from tests.support.browser import Browser
from tests.support.fake_smtp import FakeSmtp
from tests.support.world import START, settings_for

URL = "http://paper.test"
JOBS = [
    job
    for job in timetable.JOBS
    if job.name == "deliver mail" or "newsletters" in job.name or "sign-ups" in job.name
]


class Floor:
    """What `tests.support.world.World` offers, as far as newsletters need it."""

    def __init__(self, url: str, folder: Path, **settings: object) -> None:
        self._url, self._folder, self._given = url, folder, settings
        self._ends = ExitStack()
        self.url = str(settings.get("public_url", URL))

    def __enter__(self) -> Self:
        self.smtp = self._ends.enter_context(FakeSmtp())
        self.settings = settings_for(
            self._url,
            **{
                "public_url": self.url,
                "smtp_url": self.smtp.url,
                "journal_dir": self._folder / "journals",
                "newsletter_connections": 2,
                **self._given,
            },
        )
        database = Database(self._url)
        with database.transaction() as session:
            session.execute(sa.text("INSERT INTO held_time (id, now) VALUES (1, :at)"), {"at": START})
        database.close()
        self.parts = build(self.settings)
        self._ends.callback(self.parts.database.close)
        self._app = create_app(self.parts)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ends.close()

    @property
    def now(self) -> datetime:
        """The held present."""
        return self.parts.clock.now()

    def program(self) -> TestClient:
        """Something that speaks HTTP, and isn't a browser."""
        return TestClient(
            self._app,
            base_url=self.url,
            raise_server_exceptions=False,
            follow_redirects=False,
            client=("127.0.0.1", 1),
        )

    def browser(self) -> Browser:
        """A fresh browser, without scripts."""
        browser = Browser(self)  # type: ignore[arg-type]  # all that a browser asks of its world is here
        browser.http.close()
        browser.http = TestClient(
            self._app,
            base_url=self.url,
            raise_server_exceptions=False,
            headers={"user-agent": "Test/1"},
            client=("127.0.0.1", 1),
        )
        return browser

    def claims(self) -> set[int]:
        """Who holds claims at the moment; somebody killed is among them until the database has noticed."""
        with self.parts.database.transaction() as session:
            return set(living(session))

    def settle(self) -> None:
        """Do what is due now, as the worker would."""
        while any(self._do(job) for job in JOBS):
            pass

    def _do(self, job: timetable.Job) -> int:
        with self.parts.database.transaction() as session:
            due = instant(session, job.next_due)
        return job.do(self.parts, self.now) if due is not None and due <= self.now else 0

    def advance(self, **span: float) -> datetime:
        """Let time pass; what falls due happens, in order."""
        return self.advance_to(self.now + timedelta(**span))

    def advance_to(self, at: datetime) -> datetime:
        """Let it be `at`."""
        self.settle()
        while (due := self._next()) is not None and due <= at:
            self.skip_to(max(due, self.now))
            self.settle()
        self.skip_to(at)
        self.settle()
        return self.now

    def _next(self) -> datetime | None:
        with self.parts.database.transaction() as session:
            times = [instant(session, job.next_due) for job in JOBS]
        return min((at for at in times if at is not None), default=None)

    def skip_to(self, at: datetime) -> None:
        """Let it be `at` while no worker runs."""
        assert isinstance(self.parts.clock, HeldClock)
        self.parts.clock.move_to(at)

    def letters(self, to: str | None = None) -> list[Letter]:
        """Mails that were accepted, oldest first."""
        if to is None:
            return self.smtp.letters
        return [
            parse(f"sink-{n}", mail.raw, arrived=self.now)
            for n, mail in enumerate(self.smtp.received_for(to))
        ]

    def mailed_link(self, email: str, part: str) -> str:
        """The newest link with `part` in it that was mailed to an address."""
        return [link for letter in self.letters(email) for link in letter.links if part in link][-1]

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """What the database says."""
        with self.parts.database.transaction() as session:
            return [dict(row._mapping) for row in session.execute(sa.text(query), values)]

    def run(self, query: str, **values: object) -> None:
        """A statement that answers nothing."""
        with self.parts.database.transaction() as session:
            session.execute(sa.text(query), values)

    def reader(self, email: str, *, subscribed: bool = False, days: float = 900) -> str:
        """Somebody with an account; `subscribed` for so many days by the compliments of the house. Their id."""
        number = self.rows("SELECT count(*) AS n FROM reader")[0]["n"]
        reader_id = f"rdr_{number}"
        self.run(
            "INSERT INTO reader (id, email, created_at) VALUES (:id, :email, :at)",
            id=reader_id,
            email=email,
            at=self.now,
        )
        if subscribed:
            self.run(
                "INSERT INTO complimentary_grant (id, reader_id, given_at, until, features, by, why)"
                " VALUES (:grant, :id, :at, :until, '[]', 'test', 'test')",
                grant=f"grt_{number}",
                id=reader_id,
                at=self.now,
                until=self.now + timedelta(days=days),
            )
        return reader_id
