"""`python -m tests.bench.table_sizes`: rows and bytes of each table that grows, from simulated months, and what readers need in a year.

Readers live through the months as in `billing simulate`, without faults. What they don't do there is inserted: newsletters, metered
articles and sign-ins. Bytes are those of the rows with their indexes and the texts stored beside them, without what an empty table has,
and packed as `VACUUM FULL` leaves them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import psycopg

from billing.access.meter import KEPT
from billing.dev.postgres import Embedded
from billing.platform.partitions import MONTHLY
from billing.platform.retention import RULES
from billing.tables import metadata
from tests.support.installation import prepare

ROOT = Path(__file__).parents[2]
READERS = (100_000, 1_000_000, 10_000_000)
LEAST_ROWS = 100
"""Fewer say little about the bytes of a row."""
INSERTED = 20_000
ISSUES = 264
"""A year of a newsletter on working days, to one address."""
INSERTS = (
    f"""INSERT INTO meter_month (visitor, month, readings, carried)
        SELECT 'vis_' || lpad(n::text, 22, '0'), '2027-01-01', (
            SELECT jsonb_object_agg('article-' || article, '2027-01-15T08:30:00.123456+00:00')
            FROM generate_series(n, n + 2) article), '{{}}'
        FROM generate_series(1, {INSERTED}) n""",
    """INSERT INTO newsletter (id, name, description, rhythm, audience, kind, position)
       VALUES ('daily', 'Daily', 'What happened.', 'Weekdays', 'everyone', 'editorial', 1)""",
    """INSERT INTO issue (id, newsletter_id, state, subject, preheader, source, cards, version, author, created_at, changed_at,
           changed_by, stalls, started_at, finished_at, recipients)
       VALUES ('iss_' || repeat('a', 26), 'daily', 'sent', 's', 'p', 's', '{}', 1, 'a', now(), now(), 'a', 0, now(), now(), 1)""",
    f"""INSERT INTO delivery (issue_id, address_key, started_at, address, signup_id, variant, state, tries, next_attempt_at, last_answer, settled_at)
        SELECT 'iss_' || repeat('a', 26), 'reader-' || n || '@example.com', (SELECT started_at FROM issue), 'reader-' || n || '@example.com',
            'sgn_' || lpad(n::text, 26, 'a'), 'everyone', 'sent', 1, now(), '250 2.0.0 Ok: queued as 4Xk2vN1Qz9z7', now()
        FROM generate_series(1, {INSERTED}) n""",
    f"""INSERT INTO reader_session (id, token_hash, reader_id, started_at, seen_at, times_seen, ip, device, email_verified)
        SELECT 'ses_' || lpad(n::text, 26, 'a'), encode(sha256(n::text::bytea), 'hex'), (SELECT id FROM reader LIMIT 1), now(), now(), 20,
            '198.51.100.7', 'Firefox on Windows', true
        FROM generate_series(1, {INSERTED}) n""",
)
ASSUMED = {"meter_month": 12.0, "delivery": float(ISSUES), "reader_session": 3.0}
"""Rows of a reader in a year that are inserted here, so not counted: metered articles in each month, a newsletter, three browsers."""
OF_A_DAY = "kind IN ('recognition', 'payout')"
DAILY = {
    "ledger_transaction": OF_A_DAY,
    "ledger_entry": f"transaction_id IN (SELECT id FROM ledger_transaction WHERE {OF_A_DAY})",
    "balance_movement": "category = 'payout'",
    "inbound_event": "event_type LIKE 'payout%'",
}
"""Rows of each day, however many readers there are."""
PAID = {
    **dict.fromkeys(("invoice", "attempt", "payment", "deferral", "balance_movement"), "true"),
    **dict.fromkeys(("ledger_transaction", "ledger_entry"), "true"),
    "message": "kind = 'receipt'",
    "subscription_change": "event = 'charged'",
    "inbound_event": "event_type LIKE 'payment_intent%'",
}
"""Rows that come with a payment. All others come with a reader's start and what may follow it."""
LEFT_OUT = {
    "doctor_visit",
    "reconciliation",
    "payout",
    "consent_text",
    "rate_count",
    "api_answer",
    "staff_case",
}
"""Tables that grow with days, texts, or calls of programs."""
PACKED = "packed_"
"""Begins the name of a copy without partitions: of a few hundred rows, each month would have pages that are nearly empty."""
SIZES = f"""
SELECT name, pg_total_relation_size(coalesce(to_regclass('{PACKED}' || name), name::regclass))::bigint FROM unnest(%s::text[]) name
"""


