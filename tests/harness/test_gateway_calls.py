"""Gateway calls from a page's thread are detected."""

from contextvars import copy_context
from threading import Thread

import pytest
from starlette.responses import Response

from billing.platform.logs import REQUEST, RequestOrigin
from billing.web.kit.bulkhead import _marked
from tests.support.gateway_calls import GatewayCalls


class Acquirer:
    """Two methods, of which one sends a request."""

    def charge(self, amount: int) -> int:
        """The amount."""
        return amount

    def verify(self) -> bool:
        """Whether it is so."""
        return True


@pytest.fixture
def calls() -> GatewayCalls:
    return GatewayCalls()


@pytest.fixture
def acquirer(calls: GatewayCalls) -> Acquirer:
    watched = Acquirer()
    calls.watch(watched)
    return watched


def for_a_request(do: object) -> None:
    context = copy_context()
    context.run(REQUEST.set, RequestOrigin("a request", lambda: "192.0.2.1"))
    context.run(do)  # type: ignore[arg-type]


def test_a_call_from_a_pages_thread_is_found_once(calls: GatewayCalls, acquirer: Acquirer) -> None:
    for_a_request(lambda: acquirer.charge(1))
    with pytest.raises(AssertionError, match="page's thread: charge"):
        calls.judge()
    calls.judge()


def test_a_call_from_a_thread_that_a_page_started_is_found(calls: GatewayCalls, acquirer: Acquirer) -> None:
    def start() -> None:
        thread = Thread(target=copy_context().run, args=(acquirer.charge, 1))
        thread.start()
        thread.join()

    for_a_request(start)
    with pytest.raises(AssertionError, match="charge"):
        calls.judge()


def test_workers_bulkheads_and_what_asks_nobody_are_free(calls: GatewayCalls, acquirer: Acquirer) -> None:
    assert acquirer.charge(7) == 7

    def work() -> Response:
        acquirer.charge(1)
        return Response()

    for_a_request(lambda: _marked(work))
    for_a_request(acquirer.verify)
    calls.judge()
