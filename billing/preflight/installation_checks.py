"""Settings, database, schema and secret key."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa

from billing.platform import list_key
from billing.platform.errors import RefusesToStart
from billing.platform.installation import Installation, refuse_foreign
from billing.platform.pooling import refuse_transaction_pooling
from billing.platform.reports_standby import MOST_BEHIND, look_at
from billing.platform.revisions import is_ahead, present_in
from billing.platform.settings import Environment
from billing.platform.text_encoding import ENCODING, REMEDY
from billing.preflight.check_result import CheckResult, no, ok, warn
from billing.preflight.context import Preflight

OLDEST = 15
"""The oldest major version of PostgreSQL on which this was tried."""
ROUND_TRIPS = 20
SLOW_MS, TOO_SLOW_MS = 2.0, 20.0
"""Milliseconds of a round trip. A page makes several, one after the other."""


def settings(given: Preflight) -> Iterator[CheckResult]:
    """Unsafe settings; outside `live`, what `live` would refuse."""
    read = given.settings
    faults = read.unsafe()
    yield from map(no, faults)
    if read.environment is not Environment.LIVE:
        yield from (warn(f"live would refuse: {words}") for words in read.unsafe_in_live())
        yield warn(f"BILLING_ENVIRONMENT is {read.environment}: no real money moves")
    elif not faults:
        yield ok("safe for live")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What PostgreSQL says of itself and of our account."""

    version: int
    encoding: str
    standby: bool
    superuser: bool
    may_create: bool
    foreign_tables: int
    """Tables of the schema that belong to another account, which migrations couldn't change."""


FACTS = sa.text("""
SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'), pg_is_in_recovery(),
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE'),
    (SELECT count(*) FROM pg_class JOIN pg_namespace space ON space.oid = relnamespace
        WHERE nspname = current_schema() AND relkind IN ('r', 'p') AND NOT pg_has_role(relowner, 'USAGE'))
""")


def database(given: Preflight) -> Iterator[CheckResult]:
    """Its version, our rights, a pooler in between, and how far away it is."""
    try:
        refuse_transaction_pooling(given.database)
    except RefusesToStart as refusal:
        yield no(str(refusal))
        return
    with given.reading() as session:
        facts = ServerFacts(*session.execute(FACTS).one())
        yield from server_results(facts)
        yield latency(median(_round_trips(given, session.connection())))


def server_results(facts: ServerFacts) -> Iterator[CheckResult]:
    """The faults of a server, or one line that it has none."""
    faults = {
        f"PostgreSQL {facts.version} is older than {OLDEST}, the oldest on which this was tried: upgrade it": facts.version
        < OLDEST,
        f"the database's encoding is {facts.encoding}: {REMEDY}": facts.encoding != ENCODING,
        "this server is a standby, which takes no changes: name the primary, or add target_session_attrs=read-write": (
            facts.standby
        ),
        "our account may not create tables: make it the database's owner": not facts.may_create,
        f"{facts.foreign_tables} tables belong to another account, so that migrations would fail: make ours their owner": (
            facts.foreign_tables > 0
        ),
    }
    found = [no(words) for words, is_so in faults.items() if is_so]
    yield from found
    if facts.superuser:
        yield warn("our account is a superuser of the server: use one that owns this one database")
    if not found:
        yield ok(f"PostgreSQL {facts.version}, reached without a pooler of transactions, with all rights")


def _round_trips(given: Preflight, connection: sa.Connection) -> Iterator[float]:
    """Milliseconds of some round trips."""
    for _ in range(ROUND_TRIPS):
        began = given.monotonic.seconds()
        connection.execute(sa.text("SELECT 1"))
        yield (given.monotonic.seconds() - began) * 1000


def latency(milliseconds: float) -> CheckResult:
    """Whether the database is near enough."""
    words = f"a round trip takes {milliseconds:.1f} ms"
    if milliseconds > TOO_SLOW_MS:
        return no(f"{words}, and a page makes several: put both into the same data centre")
    if milliseconds > SLOW_MS:
        return warn(f"{words}: better below {SLOW_MS:.0f} ms, in the same zone")
    return ok(words)


def schema(given: Preflight) -> Iterator[CheckResult]:
    """Whether the database is ours and has had the migrations that this code needs."""
    try:
        refuse_foreign(given.database, given.settings)
    except RefusesToStart as refusal:
        yield no(str(refusal))
        return
    with given.reading() as session:
        present = present_in(session.connection())
    at = ", ".join(sorted(present))
    if is_ahead(present):
        yield warn(f"at migration {at}, ahead of this code: start its release soon")
    else:
        yield ok(f"at migration {at}, as this code needs")


def secret_key(given: Preflight) -> Iterator[CheckResult]:
    """Whether the secret key opens what the database has sealed."""
    tokens = list_key.tokens_of(given.settings)
    with given.reading() as session:
        row = session.get(Installation, 1)
        if row is None or not row.list_key:
            yield no("the database has no list key yet: run `billing migrate`")
            return
        try:
            list_key.open_row(row, tokens)
        except list_key.WrongSecretKey as wrong:
            yield no(str(wrong))
            return
        if tokens.is_current(list_key.PURPOSE, row.list_key):
            yield ok("BILLING_SECRET_KEY is the one that this database was made with")
        else:
            yield warn("only a previous key opens the database: say `billing keys rotate-secret`")


def standby_for_reports(given: Preflight) -> Iterator[CheckResult]:
    """Whether the standby for reports answers, is this database's, and is near enough; where one is set."""
    if given.reports_standby is None:
        yield ok("none is set: the database itself answers reports")
        return
    found = look_at(given.reports_standby, given.database)
    advice = f": until then the primary answers reports ({MOST_BEHIND.total_seconds():.0f} s is the most it may lack)"
    yield ok(found.words) if found.fault is None else warn(found.words + advice)