@dataclass(frozen=True, slots=True)
class Grown:
    """A table: the bytes of a row, and how many rows come with a reader's start and with a payment."""

    name: str
    bytes_a_row: float
    a_start: float
    a_payment: float

    @property
    def a_year(self) -> float:
        """Rows of a reader's first year, with twelve payments."""
        return ASSUMED.get(self.name, self.a_start + 12 * self.a_payment)

    @property
    def kept_days(self) -> int | None:
        """For how many days a row is kept; None: for good."""
        days = {rule.table: rule.days for rule in RULES} | {"meter_month": KEPT.days}
        return days.get(self.name)

    @property
    def bytes_a_year(self) -> float:
        """What a reader adds in the first year and is still there at its end."""
        return self.a_year * self.bytes_a_row * min(1.0, (self.kept_days or 365) / 365)


@click.command()
@click.option("--readers", default=200, show_default=True)
@click.option("--months", default=12, show_default=True)
def main(readers: int, months: int) -> None:
    """Simulate, measure, and print a Markdown table."""
    with (
        tempfile.TemporaryDirectory(prefix="masthead-bench-") as folder,
        Embedded.start(Path(folder) / "postgres", durable=False, disposable=True) as server,
    ):
        empty, lived = server.create("empty"), server.create("lived")
        prepare(empty)
        pack(empty)
        _simulate(lived, readers, months)
        click.echo(as_table(list(grown(lived, sizes(empty)))))


def _simulate(url: str, readers: int, months: int) -> None:
    command = [sys.executable, "-m", "billing.cli", "simulate", "--faults", "none", "--report", os.devnull]
    size = ["--readers", str(readers), "--months", str(months)]
    subprocess.run([*command, *size], env={**os.environ, "BILLING_DATABASE_URL": url}, cwd=ROOT, check=True)


def pack(url: str) -> None:
    """Copy what is in monthly partitions into tables without, and pack all tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in MONTHLY:
            copy = f"{PACKED}{table.name}"
            connection.execute(f"CREATE TABLE {copy} (LIKE {table.name} INCLUDING ALL)".encode())
            rows = f"INSERT INTO {copy} OVERRIDING SYSTEM VALUE SELECT * FROM {table.name}"
            connection.execute(rows.encode())
        connection.execute("VACUUM FULL ANALYZE")


def sizes(url: str) -> dict[str, int]:
    """The bytes of each table, with its indexes."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute(SIZES, [list(metadata.tables)]).fetchall())


def grown(url: str, empty: Mapping[str, int]) -> Iterator[Grown]:
    """Insert what the simulation lacks; then each table that has grown with readers or payments."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in INSERTS:
            connection.execute(statement.encode())
    pack(url)
    now = sizes(url)
    with psycopg.connect(url) as connection:

        def count(table: str, only: str = "true") -> int:
            row = connection.execute(f"SELECT count(*) FROM {table} WHERE {only}".encode()).fetchone()
            return int(row[0]) if row else 0

        # events are thrown away, so their payments are those since the oldest one
        since = "paid_at >= (SELECT min(received_at) FROM inbound_event)"
        payments, lately, readers = count("payment"), count("payment", since), count("reader")
        for table in sorted(metadata.tables.keys() - LEFT_OUT):
            rows = count(table)
            if rows < LEAST_ROWS:
                continue
            daily = DAILY.get(table, "false")
            paid = count(table, f"({PAID.get(table, 'false')}) AND NOT ({daily})")
            yield Grown(
                table,
                (now[table] - empty[table]) / rows,
                (rows - paid - count(table, daily)) / readers,
                paid / (lately if table == "inbound_event" else payments),
            )


def as_table(tables: list[Grown]) -> str:
    """A row a table, the largest first; gigabytes after a year at each size."""
    heads = " | ".join(f"{readers / 1e6:g} M" for readers in READERS)
    lines = [
        f"| table | rows a start | rows a payment | rows a year | bytes a row | kept | GB: {heads} |",
        "|---|---|---|---|---|---|" + "---|" * len(READERS),
    ]
    for one in sorted(tables, key=lambda one: -one.bytes_a_year):
        kept = f"{one.kept_days} days" if one.kept_days else "for good"
        came = ("", "") if one.name in ASSUMED else (f"{one.a_start:.1f}", f"{one.a_payment:.1f}")
        figures = (*came, f"{one.a_year:.1f}", f"{one.bytes_a_row:.0f}", kept)
        lines.append(f"| `{one.name}` | {' | '.join(figures)} | {_gigabytes(one.bytes_a_year)} |")
    rows = sum(one.a_year for one in tables)
    total = _gigabytes(sum(one.bytes_a_year for one in tables))
    return "\n".join([*lines, f"| all | | | {rows:.0f} | | | {total} |"])


def _gigabytes(of_a_reader: float) -> str:
    return " | ".join(f"{of_a_reader * readers / 1e9:,.1f}" for readers in READERS)


if __name__ == "__main__":
    main()
