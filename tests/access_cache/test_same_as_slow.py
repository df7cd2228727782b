"""The cache answers as the database does, at every instant, for any facts."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg_pool import AsyncConnectionPool

from billing.access.check import AccessRequest, MeterLimits, check
from billing.access.entitlements import entitlements_of
from billing.access.visitors import Visitor
from billing.access_cache.answer_builder import AnswerBuilder
from billing.access_cache.cache import AccessAnswer, AccessCache
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.load import Loader
from billing.access_cache.presented import NO_QUERY, PresentedCredentials
from billing.http import shapes
from billing.platform.actors import WORKER
from billing.platform.db import Database
from tests.access_cache.cache_parts import NAMES, SITE
from tests.support.proof_size import sized
from tests.support.stepped_clock import SteppedClock

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
SECRET = "secret-of-a-session"
hours = st.integers(-72, 72)
levels = st.sampled_from([None, "free", "registered", "metered", "subscriber"])
windows = st.tuples(st.none() | st.integers(1, 60), st.none() | st.integers(1, 3))
facts = st.fixed_dictionaries(
    {
        "article": st.tuples(levels, windows, hours),
        "section": st.none() | st.tuples(levels, windows),
        "subscription": st.none()
        | st.tuples(
            st.sampled_from(["trialing", "active", "past_due", "paused", "ended"]), st.none() | hours, hours
        ),
        "grants": st.lists(st.tuples(hours, st.sets(st.sampled_from(["listen", "comment"]))), max_size=2),
        "openings": st.lists(
            st.tuples(st.sampled_from(["article", "section", "site"]), st.integers(1, 72), st.booleans()),
            max_size=2,
        ),
        "gift": st.booleans(),
        "who": st.sampled_from(["nobody", "session", "unknown session"]),
        "instants": st.lists(st.integers(0, 80 * 3600), min_size=1, max_size=6).map(sorted),
    }
)
numbers = count()


def at(offset: int) -> datetime:
    return START + timedelta(hours=offset)


class BothPaths:
    """One database, with an article and a reader for each example."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)
        self.loop = asyncio.new_event_loop()
        self.pool = AsyncConnectionPool(url, min_size=1, max_size=2, open=False, kwargs={"autocommit": True})
        self.loop.run_until_complete(self.pool.open())
        self.clock = SteppedClock()
        self.listener = ChangeListener(url, lambda _: None, lambda: None, self.clock)
        self.builder = AnswerBuilder(SITE, NAMES, [])

    def close(self) -> None:
        self.loop.run_until_complete(self.pool.close())
        self.loop.close()
        self.database.close()

    def write(self, given: dict[str, Any]) -> tuple[str, str]:
        """The facts as rows; the article and the reader."""
        number = next(numbers)
        article, reader, section = f"article-{number}", f"rdr_{number}", f"Section {number}"
        with psycopg.connect(self.url) as connection:
            do = connection.execute
            do("DELETE FROM public_window")
            level, (free, after), published = given["article"]
            free, after = (free, after) if level else (None, None)
            do(
                "INSERT INTO article (id, title, url, section, access, free_hours, open_after_days, published_at)"
                " VALUES (%s, 't', 'u', %s, %s, %s, %s, %s)",
                (article, section, level, free, after, at(published)),
            )
            if given["section"]:
                level, (free, after) = given["section"]
                free, after = (free, after) if level else (None, None)
                do(
                    "INSERT INTO section_policy (section, at, access, free_hours, open_after_days, actor_kind, actor_id)"
                    " VALUES (%s, %s, %s, %s, %s, 'command', 'b')",
                    (section, START, level, free, after),
                )
            do(
                "INSERT INTO reader (id, email, created_at) VALUES (%s, %s, %s)",
                (reader, f"{number}@example.com", START),
            )
            do(
                "INSERT INTO reader_session (id, token_hash, reader_id, started_at, seen_at, ip, device, email_verified)"
                " VALUES (%s, %s, %s, %s, %s, '', '', true)",
                (
                    f"ses_{number}",
                    SITE.tokens.digest("session", SECRET + str(number)),
                    reader,
                    START,
                    at(90),
                ),
            )
            self._subscribe(connection, reader, given["subscription"])
            for index, (until, features) in enumerate(given["grants"]):
                do(
                    "INSERT INTO complimentary_grant (id, reader_id, given_at, until, features, actor_kind, actor_id, reason)"
                    " VALUES (%s, %s, %s, %s, %s, 'command', 'b', 'w')",
                    (
                        f"grt_{number}_{index}",
                        reader,
                        at(-90),
                        at(until),
                        psycopg.types.json.Jsonb(sorted(features)),
                    ),
                )
            for index, (scope, until, closed) in enumerate(given["openings"]):
                subject = {"article": article, "section": section, "site": ""}[scope]
                do(
                    "INSERT INTO public_window (id, scope, subject, opened_at, until, reason, actor_kind, actor_id, closed_at, closed_by_kind, closed_by_id)"
                    " VALUES (%s, %s, %s, %s, %s, 'r', 'command', 'b', %s, %s, %s)",
                    (
                        f"opn_{number}_{index}",
                        scope,
                        subject,
                        at(-1),
                        at(until),
                        *((START, "command", "b") if closed else (None, None, None)),
                    ),
                )
        return article, reader

    def _subscribe(self, connection: psycopg.Connection, reader: str, given: Any) -> None:
        if given is None:
            return
        state, cancels, until = given
        ended = state == "ended"
        cancels_at = None if cancels is None else at(cancels)
        connection.execute(
            "INSERT INTO subscription (id, reader_id, plan_id, price_id, state, started_at, charge_on, period_number,"
            " access_until, ended_at, next_action, next_action_at, cancel_asked_at, cancels_at, resumes_on)"
            " VALUES (%s, %s, 'monthly', 'monthly-75', %s, %s, %s, 1, %s, %s, %s, %s, %s, %s, %s)",
            (
                reader.replace("rdr", "sub"),
                reader,
                state,
                START,
                START.date(),
                at(until),
                START if ended else None,
                None if ended else "x",
                None if ended else at(until),
                cancels_at and START,
                cancels_at,
                at(until).date() if state == "paused" else None,  # read again from that day on, job or no job
            ),
        )

    def fast(
        self, cache: AccessCache, who: PresentedCredentials, article: str, then: datetime
    ) -> AccessAnswer | None:
        """From this cache, filled where something is missing."""
        loader = Loader(self.pool, SITE, AccessCache(1, self.clock), self.listener, self.clock)
        while True:
            found = self.builder.answers(cache, who, (article,), then, self.clock.seconds())
            if not isinstance(found, tuple):
                return found[0] if found else None
            if not self.loop.run_until_complete(loader.fill(cache, found, then)):
                return None

    def slow(self, article: str, reader: str | None, then: datetime) -> dict[str, Any]:
        with self.database.begin(SITE, then, WORKER) as ctx:
            known = entitlements_of(ctx, reader)
            asking = AccessRequest(known, (Visitor(reader or "vis_new"),), counts=False)
            checked = check(ctx, MeterLimits(10, 3), article, asking)
        return shapes.access(checked, SITE.offer_url)


