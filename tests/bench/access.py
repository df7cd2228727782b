"""Benchmark of the access check, beside a bare ASGI app that answers 200 bytes to the same requests.

On a shared machine CPU time per request is the steady measure; requests a second are shown beside it."""

import hashlib
import json
import re
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter
from zoneinfo import ZoneInfo

import click
import httpx
import sqlalchemy as sa
from sqlmodel import Session

from billing.access import edge_tokens
from billing.access.articles import register
from billing.access.entitlements import Entitlements
from billing.access.models import Article
from billing.access.policies import AccessTerms
from billing.access_cache.answer_builder import AnswerBuilder, CookieNames
from billing.access_cache.cache import AccessCache
from billing.access_cache.presented import PresentedCredentials
from billing.dev.postgres import Embedded
from billing.platform import installation, list_key, migrate
from billing.platform.actors import WORKER, Command
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.monotonic import SystemMonotonic
from billing.platform.settings import read_settings
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.rules.access import AccessLevel, Entitlement, Reason
from billing.staff.api_keys import create
from billing.subscriptions import first_plans
from tests.bench.figures import Figure
from tests.bench.freshness import freshness
from tests.bench.load import WRK, Process, Served, run, script, serving
from tests.bench.readers import SECRET_KEY, populate, reader_of

PART = "access"
ARTICLES = 200
BULK = 100
ONE, GATE = "/v1/access/article-", "/v1/gate/article-"
BARE = "a bare app"
ON_THE_METER = 200
"""Readers without a subscription, who read metered articles."""
BY = (
    "by CPU is requests per second of the process's own time, which others on the machine disturb least; by wrk is requests"
    " per second that went by. Five headers more than the bare app's are a quarter of the difference."
)
COUNTED = "the framework looks into the database each time, under a lock of the reader's: what is counted is never more than n"


def measure(quick: bool) -> list[Figure]:
    """All figures of the access path; without wrk only those that need no load."""
    figures = [_memory(100_000 if quick else 1_000_000), *_tokens()]
    if WRK is None:
        click.echo(
            "wrk is not installed (Debian: apt-get install wrk); what needs load is left out", err=True
        )
        return figures
    readers, rounds, seconds = (2_000, 1, 2.0) if quick else (100_000, 5, 4.0)
    with (
        tempfile.TemporaryDirectory(prefix="masthead-bench-") as folder,
        publisher(Path(folder), readers) as house,
    ):
        environ, key = house
        scripts = _scripts(Path(folder), readers, key)
        with (
            serving("bare", environ) as bare,
            serving("gate", environ) as gate,
            serving("usual", environ) as usual,
        ):
            _warm(Path(folder), gate, readers)
            run(
                gate, scripts["one"], seconds
            )  # warm up: the cache keeps an answer for each article and each kind of entitlements
            cases = {
                "bare": (bare, "one"),
                "one": (gate, "one"),
                "gate": (gate, "gate"),
                "bulk": (gate, "bulk"),
                "metered": (gate, "metered"),
                "usual": (usual, "one"),
            }
            found = _in_turn({name: (at, scripts[lua]) for name, (at, lua) in cases.items()}, rounds, seconds)
        figures += _ratios(found, readers)
        figures += _sizes(Path(folder), environ, rounds, seconds, quick)
        figures += freshness(environ, 10 if quick else 150, scripts["one"], readers)
    return figures


@contextmanager
def publisher(folder: Path, readers: int) -> Iterator[tuple[dict[str, str], str]]:
    """Make a database of readers; yield a web process's environment and an API key."""
    with Embedded.start(folder / "postgres", durable=False, disposable=True) as server:
        environ = {
            "BILLING_DATABASE_URL": server.url(),
            "BILLING_SECRET_KEY": SECRET_KEY,
            "BILLING_STRIPE_SECRET_KEY": "sk_test_bench",
            "BILLING_STANDINGS_IN_MEMORY": "4000000",
        }
        settings = read_settings(environ)
        database = Database(settings.database_url)
        migrate.upgrade(database)
        at = datetime.now(UTC)
        with database.transaction() as session:
            installation.claim(session, settings)
            list_key.seal_first(session, settings)
            first_plans.add(session)
            tokens = list_key.load_tokens(session, settings)
            site = Site(settings.zone, settings.public_url, tokens)
            _articles(session, site, settings.meter_registered, at)
            key = create(
                TransactionContext(session, site, at, WORKER), "bench", ["access", "money", "readers"]
            )
        populate(settings.database_url, tokens, readers + ON_THE_METER)
        with database.transaction() as session:
            session.execute(
                sa.text("DELETE FROM subscription WHERE reader_id >= :first"), {"first": reader_of(readers)}
            )
        database.close()
        yield environ, key


