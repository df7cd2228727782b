"""The cache answers as the database does, at every instant, for any facts."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg_pool import AsyncConnectionPool

from billing.access import visitors
from billing.access.check import AccessRequest, check
from billing.access.entitlements import entitlements_of
from billing.access.visitors import FirstReading, Visitor
from billing.access_cache.cache import AccessCache
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.decider import AccessLookup
from billing.access_cache.entries import AccessAnswer
from billing.access_cache.load import Loader
from billing.access_cache.presented import NO_QUERY, PresentedCredentials
from billing.access_cache.visitor_states import VisitorStates
from billing.http import shapes
from billing.platform.actors import WORKER
from billing.platform.db import Database
from tests.access_cache.cache_parts import LIMITS, SITE, new_decider
from tests.support.proof_size import sized
from tests.support.stepped_clock import SteppedClock

START = datetime(2027, 3, 30, 8, tzinfo=UTC)
"""Two days before a month ends, and the meters begin anew."""
MONTH = date(2027, 3, 1)
SECRET = "secret-of-a-session"
hours = st.integers(-72, 72)
levels = st.sampled_from([None, "free", "registered", "metered", "subscriber"])
windows = st.tuples(st.none() | st.integers(1, 60), st.none() | st.integers(1, 3))
counted = st.tuples(st.booleans(), st.integers(0, 10))
"""Whether this article is counted on a meter, and how many others are."""
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
        "gift": st.sampled_from([None, "reader", "browser"]),
        "who": st.sampled_from(["nobody", "session", "unknown session"]),
        "token": st.sampled_from([None, "without a reading", "this article", "another"]),
        "counted": st.fixed_dictionaries({}, optional=dict.fromkeys(["reader", "browser"], counted)),
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
        self.listener.fresh_until = float("inf")
        self.decider = new_decider()

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
            self._read(connection, number, article, given)
        return article, reader

    def _read(
        self, connection: psycopg.Connection[Any], number: int, article: str, given: dict[str, Any]
    ) -> None:
        """A gift that was opened, and what the meters have counted."""
        names = {"reader": f"rdr_{number}", "browser": f"vis_{number}"}
        if given["gift"]:
            connection.execute(
                "INSERT INTO gift (id, reader_id, article_id, given_at, until, most, opened) VALUES (%s, %s, %s, %s, %s, 9, 1)",
                (f"gft_{number}", names["reader"], article, START, at(40)),
            )
            connection.execute(
                "INSERT INTO gift_reading (gift_id, visitor, at) VALUES (%s, %s, %s)",
                (f"gft_{number}", names[given["gift"]], START),
            )
        for who, (has_this, others) in given["counted"].items():
            articles = [f"another-{each}" for each in range(others)] + [article] * has_this
            readings = psycopg.types.json.Jsonb(dict.fromkeys(articles, START.isoformat()))
            connection.execute(
                "INSERT INTO meter_month (visitor, month, readings, carried) VALUES (%s, %s, %s, '{}')",
                (names[who], MONTH, readings),
            )

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
        states = VisitorStates(self.pool, SITE, LIMITS, cache, self.listener)
        asked = AccessLookup(who, (article,))
        while True:
            found = self.decider.answers(cache, asked, then, self.clock.seconds())
            if not isinstance(found, tuple):
                return found[0] if found else None
            kind, name = found
            if kind == "visitor":
                asked.states[name] = self.loop.run_until_complete(states.look_up(name, then))
            elif not self.loop.run_until_complete(loader.fill(cache, found, then)):
                return None

    def slow(
        self, article: str, reader: str | None, browser: Visitor | None, then: datetime
    ) -> tuple[dict[str, Any], bool]:
        """The answer, and whether it is pending."""
        known = (Visitor(reader) if reader else None, browser)
        asking = tuple(visitor for visitor in known if visitor is not None) or (visitors.new(),)
        with self.database.begin(SITE, then, WORKER) as ctx:
            request = AccessRequest(entitlements_of(ctx, reader), asking, counts=False)
            checked = check(ctx, LIMITS, article, request)
        return shapes.access(checked, SITE), checked.pending


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
    first = {"this article": article, "another": "another-0"}.get(given["token"])
    known = Visitor(f"vis_{number}", FirstReading(MONTH, first) if first else None)
    browser = known if given["token"] else None
    token = f"; masthead-visitor={visitors.token(SITE, known)}" if browser else ""
    header = (cookie[given["who"]] + token).encode()
    who, cache = PresentedCredentials(header, b"", NO_QUERY), AccessCache(100, paths.clock)
    signed_in, answered = given["who"] == "session", 0
    for seconds in given["instants"]:
        then = START + timedelta(seconds=seconds)
        answer = paths.fast(cache, who, article, then)
        if answer is None:
            continue
        answered += 1
        now = paths.clock.seconds()
        quick = paths.decider.builder.fast_path(cache, [(b"cookie", header)], article, then.timestamp(), now)
        head, decision, is_pending, _ = answer
        is_quick = decision.allowed and decision.reason not in ("meter", "gift") and signed_in
        assert quick == (answer if is_quick else None)
        slow = paths.slow(article, reader if signed_in else None, browser, then)
        assert (json.loads(head + decision.tail), is_pending) == slow, (given, then)
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