@pytest.fixture
def paths(database_url: str) -> Iterator[BothPaths]:
    found = BothPaths(database_url)
    yield found
    found.close()


def agree(paths: BothPaths, given: dict[str, Any]) -> int:
    """The number of answers from the cache. Each is the database's answer too."""
    article, reader = paths.write(given)
    number = reader.removeprefix("rdr_")
    cookie = {
        "nobody": "",
        "session": f"masthead-session={SECRET}{number}",
        "unknown session": "masthead-session=x",
    }
    header = cookie[given["who"]].encode()
    who, cache = PresentedCredentials(header, b"", NO_QUERY), AccessCache(100, paths.clock)
    signed_in, answered = given["who"] == "session", 0
    for seconds in given["instants"]:
        then = START + timedelta(seconds=seconds)
        answer = paths.fast(cache, who, article, then)
        if answer is None:
            continue
        answered += 1
        now = paths.clock.seconds()
        quick = paths.builder.fast_path(cache, [(b"cookie", header)], article, then.timestamp(), now)
        assert quick == (answer if answer.decision.allowed and signed_in else None)
        slow = paths.slow(article, reader if signed_in else None, then)
        assert json.loads(answer.body) == slow, (given, then)
    return answered


def throw(paths: BothPaths, examples: int) -> None:
    answered = []

    @settings(max_examples=examples, database=None)
    @given(facts)
    def same(given: dict[str, Any]) -> None:
        answered.append(agree(paths, given))

    same()
    assert sum(map(bool, answered)) > examples // 3, "the cache answers by itself, or nothing was shown"


def test_memory_and_database_say_the_same(paths: BothPaths) -> None:
    throw(paths, 120)


@pytest.mark.prove
def test_memory_and_database_say_the_same_again_and_again(paths: BothPaths) -> None:
    throw(paths, sized(at_length=3_000, usual=300))