def _articles(session: Session, site: Site, metered: int, at: datetime) -> None:
    names = {f"article-{number}": AccessLevel.SUBSCRIBER for number in range(ARTICLES)}
    names |= {f"metered-{number}": AccessLevel.METERED for number in range(metered)}
    for name, level in names.items():
        url = f"https://paper.example/{name}"
        article = Article(id=name, title=name, url=url, section="News", published_at=at)
        register(TransactionContext(session, site, at, Command("test")), article, AccessTerms(level))


def _lua(head: str, request: str) -> str:
    return f"""{head}
math.randomseed(os.time())
function headers(i)
  return {{["Cookie"] = string.format("masthead-browser=Qm9yZ2VydHMta2xpcC1lbi1zYW5kLTEyMzQ1Njc4OTA; masthead-session=a-session-for-the-benchmark-%015d", i),
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ["Accept"] = "application/json",
    ["Accept-Language"] = "en-ZA,en;q=0.8,af;q=0.5", ["Accept-Encoding"] = "gzip, deflate, br"}}
end
function request() {request} end
"""


def _everyone(readers: int, first: int) -> str:
    """A wrk script that requests for each reader in turn, so that all are cached."""
    return _lua(
        f"local i = {first - 1}",
        f'i = i + 1; return wrk.format("GET", "/v1/access/article-" .. (i % {ARTICLES}), headers(i % {readers}))',
    )


def _about_one(folder: Path, name: str, address: str, readers: int) -> Path:
    """A wrk script that requests for a random reader and a random article."""
    article = f'"{address}" .. math.random(0, {ARTICLES} - 1)'
    request = f'return wrk.format("GET", {article}, headers(math.random(0, {readers} - 1)))'
    return script(folder, name, _lua("", request))


def _scripts(folder: Path, readers: int, key: str) -> dict[str, Path]:
    # `%s` is the reader's number; so many articles take a program with a key
    ids = json.dumps({"articles": [f"article-{number}" for number in range(BULK)], "reader_id": "rdr_%s"})
    return {
        "one": _about_one(folder, "one", ONE, readers),
        "gate": _about_one(folder, "gate", GATE, readers),
        "metered": script(
            folder,
            "metered",
            _lua(
                "",
                f'return wrk.format("GET", "/v1/access/metered-" .. math.random(0, 9),'
                f" headers({readers} + math.random(0, {ON_THE_METER} - 1)))",
            ),
        ),
        "bulk": script(
            folder,
            "bulk",
            _lua(
                f"local body, h = '{ids}', {{['Content-Type'] = 'application/json', Authorization = 'Bearer {key}'}}",
                f'local reader = string.format("%026d", math.random(0, {readers} - 1));'
                ' return wrk.format("POST", "/v1/access", h, string.format(body, reader))',
            ),
        ),
    }


def _warm(folder: Path, process: Process, readers: int) -> None:
    """Request for each reader until all are in memory: database look-ups are not measured."""
    known = 0
    for _ in range(60):
        run(process, script(folder, "warm", _everyone(readers, known)), 5)
        output = httpx.get(f"{process.url}/metrics", trust_env=False, timeout=30).text
        kept = re.search(r'masthead_gate_kept\{kind="sessions"\} (\S+)', output)
        known = int(float(kept.group(1))) if kept is not None else 0
        if known >= readers:
            return
    raise RuntimeError(f"only {known} readers got into memory")


