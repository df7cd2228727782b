"""The drill: `billing migrate` of the next release runs while processes of this one serve and charge. Every answer is right, and nobody
waits for a lock longer than a migration may."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event

import psycopg
import pytest

from billing.platform import migrate
from billing.platform.db import Database
from billing.platform.migration_plan import plan
from billing.platform.time_limits import TIME_LIMITS, Work
from tests.proofs.many_readers import cancel, due
from tests.support.databases import Databases
from tests.support.migration_rules import faults
from tests.support.next_release import next_release
from tests.support.polling import until
from tests.support.proof_size import sized
from tests.support.restored import all_kept
from tests.support.worker_processes import StartWorker, Worker, quiet
from tests.support.world import World, local

READERS = sized(at_length=400, usual=40)
CLIENTS = 4
OPERATOR = "an operator's terminal"
COLUMN = 'op.add_column("{0}", sa.Column("of_the_next_release", sa.Text()))'
TABLES = ("reader", "subscription", "attempt", "invoice", "payment", "message", "reader_session", "api_key")
NEXT = {
    **{f"a column of {table}": COLUMN.format(table) for table in TABLES},
    "a column with a default": (
        'op.add_column("subscription", sa.Column("also_next", sa.Integer(), server_default="0", nullable=False))'
    ),
    "a table": (
        'op.create_table("note", sa.Column("reader_id", sa.Text(), sa.ForeignKey("reader.id"), primary_key=True))'
    ),
    "an index": (
        "with op.get_context().autocommit_block():\n"
        '    op.drop_index("message_next", if_exists=True, postgresql_concurrently=True)\n'
        '    op.create_index("message_next", "message", ["of_the_next_release"], postgresql_concurrently=True)'
    ),
}
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'message_next'::regclass"


@contextmanager
def load(world: World) -> Iterator[None]:
    """For the length of the block, clients start trials, read and cancel. All their answers must be right."""
    stop, numbers, rounds = Event(), count(), list[int]()
    free, locked = world.articles["free"][0], world.articles["subscriber"][0]

    def one_client() -> None:
        while not stop.is_set():
            number = next(numbers)
            started = world.start_trial(f"late_{number}@example.com", f"pm_card_visa__late_{number}")
            assert world.access(locked, started["reader"]["id"])["allowed"], "a trial reads at once"
            with world.browse() as browser:
                assert browser.get(f"/articles/{free}").status == 200
            cancel(world, started["subscription"]["id"]).raise_for_status()
            assert world.subscription(started["subscription"]["id"])["next_charge"] is None
            rounds.append(number)

    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(one_client) for _ in range(CLIENTS)]

        def go_round() -> None:
            enough = len(rounds) + CLIENTS
            until(
                lambda: len(rounds) >= enough or any(each.done() for each in running),
                "each client to go round",
            )

        try:
            go_round()
            yield
            go_round()
        finally:
            stop.set()
        for each in running:
            each.result()


@pytest.fixture
def short_waits_for_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL ends a statement of the web process that waits for a lock longer than a migration may."""
    for work in (Work.REQUEST, Work.RUN):
        limits = replace(TIME_LIMITS[work], lock=TIME_LIMITS[Work.MIGRATION].lock)
        monkeypatch.setitem(TIME_LIMITS, work, limits)


def charged(world: World) -> Counter[str]:
    """How often each subscription was charged."""
    return Counter(charge["metadata"]["subscription"] for charge in world.charges())


def send_charges(world: World, worker: Worker) -> None:
    """Return when the worker has sent charges; Stripe answers none of them until `sandbox.faults()`."""
    world.sandbox.faults({"effect": "slow", "path": "/v1/payment_intents*", "seconds": 60, "times": None})
    worker.ready()
    until(lambda: world.sandbox.http.get("/_sandbox/faults").json()["faults"][0]["hit"], "charges to be sent")


@pytest.mark.prove
@pytest.mark.usefixtures("short_waits_for_locks")
def test_processes_of_this_release_work_on_while_the_next_one_migrates(
    databases: Databases, tmp_path: Path, start_worker: StartWorker
) -> None:
    with databases.fresh() as url, World(url) as world:
        started = due(world, READERS)
        worker = start_worker(world)
        send_charges(world, worker)
        with load(world), psycopg.connect(url, application_name=OPERATOR) as operator:
            operator.execute("SELECT count(*) FROM subscription")
            blockers: list[str] = []

            def waits(who: str) -> None:
                blockers.append(who)
                if OPERATOR in who:  # by now clients wait behind the migration
                    world.sandbox.faults()
                    operator.rollback()

            with next_release(tmp_path, NEXT), closing(Database(url)) as database:
                assert [faults(migration) for migration in plan({"0001"})] == [[]] * len(NEXT)
                migrate.upgrade(database, waits=waits)
            assert any(OPERATOR in who for who in blockers)
        assert world.rows("SELECT version_num FROM alembic_version") == [
            {"version_num": f"{len(NEXT) + 1:04}"}
        ]
        assert world.rows(IS_VALID) == [{"indisvalid": True}]
        until(lambda: quiet(world), "the worker to finish")
        worker.stop()
        assert "ERROR" not in worker.words, worker.words
        assert charged(world) == Counter(started)

        later = start_worker(world).ready()
        assert "the database is ahead of this code" in later.words
        world.skip_to(local(2027, 4, 16, 9))
        until(lambda: quiet(world), "a worker of this release to charge on the next schema")
        later.stop()
        assert "ERROR" not in later.words, later.words
        assert charged(world) == Counter(started * 2)
        world.settle()
        all_kept(world)
