"""The log as JSON, its level, the access line, and the ids that a proxy or a tracing caller gives."""

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from billing.platform.logs import DiscreetJson, log_to_stderr, name_of, to_stream
from billing.platform.monotonic import SystemMonotonic
from billing.platform.setting_types import LogFormat, LogLevel
from billing.web.kit.middleware import RequestMiddleware
from tests.support.articles import registering
from tests.support.starting_points import Subscriber
from tests.support.worker_processes import Worker
from tests.support.world import World, local

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class JsonLog:
    """The lines that are written during a test, read as JSON."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = to_stream(self.stream, SystemMonotonic(), LogFormat.JSON)

    def lines(self, logger: str) -> list[dict[str, Any]]:
        read = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in read if line["logger"] == logger]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[JsonLog]:
    found, root = JsonLog(), logging.getLogger()
    caplog.set_level(logging.INFO)
    root.addHandler(found.handler)
    yield found
    root.removeHandler(found.handler)


def test_an_event_has_its_facts_as_fields(world: World, notified: Subscriber, log: JsonLog) -> None:
    world.advance_to(local(2027, 3, 16, 12))
    (line,) = [each for each in log.lines("billing.events") if each.get("event") == "charge charged"]
    attempt = world.rows("SELECT id, invoice_id, intent_ref FROM attempt")[0]
    assert (line["level"], line["facts"]["attempt"], line["facts"]["cents"]) == (
        "INFO",
        attempt["id"],
        "7500",
    )
    assert line["facts"].keys() == {"attempt", "invoice", "cents", "intent", "by"}
    assert line["message"].startswith(f"charge charged attempt={attempt['id']} ")
    assert line.keys() == {"time", "level", "logger", "message", "event", "facts"}, (
        "the worker answers no request"
    )
    assert "subscription charged" in {each.get("event") for each in log.lines("billing.events")}


def test_a_refusal_has_its_request_its_network_and_its_trace(world: World, log: JsonLog) -> None:
    answer = world.api.get("/v1/readers/none", headers={"traceparent": PARENT})
    (line,) = log.lines("billing.refusals")
    assert line["request"] == answer.headers["x-request-id"]
    assert (line["from"].startswith("127.0.0.0/24-"), line["trace"]) == (True, TRACE)
    assert line["message"].endswith(f"request={line['request']} from={line['from']} trace={TRACE}")


@pytest.mark.parametrize(
    "given",
    [
        "",
        TRACE,
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01\t2027 INFO forged",
    ],
)
def test_a_traceparent_that_is_none_is_left_out(world: World, log: JsonLog, given: str) -> None:
    world.api.get("/v1/readers/none", headers={"traceparent": given})
    (line,) = log.lines("billing.refusals")
    assert "trace" not in line
    assert "trace=" not in line["message"]


def test_an_address_has_the_same_name_in_both_forms() -> None:
    for around in ("to {}", "\n{}\n", "<{}>", "é{}"):
        record = logging.makeLogRecord({"msg": around.format("thandi@example.com").replace("é", "é ")})
        line = DiscreetJson().format(record)
        assert name_of("thandi@example.com") in json.loads(line)["message"]
        assert line.isascii()
        assert len(line.splitlines()) == 1


def test_a_traceback_is_a_field_and_one_line() -> None:
    try:
        raise ValueError("first\n2027-03-01 INFO billing forged")
    except ValueError as error:
        found = (ValueError, error, error.__traceback__)
    written = DiscreetJson().format(
        logging.makeLogRecord({"msg": "broken", "exc_info": found, "created": 0.0, "msecs": 0.0})
    )
    assert len(written.splitlines()) == 1
    line = json.loads(written)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["time"] == "1970-01-01T00:00:00.000Z"


def test_the_least_level_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    written, given = io.StringIO(), dict[str, Any]()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setattr("logging.basicConfig", lambda **kwargs: given.update(kwargs))
    log_to_stderr(LogFormat.JSON, LogLevel.ERROR)
    assert given["level"] == "ERROR"
    (handler,) = given["handlers"]
    handler.emit(logging.makeLogRecord({"msg": "stuck", "levelname": "ERROR"}))
    assert json.loads(written.getvalue())["message"] == "stuck"


def test_an_access_line_names_the_route_and_nothing_that_was_read(
    make_world: Callable[..., World], log: JsonLog
) -> None:
    world = make_world(access_log=True)
    answer = world.browser().get("/sign-in")
    world.browser().get("/cancel/a-secret-token")
    httpx.get(f"{world.url}/readyz", trust_env=False)
    article = registering(world)("bridge", "metered")
    world.api.get(f"/v1/articles/{article}")
    assert world.api.get(f"/v1/access/{article}").status_code == 200
    lines = [each for each in log.lines("billing.requests") if each["message"].startswith("answered ")]
    said = [each["message"].split(" in ")[0] for each in lines]
    assert said == [
        "answered 200 GET /sign-in",
        "answered 404 GET /cancel/{token}",
        "answered 200 PUT /v1/articles/{article_id}",
        "answered 200 GET /v1/articles/{article_id}",
    ], "neither a probe nor what the access cache answers has a line"
    assert (lines[0]["status"], lines[0]["method"], lines[0]["route"]) == (200, "GET", "/sign-in")
    assert lines[0]["request"] == answer.response.headers["x-request-id"]
    assert [each for each in lines if article in each["message"]] == []


def test_an_answer_that_has_arrived_has_its_line(make_world: Callable[..., World], log: JsonLog) -> None:
    """The line doesn't wait for what a route does after its answer."""
    world = make_world(access_log=True)
    at_its_end: list[str] = []

    async def route(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        assert log.lines("billing.requests") == []
        await send({"type": "http.response.body", "body": b"two"})
        at_its_end.extend(line["message"] for line in log.lines("billing.requests"))

    async def receive() -> Message:
        raise AssertionError("the route reads no body")

    async def send(_: Message) -> None: ...

    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    asyncio.run(RequestMiddleware(route, world.services)(scope, receive, send))
    (line,) = log.lines("billing.requests")
    assert at_its_end == [line["message"]]


def test_without_the_setting_a_successful_request_leaves_no_line(world: World, log: JsonLog) -> None:
    world.browser().get("/sign-in")
    assert log.lines("billing.requests") == []


@pytest.mark.parametrize("takes", [True, False])
def test_the_id_of_a_proxy_is_taken_over_where_the_setting_says_so(
    make_world: Callable[..., World], log: JsonLog, takes: bool
) -> None:
    world = make_world(take_request_id=takes)
    answer = world.api.get("/v1/readers/none", headers={"x-request-id": "b1946ac92492d2347c6235b4d2611184"})
    is_taken = answer.headers["x-request-id"] == "b1946ac92492d2347c6235b4d2611184"
    assert is_taken is takes
    (line,) = log.lines("billing.refusals")
    assert line["request"] == answer.headers["x-request-id"]
    odd = world.api.get("/v1/readers/none", headers={"x-request-id": "two words, request=forged"})
    assert "forged" not in odd.headers["x-request-id"]


def test_a_process_writes_the_form_that_is_set(world: World, tmp_path: Path) -> None:
    with Worker(world, tmp_path / "worker.log", BILLING_LOG_FORMAT="json") as worker:
        worker.ready()
        worker.stop()
    lines = [json.loads(line) for line in worker.words.splitlines()]
    assert any(line["message"].startswith("the worker looks every") for line in lines)
