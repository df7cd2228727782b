"""What operators see of the work: queues with ages, what was last done, and what was done, at `/metrics`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from billing.platform import heartbeat, partitions
from billing.platform.installation import is_home_in
from billing.reports.queues import QUEUES
from billing.timetable import Queue, tick
from tests.support.broken_tables import every_commit_fails, missing_table, refused_rows
from tests.support.cli import held, run_as_process
from tests.support.metrics import labelled, metrics
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.webhook_messages import event, post
from tests.support.world import World, local

Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(world: World) -> Samples:
    """Every sample, by its name and the values of its labels, in the order of the labels' names."""
    families = text_string_to_metric_families(metrics(world))
    return {
        (each.name, tuple(each.labels.values())): each.value for family in families for each in family.samples
    }


@contextmanager
def counted(world: World) -> Iterator[Samples]:
    """What is counted in the block: only the process's own counters that grew."""
    before, grown = samples(world), Samples()
    yield grown
    for key, value in samples(world).items():
        if key[0].endswith("_total") and value != before.get(key, 0):
            grown[key] = value - before.get(key, 0)


def queues(world: World) -> dict[str, tuple[float, float]]:
    """Length and age in seconds of each queue in which something waits."""
    ages = labelled(world, "masthead_queue_age_seconds")
    lengths = labelled(world, "masthead_queue_length")
    assert lengths.keys() == ages.keys() == QUEUES.keys()
    return {name: (length, ages[name]) for name, length in lengths.items() if length}


def test_what_waits_is_counted_and_has_the_age_of_its_oldest(world: World, in_trial: Subscriber) -> None:
    assert queues(world) == {}
    fast_forward(world, local(2027, 3, 15, 12))
    world.skip_to(local(2027, 3, 16, 10))
    (due,) = world.rows("SELECT next_action_at FROM subscription")
    late = (world.now - due["next_action_at"]).total_seconds()
    assert (queues(world), late > 0) == ({"subscriptions": (1, late)}, True)
    assert post(world, event(world)).status_code == 200
    world.smtp.refuse(451, "later", to=in_trial.email)
    reader = world.browser()
    reader.get("/sign-in")
    reader.post("/sign-in", email=in_trial.email)
    world.skip_to(local(2027, 3, 16, 10, 1))
    assert queues(world)["events"] == (1, 60)
    assert queues(world)["sign_in_mail"] == (1, 60)
    tick(world.services, queue=Queue.BILLING)
    tick(world.services, queue=Queue.MAIL)
    world.skip_to(local(2027, 3, 16, 10, 3))
    assert queues(world)["mail"] == (1, 120), "a receipt that the relay puts off still waits"


def test_a_charge_in_doubt_and_a_refund_that_nobody_sends_wait_too(world: World, paid: Subscriber) -> None:
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    given = world.api.post(f"/v1/payments/{payment}/refunds", json={"amount": 100, "reason": "A kindness."})
    assert given.status_code == 201
    world.execute("UPDATE attempt SET state = 'open', settled_at = NULL, doubt = 'a time-out'")
    world.skip_to(local(2027, 3, 16, 13))
    waiting = queues(world)
    assert waiting["refunds"] == (1, 3600)
    assert waiting["charges"] == waiting["charges_in_doubt"]
    assert waiting["charges"][0] == 1
    world.execute("UPDATE attempt SET state = 'charged', settled_at = intended_at, doubt = NULL")
    world.settle()
    assert queues(world) == {}


def test_a_queue_is_counted_by_an_index_that_has_its_order(world: World) -> None:
    """However few rows the planner expects: it neither reads a table nor sorts. It merges what partitions have in order."""
    partitions.keep_up(world.services.database, world.now)
    with world.services.database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        for name, query in QUEUES.items():
            plan = connection.execute(sa.text(f"EXPLAIN {query} LIMIT 10"), {"at": world.now}).scalars().all()
            indexes = set(re.findall(r"using (\w+)|Index Scan on (\w+)", "\n".join(plan)))
            assert not re.search(r"Seq Scan|Sort  \(|Bitmap", "\n".join(plan)), (name, plan)
            assert indexes, (name, plan)
            assert not any("pk" in index for pair in indexes for index in pair), (name, plan)


def test_it_says_when_each_was_last_done(world: World, in_trial: Subscriber) -> None:
    name = "masthead_last_done_timestamp_seconds"
    assert labelled(world, name) == {}
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)
    world.advance_to(local(2027, 3, 18, 12))
    done = labelled(world, name)
    (beat,) = world.rows("SELECT at, run_at FROM worker_heartbeat")
    (visit,) = world.rows("SELECT max(at) AS at FROM doctor_visit")
    (books,) = world.rows("SELECT max(done_at) AS at FROM reconciliation")
    assert done == {
        "heartbeat": beat["at"].timestamp(),
        "billing_run": beat["run_at"].timestamp(),
        "doctor": visit["at"].timestamp(),
        "reconciliation": books["at"].timestamp(),
    }
    assert samples(world)["masthead_promises_broken", ()] == 0


