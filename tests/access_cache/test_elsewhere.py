"""A commit here changes another web process's answers, whatever happens to its listening connection."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import httpx
import pytest

from billing.access_cache.change_listener import LEASE
from billing.dev.postgres import Embedded
from billing.platform import installation, list_key, migrate
from billing.platform.db import Database
from billing.subscriptions import first_plans
from tests.access_cache.serving import BEGIN, END, begin, cookie, do, end, follows, furnish, reason, serving
from tests.support.databases import Databases
from tests.support.installation import settings_for
from tests.support.polling import PATIENCE_SECONDS, eventually
from tests.support.proof_size import sized

HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'masthead: listens for access' AND datname = current_database()"
)
ENOUGH = 100
"""Answers that judge a change, asked for when its lease is over."""


@dataclass
class Elsewhere:
    """Another web process, and the URL of its database."""

    client: httpx.Client
    url: str


@pytest.fixture(scope="module")
def elsewhere(databases: Databases) -> Iterator[Elsewhere]:
    """One process for this file, since it takes seconds to start. Each test changes one reader and no other."""
    with databases.fresh() as url:
        furnish(url)
        with serving(url) as client:
            yield Elsewhere(client, url)


def figure(client: httpx.Client, name: str) -> float:
    """One line of the process's metrics."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_another_process_follows_and_says_how_it_does(elsewhere: Elsewhere) -> None:
    client = elsewhere.client
    hits_before = figure(client, "masthead_gate_hits_total")

    def from_memory() -> bool:
        assert reason(client) == "subscription"
        return figure(client, "masthead_gate_hits_total") >= hits_before + 4

    assert eventually(from_memory)
    assert eventually(lambda: figure(client, "masthead_gate_listening") == 1)
    for statement, expected in (
        (END, "subscribe"),  # cancelled now, or refunded
        (BEGIN, "subscription"),  # paid
        ("UPDATE article SET access = 'free'", "free"),
        ("UPDATE article SET access = NULL", "subscription"),
        ("INSERT INTO section_policy (section, at, access, actor_kind, actor_id) VALUES ('Town', now(), 'registered', 'command', 'b')", "subscription"),
        (END, "registered"),
        ("INSERT INTO complimentary_grant (id, reader_id, given_at, until, features, actor_kind, actor_id, reason) SELECT 'g', reader_id,"
         " now(), now() + interval '1 day', '[]', 'command', 'b', 'w' FROM subscription WHERE id LIKE '%0'", "complimentary"),
        ("INSERT INTO public_window (id, scope, subject, opened_at, until, reason, actor_kind, actor_id)"
         " VALUES ('o', 'section', 'Town', now(), now() + interval '1 day', 'flood', 'command', 'b')", "open"),
        ("UPDATE public_window SET closed_at = now(), closed_by_kind = 'staff', closed_by_id = 'x'", "complimentary"),
        ("UPDATE reader_session SET ended_at = now() WHERE id LIKE '%0'", "register"),
        ("UPDATE article SET access = 'subscriber'", "subscribe"),
    ):  # fmt: skip
        do(elsewhere.url, statement)
        follows(client, expected)
    assert reason(client, 1) == "subscription", "nobody else was touched"
    text = client.get("/metrics").text
    assert 'masthead_gate_answers_total{reason="subscription",route="access"}' in text
    assert 'masthead_gate_kept{kind="standings"}' in text
    assert "masthead_gate_seconds_bucket" in text


def test_a_line_that_is_cut_is_never_believed(elsewhere: Elsewhere) -> None:
    """Each round cuts the connection during a change. The process must then answer from the database."""
    client, counts = elsewhere.client, ("masthead_gate_bypassed_total", "masthead_gate_cuts_total")
    before = [figure(client, count) for count in counts]
    assert reason(client, 2) == "subscription"
    for _ in range(4):
        for statement, expected in ((end(2), "subscribe"), (begin(2), "subscription")):
            do(elsewhere.url, f"{HANG_UP}; {statement}")
            follows(client, expected, 2)
            assert [reason(client, 2) for _ in range(10)] == [expected] * 10, "and never goes back"
    for count, figure_before in zip(counts, before, strict=True):
        assert figure(client, count) >= figure_before + 1, count