def _in_turn(cases: dict[str, tuple[Process, Path]], rounds: int, seconds: float) -> dict[str, Served]:
    """The median of each. They are measured in turn, so that changing machine load affects all alike."""
    measured: dict[str, list[Served]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (process, lua) in cases.items():
            served = run(process, lua, seconds)
            if served.wrong:
                raise RuntimeError(f"{name}: {served.wrong} answers were refusals")
            measured[name].append(served)
    return {
        name: replace(
            runs[0],
            a_second=median(one.a_second for one in runs),
            a_cpu_second=median(one.a_cpu_second for one in runs),
            p50=median(one.p50 for one in runs),
            p99=median(one.p99 for one in runs),
        )
        for name, runs in measured.items()
    }


def _ratios(found: dict[str, Served], readers: int) -> list[Figure]:
    bare, one, gate, bulk, metered, usual = (
        found[name] for name in ("bare", "one", "gate", "bulk", "metered", "usual")
    )
    who = f"of {readers:,} signed-in readers"
    unit = "answers/CPU s"
    return [
        Figure(
            PART, f"a check {who}, by CPU", one.a_cpu_second, unit, bare.a_cpu_second, BARE, 0.65, bound=BY
        ),
        Figure(PART, f"a check {who}, by wrk", one.a_second, "answers/s", bare.a_second, BARE, 0.65),
        Figure(PART, "its p99", one.p99, "ms", bare.p99, BARE, 3, lower=True),
        Figure(PART, "the gate's answer without a body", gate.a_cpu_second, unit, bare.a_cpu_second, BARE),
        Figure(PART, "a metered read", metered.a_cpu_second, unit, bare.a_cpu_second, BARE, bound=COUNTED),
        Figure(
            PART,
            "the usual dependency, a session a request",
            usual.a_cpu_second,
            unit,
            bare.a_cpu_second,
            BARE,
        ),
        Figure(
            PART,
            f"an article among {BULK} asked at once",
            bulk.a_cpu_second * BULK,
            "articles/CPU s",
            one.a_cpu_second,
            "asked alone",
            20,
        ),
    ]


def _sizes(folder: Path, environ: dict[str, str], rounds: int, seconds: float, quick: bool) -> list[Figure]:
    """Measure with few readers in memory, and with a thousand times as many."""
    few, many = 1_000, 20_000 if quick else 1_000_000
    with serving("gate", environ, few) as small, serving("gate", environ, many) as large:
        scripts = {}
        for name, count in (("few", few), ("many", many)):
            place = folder / name
            place.mkdir()
            scripts[name] = _about_one(place, "one", ONE, count)
        cases = {"few": (small, scripts["few"]), "many": (large, scripts["many"])}
        for process, lua in cases.values():
            run(process, lua, 3)
        found = _in_turn(cases, rounds, seconds)
        weighs = large.megabytes - small.megabytes
    return [
        Figure(
            PART,
            f"a check among {many:,} readers in memory",
            found["many"].a_cpu_second,
            "answers/CPU s",
            found["few"].a_cpu_second,
            f"{few:,} readers",
            0.9,
        ),
        Figure(PART, f"{many:,} readers with their sessions, the process's size", weighs, "MB more"),
    ]


def _memory(count: int) -> Figure:
    """Memory of this many cached entitlements, each with its own name."""
    until = datetime(2030, 1, 1, tzinfo=UTC)
    cache = AccessCache(4 * count, SystemMonotonic())
    held = [
        cache.packer.pack(
            True,
            False,
            (Entitlement(Reason.SUBSCRIPTION, until + timedelta(days=day), frozenset({"listen"}), True),),
        )
        for day in range(400)
    ]
    tracemalloc.start()
    for number in range(count):
        cache.keep_entitlements(reader_of(number), held[number % 400])
    weighs = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    bar = 200 * count / 1_000_000
    return Figure(PART, f"{count:,} standings in memory", weighs, "MB", bar, "what is allowed", 1, lower=True)


def _tokens() -> list[Figure]:
    """Time to check a reader token that is cached, and one that is new."""
    site = Site(
        ZoneInfo("UTC"), "https://paper.example", Tokens("a secret for the benchmarks, of enough length")
    )
    at, cache, builder = (
        datetime.now(UTC),
        AccessCache(100, SystemMonotonic()),
        AnswerBuilder(site, CookieNames(b"s=", b"v=", b"g="), []),
    )
    token = edge_tokens.issue(site, Entitlements(reader_of(1)), None, at)
    held = edge_tokens.read(site, token, at)
    cache.tokens.keep(hashlib.sha256(token.encode()).digest()[:16], held)
    cache.keep_entitlements(held.reader_id, cache.packer.pack(True, False, ()))
    who, now = PresentedCredentials(b"", token.encode(), {}), monotonic()
    assert builder.held(cache, who, at, now) == 1
    new = _microseconds(lambda: edge_tokens.read(site, token, at), 500)
    seen = _microseconds(lambda: builder.held(cache, who, at, now), 20_000)
    return [Figure(PART, "who a token seen before stands for", seen, "µs", new, "Ed25519", 0.1, lower=True)]


def _microseconds(work: Callable[[], object], times: int) -> float:
    began = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - began) / times * 1e6