def test_charges_refunds_and_mails_are_counted_by_what_became_of_them(
    world: World, notified: Subscriber
) -> None:
    with counted(world) as grown:
        world.advance_to(local(2027, 3, 16, 12))
    assert grown["masthead_charges_total", ("charged",)] == 1
    assert grown["masthead_mails_total", ("accepted",)] == 1
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    with counted(world) as grown:
        world.api.post(f"/v1/payments/{payment}/refunds", json={"amount": 100, "reason": "A kindness."})
        world.settle()
    assert grown["masthead_refunds_total", ("succeeded",)] == 1
    card = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.decline(card, "insufficient_funds")
    with counted(world) as grown:
        world.advance_to(local(2027, 4, 16, 12))
    assert grown["masthead_charges_total", ("declined",)] == 1
    assert ("masthead_charges_total", ("charged",)) not in grown


def test_a_command_prints_what_it_charged_and_the_rows_show_it(
    world: World, notified: Subscriber, tmp_path: Path
) -> None:
    """Its counters end with it. Alarms ask the database: what waits, and when the last run was done."""
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)
    world.skip_to(local(2027, 3, 16, 12))
    assert queues(world).keys() == {"subscriptions"}
    with counted(world) as grown:
        done = run_as_process(held(world), "run", folder=tmp_path)
    assert (done.returncode, "   charged 1\n" in done.stdout) == (0, True), done
    assert "masthead_charges_total" not in {name for name, _ in grown}
    waiting = queues(world).keys()
    assert ("subscriptions" in waiting, "mail" in waiting) == (False, True), "the receipt is left to a worker"
    last = labelled(world, "masthead_last_done_timestamp_seconds")
    assert last["billing_run"] == world.now.timestamp()


def test_what_is_undone_is_not_counted(world: World, notified: Subscriber) -> None:
    with counted(world) as grown:
        world.skip_to(local(2027, 3, 16, 12))
        with every_commit_fails(world, "payment"):
            tick(world.services, queue=Queue.BILLING)
        assert len(world.charges()) == 1, "the money moved, and no commit said so"
    assert not [name for name, _ in grown if name == "masthead_charges_total"]
    world.advance(hours=2)
    assert len(world.charges()) == 1


@pytest.mark.usefixtures("in_trial")
def test_jobs_are_counted_by_result_with_what_they_did(world: World) -> None:
    world.skip_to(local(2027, 3, 3, 4))
    with counted(world) as grown, refused_rows(world, "doctor_visit", "found < 0"):
        tick(world.services, queue=Queue.DOCTOR)
    assert grown["masthead_job_runs_total", ("doctor", "failed")] == 1
    assert ("masthead_job_items_total", ("doctor",)) not in grown
    with counted(world) as grown:
        tick(world.services, queue=Queue.DOCTOR)
    assert grown["masthead_job_runs_total", ("doctor", "done")] == 1
    assert grown["masthead_job_items_total", ("doctor",)] == 1
    assert samples(world)["masthead_job_seconds_count", ("doctor",)] >= 2


def test_requests_are_counted_by_route_and_no_address_is_named(world: World) -> None:
    durations = ("masthead_http_seconds_count", ("GET", "/v1/readers/{reader_id}"))
    before = samples(world).get(durations, 0)
    with counted(world) as grown:
        world.api.get("/v1/readers/none")
        world.api.get("/no/such/page")
        world.browser().get("/cancel/a-secret-token")
        httpx.post(f"{world.url}/metrics", trust_env=False)
        httpx.get(f"{world.url}/healthz", trust_env=False)
    requests = {labels: count for (name, labels), count in grown.items() if "http_requests" in name}
    assert requests == {
        ("GET", "/v1/readers/{reader_id}", "4xx"): 1,
        ("GET", "unmatched", "4xx"): 1,
        ("GET", "/cancel/{token}", "4xx"): 1,
    }
    assert "a-secret-token" not in metrics(world)
    assert samples(world)[durations] == before + 1


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_may_ask_by_head(world: World, path: str) -> None:
    head = httpx.head(f"{world.url}{path}", trust_env=False)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    assert (
        head.headers["content-type"]
        == httpx.get(f"{world.url}{path}", trust_env=False).headers["content-type"]
    )
    assert httpx.request("DELETE", f"{world.url}{path}", trust_env=False).status_code == 405


def test_a_process_without_its_database_still_says_what_it_knows(world: World) -> None:
    assert samples(world)["masthead_database_up", ()] == 1
    with missing_table(world, "message"):
        found = samples(world)
    assert found["masthead_database_up", ()] == 0
    assert "masthead_queue_length" not in {name for name, _ in found}
    assert found["masthead_database_connections_limit", ()] == 60
