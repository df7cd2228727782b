"""A process under attack still answers its operators' probes (v5.0.0-15.2.2)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from sqlalchemy.pool import QueuePool

from billing.web.api import readiness
from billing.web.kit.lanes import PAGES
from tests.support.http_client import http_client
from tests.support.locked_table import LockedTable, locked_table
from tests.support.polling import until
from tests.support.world import World

PROBES = ("/healthz", "/readyz", "/metrics")
READ_BY_PROBES = "charging_pause"


def get(world: World, path: str, network: int = 0) -> httpx.Response:
    with http_client(world.url, headers={"x-forwarded-for": f"196.{network}.25.9"}) as client:
        return client.get(path)


@contextmanager
def held_up(world: World) -> Iterator[None]:
    """Every place of the lane of pages waits for a locked table, and the pool is empty."""
    pool = world.services.database.engine.pool
    assert isinstance(pool, QueuePool)
    everything = pool.size() + pool._max_overflow
    with (
        ThreadPoolExecutor(PAGES.at_once + 5) as crowd,
        locked_table(world, "plan") as locked,
        ExitStack() as taken,
    ):
        waiting = [crowd.submit(get, world, "/", number) for number in range(PAGES.at_once + 5)]
        until(lambda: locked.waiting == PAGES.at_once, "all places to be held up")
        while pool.checkedout() < everything:
            taken.enter_context(world.services.database.engine.connect())
        yield
        assert not any(each.done() for each in waiting)


def test_probes_answer_while_every_place_and_every_connection_is_held(
    make_world: Callable[..., World],
) -> None:
    world = make_world(proxy_count=1)
    with held_up(world):
        answers = {path: get(world, path) for path in PROBES}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert answers["/readyz"].json()["status"] == "ready"
    assert "masthead_alarm" in answers["/metrics"].text


def probes_at_once(world: World, crowd: ThreadPoolExecutor, locked: LockedTable) -> list[httpx.Response]:
    asked = [crowd.submit(get, world, "/readyz") for _ in range(30)]
    until(lambda: locked.waiting == 1, "a look")
    assert get(world, "/healthz").status_code == 200
    assert locked.waiting == 1, "a crowd of probes makes one look"
    locked.connection.rollback()
    return [each.result() for each in asked]


def test_a_crowd_of_probes_makes_one_look_at_a_time(world: World) -> None:
    with ThreadPoolExecutor(30) as crowd, locked_table(world, READ_BY_PROBES) as locked:
        answers = probes_at_once(world, crowd, locked)
    assert {answer.status_code for answer in answers} == {200}


def test_a_database_that_does_not_answer_in_time_is_not_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked_table(world, READ_BY_PROBES) as locked, monkeypatch.context() as impatient:
        impatient.setattr(readiness, "PATIENCE_SECONDS", 0)
        answer = get(world, "/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        metrics = get(world, "/metrics")
        assert (metrics.status_code, "masthead_alarm" in metrics.text) == (200, False)
        assert get(world, "/healthz").status_code == 200
        until(lambda: locked.waiting, "a look to go on")  # that of /readyz, that of /metrics, or both
    assert get(world, "/readyz").json()["status"] == "ready"
