"""A worker process shows what it does, where a port is set."""

import socket
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from billing.timetable import Queue
from tests.support.polling import until
from tests.support.starting_points import Subscriber
from tests.support.worker_processes import Worker
from tests.support.world import World, local


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def metrics_of(port: int) -> dict[tuple[str, ...], float]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return {(each.name, *each.labels.values()): each.value for each in samples}


def test_a_worker_tells_what_it_did_and_another_cannot_take_its_port(
    world: World, notified: Subscriber, tmp_path: Path
) -> None:
    port = free_port()
    with Worker(world, tmp_path / "worker.log", BILLING_WORKER_METRICS_PORT=str(port)) as worker:
        worker.ready()
        world.skip_to(local(2027, 3, 16, 12))
        until(lambda: ("masthead_job_runs_total", "deliver mail", "done") in metrics_of(port), "the receipt")
        found = metrics_of(port)
        assert found["masthead_charges_total", "charged"] == 1
        assert found["masthead_mails_total", "accepted"] == 1
        assert found["masthead_job_items_total", "deliver mail"] == 1
        assert found["masthead_job_seconds_count", "deliver mail"] >= 1
        assert found["masthead_database_connections_limit",] > len(Queue)
        until(lambda: ("masthead_ticks_total", "mail", "done") in metrics_of(port), "a whole look")
        with Worker(world, tmp_path / "other.log", BILLING_WORKER_METRICS_PORT=str(port)) as other:
            until(lambda: not other.alive, "the other worker to give up")
            assert f"Can't serve metrics on 127.0.0.1, port {port}" in other.words
        worker.stop()


def test_a_worker_listens_nowhere_unless_it_is_told_to(world: World, tmp_path: Path) -> None:
    with Worker(world, tmp_path / "worker.log") as worker:
        worker.ready()
        assert worker.listening() == []
