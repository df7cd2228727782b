"""The benchmarks run, and the baseline writes the same rows as the product."""

import importlib
from collections.abc import Callable
from itertools import repeat
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from billing.billing_run.context import RunContext
from billing.billing_run.run import run
from billing.platform.db import Database
from tests.bench import access, by_hand, by_orm, day, pages, scale_out, staff, table_sizes
from tests.bench.beside_bare import BARE
from tests.bench.crowd import AT, a_database, grow, make_due
from tests.bench.plans import Plans
from tests.bench.renew import SITE, Taking
from tests.support.one_acquirer import only
from tests.support.proof_size import only_at_length

PARTS = ("attacked", "billing_run", "finding", "nightly", "web_servers", "webhooks")
WRITTEN = {
    "subscription": "to_jsonb(s) - '{id,reader_id,payment_method_id}'::text[]",
    "invoice": "to_jsonb(i) - '{id,subscription_id,reader_id,number}'::text[] || jsonb_build_object('numbered', i.number > 0)",
    "attempt": "to_jsonb(a) - '{id,invoice_id,subscription_id,payment_method_id,idempotency_key,intent_ref}'::text[]"
    " || jsonb_build_object('key', replace(a.idempotency_key, s.id, ''), 'intent', a.intent_ref = p.intent_ref)",
    "payment": "to_jsonb(p) - '{id,invoice_id,attempt_id,reader_id,intent_ref,charge_ref}'::text[]",
    "deferral": "to_jsonb(d) - '{id,invoice_id}'::text[]",
    "ledger": "to_jsonb(t) - '{id,source_id}'::text[] || to_jsonb(e) - 'transaction_id'",
    "history": "to_jsonb(c) - '{id,subscription_id,reason}'::text[] || jsonb_build_object('reason', replace(c.reason, i.id, ''))",
    "message": "to_jsonb(m) - '{id,key,reader_id,recipient,fields}'::text[] || jsonb_build_object('words',"
    " m.fields - '{number,card_last4,cancel_url}'::text[], 'names', (SELECT count(*) FROM jsonb_object_keys(m.fields)))",
}
FROM = """
    FROM subscription s JOIN invoice i ON i.subscription_id = s.id JOIN attempt a ON a.invoice_id = i.id
    JOIN payment p ON p.attempt_id = a.id JOIN deferral d ON d.invoice_id = i.id
    JOIN ledger_transaction t ON t.source_id IN (i.id, p.id) JOIN ledger_entry e ON e.transaction_id = t.id
    JOIN subscription_change c ON c.subscription_id = s.id JOIN message m ON m.key = 'receipt:' || i.id
    WHERE s.id = ANY(%s)
"""


def test_what_ours_is_measured_against_writes_the_same_rows() -> None:
    with a_database(durable=False) as url:
        grow(url, 60)
        database = Database(url)
        run_context = RunContext(database, only(Taking(0)), SITE, pause_after=5)
        ways: dict[str, Callable[[], int]] = {
            "ours": lambda: run(run_context, AT).counts["charged"],
            "hand": lambda: by_hand.renew(url, SITE, AT, size=4, most=100),
            "orm": lambda: by_orm.renew(database, SITE, AT, most=100),
        }
        wrote = {name: _written(url, renew) for name, renew in ways.items()}
        database.close()
    for table in WRITTEN:
        assert wrote["hand"][table] == wrote["ours"][table], table
        assert wrote["orm"][table] == wrote["ours"][table], table


def _written(url: str, renew: Callable[[], int]) -> dict[str, list[Any]]:
    make_due(url, 6)
    with psycopg.connect(url) as connection:
        due = connection.execute("SELECT id FROM subscription WHERE next_action_at <= %s", [AT]).fetchall()
        connection.commit()
        assert renew() == len(due) == 6
        return {
            table: connection.execute(
                f"SELECT DISTINCT {row} {FROM} ORDER BY 1".encode(), [[row[0] for row in due]]
            ).fetchall()
            for table, row in WRITTEN.items()
        }


@only_at_length
@pytest.mark.prove
@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs(part: str) -> None:
    figures = importlib.import_module(f"tests.bench.{part}").measure(True)
    assert figures
    assert all(one.ours > 0 and one.baseline for one in figures)


@only_at_length
@pytest.mark.prove
@pytest.mark.timeout(900)
def test_the_part_of_access_runs() -> None:
    """Some of its figures stand alone; one with a bar has a baseline."""
    figures = access.measure(True)
    assert any(one.what.startswith("an article in a list") for one in figures), "with a load"
    assert all(one.ours > 0 and (one.baseline or one.bar is None) for one in figures)


@only_at_length
@pytest.mark.prove
def test_the_part_of_pages_runs() -> None:
    figures = pages.measure(True)
    assert {one.against for one in figures} >= {pages.USUAL, BARE}
    assert all(one.ours > 0 and one.baseline for one in figures)


def test_staff_pages_of_a_small_crowd_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTHEAD_STAFF", "300")
    figures = staff.measure(True)
    bars = {one.what.rpartition(", p95")[0]: one.baseline for one in figures if one.bar is not None}
    assert bars["search: two words"] == 200
    assert bars["a reader"] == bars["list of payments"] == 300
    assert bars["numbers of a year"] == bars["numbers of a month, forecast"] == 2000
    assert all(one.ours > 0 and one.baseline for one in figures)


def test_a_page_that_reads_a_large_table_from_end_to_end_misses_its_bar() -> None:
    page = staff.Page(
        "numbers", repeat("/"), 300, took=[1.0], usual=[1.0], may_scan=frozenset({"subscription"})
    )
    for scanned, holds in (((), True), (("subscription",), True), (("payment", "subscription"), False)):
        page.scanned = scanned
        (timed,) = (one for one in staff.figures_of(page, 1_000_000) if one.bar is not None)
        assert timed.holds is holds
        assert ("payment wrongly" in timed.bound) is not holds


def test_a_table_that_is_read_from_end_to_end_is_named() -> None:
    with a_database(durable=False) as url:
        grow(url, 2_000)
        database = Database(url)
        plans = Plans(database, 2_000)
        with plans.watching() as seen, database.transaction() as session:
            session.execute(sa.text("SELECT email FROM reader WHERE id = :id"), {"id": "rdr_a"})
            session.execute(
                sa.text("SELECT count(*) FROM subscription WHERE plan_id <> :plan"), {"plan": "x"}
            )
        assert seen.scanned() == ["subscription"]
        database.close()


@only_at_length
@pytest.mark.prove
def test_the_part_of_the_day_runs() -> None:
    figures = day.measure(True)
    assert any(one.what.startswith("a webhook settled") for one in figures), "beside a run"
    assert all(one.ours > 0 and (one.baseline or one.bar is None) for one in figures)


@only_at_length
@pytest.mark.prove
@pytest.mark.timeout(900)
def test_the_part_of_scaling_out_runs() -> None:
    figures = scale_out.measure(True)
    assert {one.what.partition(", ")[2] for one in figures} >= {"web processes: 4", "workers: 4"}
    assert all(one.ours > 0 for one in figures if one.bar)


@only_at_length
@pytest.mark.prove
@pytest.mark.timeout(900)
def test_the_sizes_of_tables_are_printed() -> None:
    """All readers of a short simulation are too few for most tables."""
    done = CliRunner().invoke(table_sizes.main, ["--readers", "20", "--months", "1"], catch_exceptions=False)
    assert "| `delivery` |  |  | 264.0 |" in done.output
    assert "| 40 days | 0.0 | 0.4 |" in done.output, "of meter_month"