@dataclass
class Load:
    """Sends requests without end, and records when each was sent and answered."""

    url: str
    stop: threading.Event = field(default_factory=threading.Event)
    received: threading.Condition = field(default_factory=threading.Condition)
    said: list[tuple[float, float, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    away: int = 0

    def ask(self) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as client:
            while not self.stop.is_set():
                asked = time.monotonic()
                answer = client.get("/v1/access/bridge", headers=cookie(0))
                with self.received:
                    if answer.status_code == 503:
                        self.away += 1
                    elif answer.status_code == 200:
                        self.said.append((asked, time.monotonic(), answer.json()["reason"]))
                    else:
                        self.failed.append(answer.text)
                    self.received.notify_all()

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until the answers show it."""
        with self.received:
            assert self.received.wait_for(is_so, PATIENCE_SECONDS), f"waited in vain for {what}"

    def until_answered_after(self, moment: float) -> None:
        """Wait for enough answers that were requested after a moment."""

        def is_so() -> bool:
            return sum(asked >= moment for asked, _, _ in self.said[-2 * ENOUGH :]) >= ENOUGH

        self.until(is_so, "answers after a change")


def stale(said: list[tuple[float, float, str]], changes: list[tuple[float, float, str]]) -> list[str]:
    """Answers that lack a change, although they were requested a lease after it was committed and before the next one. The
    lease is a promised limit, so this doesn't depend on the machine's speed.
    """
    found = []
    for number, (_, done, expected) in enumerate(changes):
        until = changes[number + 1][0] if number + 1 < len(changes) else float("inf")
        for asked, given, decided in said:
            if done + LEASE <= asked and given <= until and decided != expected:
                found.append(f"{decided}, {asked - done:.3f} s after it was {expected}")
    return found


@dataclass
class Restarted:
    """A database server that is stopped and started again, always at the same address."""

    folder: Path
    server: Embedded

    @classmethod
    def begin(cls, folder: Path) -> Self:
        found = cls(folder, Embedded.start(folder / "postgres", durable=False))
        found._point()
        return found

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/town?host={self.folder / 'here'}"

    def again(self, noticed: Callable[[], None]) -> None:
        """Away until that was noticed, and back."""
        self.server.stop()
        noticed()
        self.server = Embedded.start(self.folder / "postgres", durable=False)
        self._point()

    def _point(self) -> None:
        """Each start has a socket in a folder of its own; the address is a link to it."""
        here = self.folder / "here"
        here.unlink(missing_ok=True)
        here.symlink_to(unquote(self.server.url().partition("host=")[2]))


def found_sites(restarted: Restarted) -> None:
    """A migrated database with readers in it."""
    restarted.server.create("town")
    database = Database(restarted.url)
    migrate.upgrade(database)
    with database.transaction() as session:
        installation.claim(session, settings_for(restarted.url))
        list_key.seal_first(session, settings_for(restarted.url))
        first_plans.add(session)
    database.close()
    furnish(restarted.url)


@pytest.mark.prove
def test_the_database_restarts_under_load_without_one_wrong_answer() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mh-"))
    restarted, changes = Restarted.begin(folder), list[tuple[float, float, str]]()

    def change(statement: str, expected: str) -> None:
        began = time.monotonic()
        do(restarted.url, statement)
        done = time.monotonic()
        changes.append((began, done, expected))
        load.until_answered_after(done + LEASE)

    def noticed() -> None:
        before = load.away
        load.until(lambda: load.away > before, "an answer that the database is away")

    try:
        found_sites(restarted)
        with serving(restarted.url) as client:
            load = Load(str(client.base_url))
            threads = [threading.Thread(target=load.ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(sized(at_length=3, usual=1)):
                change(f"{HANG_UP}; {END}", "subscribe")
                change(f"{HANG_UP}; {BEGIN}", "subscription")
                restarted.again(noticed)
                change(END, "subscribe")
                change(BEGIN, "subscription")
            load.stop.set()
            for thread in threads:
                thread.join()
            follows(client, "subscription")
    finally:
        restarted.server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    assert load.failed == []
    assert load.away > 0, "the database was never away, so nothing was shown"
    assert len(load.said) > 500
    assert stale(load.said, changes) == []
