"""Traces: a span for each request and each job, that names nothing of a reader's; an article's check has none."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from billing.app import build
from billing.platform.errors import RefusesToStart
from billing.platform.logs import discreet
from billing.platform.settings import read_settings
from billing.timetable import JOBS, Queue, tick
from tests.security.test_log_forms import PARENT, TRACE, JsonLog
from tests.security.test_log_forms import log as log
from tests.support.articles import registering
from tests.support.broken_tables import missing_table
from tests.support.cli import environment
from tests.support.polling import until
from tests.support.routes import routes
from tests.support.trace_collector import Collector, collecting, facts
from tests.support.worker_processes import Worker
from tests.support.world import World, local

SERVER, INTERNAL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_INTERNAL
BILL = "bill, and ask what became of charges in doubt"
NOBODY = "http://127.0.0.1:1/v1/traces"
"""An address at which nothing listens."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def traced(make_world: Callable[..., World], collector: Collector) -> World:
    """A world whose spans the collector gets."""
    return make_world(traces_url=collector.url)


def send_all(world: World) -> None:
    """End the application, which finishes its requests and sends its spans; another takes its place."""
    world.restart()


def test_a_trial_started_is_a_span_with_its_route_and_status_in_the_trace_of_its_caller(
    traced: World, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(traced.api.headers, "traceparent", PARENT)
    traced.start_trial("thandi@example.com")
    send_all(traced)
    span = collector.one("POST /v1/trials")
    assert (span.kind, span.trace_id.hex(), span.parent_span_id.hex()) == (
        SERVER,
        TRACE,
        PARENT.split("-")[2],
    )
    assert facts(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/trials",
        "http.response.status_code": 201,
    }
    assert collector.resources[0]["service.name"] == "masthead"
    assert collector.resources[0]["deployment.environment.name"] == "test"


def test_a_line_of_the_log_has_the_trace_of_the_span(
    traced: World, collector: Collector, log: JsonLog
) -> None:
    traced.api.get("/v1/readers/none")
    traced.api.get("/v1/readers/none", headers={"traceparent": PARENT})
    send_all(traced)
    logged = [line["trace"] for line in log.lines("billing.refusals")]
    assert logged == [discreet(span.trace_id.hex()) for span in collector.spans], (
        "some look like card numbers"
    )
    assert logged[1] == TRACE
    assert logged[0] != TRACE


def test_a_caller_that_samples_its_trace_out_is_followed(
    traced: World, collector: Collector, log: JsonLog
) -> None:
    traced.api.get("/v1/readers/none", headers={"traceparent": PARENT[:-1] + "0"})
    send_all(traced)
    assert collector.spans == []
    assert [line["trace"] for line in log.lines("billing.refusals")] == [TRACE]


def test_a_check_and_a_probe_have_no_span_whoever_answers_them(traced: World, collector: Collector) -> None:
    article = registering(traced)("bridge", "metered")
    for path in (f"/v1/access/{article}", f"/v1/gate/{article}", "/v1/access/none", "/v1/access/odd%20name"):
        traced.api.get(path)
        traced.api.head(path)
    traced.api.post("/v1/access", json={"articles": [article]})
    traced.api.post("/v1/access", json={"articles": "no list"})
    traced.api.post("/access/v1/evaluation", json={})
    traced.api.post("/access/v1/evaluations", json={})
    for probe in ("/healthz", "/readyz", "/metrics"):
        traced.api.get(probe)
    send_all(traced)
    assert collector.names(SERVER) == {"PUT /v1/articles/{article_id}"}


def test_a_job_is_a_span_with_what_it_did(traced: World, collector: Collector) -> None:
    traced.start_trial("thandi@example.com")
    traced.settle()
    send_all(traced)
    span = collector.one("deliver mail")
    assert (span.kind, span.parent_span_id) == (INTERNAL, b"")
    assert facts(span.attributes) == {
        "masthead.queue": Queue.MAIL,
        "masthead.items": 1,
        "masthead.result": "done",
    }


def test_a_job_that_fails_says_so(traced: World, collector: Collector) -> None:
    traced.start_trial("thandi@example.com")
    with missing_table(traced, "suppression"):
        tick(traced.services)
    send_all(traced)
    span = collector.one("deliver mail")
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert facts(span.attributes)["error.type"] == "failed"


def test_a_worker_that_is_told_to_end_sends_what_it_has(
    world: World, collector: Collector, tmp_path: Path
) -> None:
    world.start_trial("thandi@example.com")
    with Worker(world, tmp_path / "worker.log", BILLING_TRACES_URL=collector.url) as worker:
        worker.ready()
        until(lambda: bool(world.letters()), "the welcome mail")
        worker.stop()
    assert "deliver mail" in collector.names(INTERNAL)


def test_no_span_names_anything_of_a_reader_or_what_was_read(traced: World, collector: Collector) -> None:
    """Every text in a span is one that the code holds: a route, a job, a queue."""
    browser = traced.browser()
    browser.get("/sign-in?back=/articles/bridge")
    traced.start_trial("thandi@example.com")
    browser.sign_in("thandi@example.com")
    browser.get("/account")
    browser.get("/no/such/page?email=thandi@example.com")
    traced.api.get("/v1/readers/none", params={"email": "thandi@example.com"})
    traced.advance_to(local(2027, 3, 16, 12))
    send_all(traced)
    known = {f"{route.method} {route.path}" for route in routes(traced)} | {job.name for job in JOBS}
    known.add("GET unmatched")
    assert {span.name for span in collector.spans} - known == set()
    words = {"done", *(route.path for route in routes(traced)), "GET", "POST", *Queue}
    for span in collector.spans:
        assert (len(span.events), len(span.links)) == (0, 0)
        assert {value for value in facts(span.attributes).values() if isinstance(value, str)} <= words
    assert {"GET unmatched", BILL} <= {span.name for span in collector.spans}


def test_a_collector_that_is_away_or_refuses_is_a_line_a_minute_and_nothing_more(
    make_world: Callable[..., World], collector: Collector, log: JsonLog
) -> None:
    away = make_world(traces_url=NOBODY)
    assert away.api.get("/v1/readers/none").status_code == 404
    send_all(away)
    assert [line["message"] for line in log.lines("billing.platform.otlp")] == [
        "spans are dropped: BILLING_TRACES_URL takes none (ConnectError)"
    ]
    collector.status = 503
    away.restart(traces_url=collector.url)
    assert away.api.get("/v1/readers/none").status_code == 404
    send_all(away)
    assert collector.tries == 1, "a batch is tried once"
    assert len(log.lines("billing.platform.otlp")) == 2
    assert not [line for line in log.stream.getvalue().splitlines() if '"opentelemetry' in line]


def test_the_setting_without_the_extra_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    given = environment(database_url, mail_papers="false")
    with pytest.raises(RefusesToStart, match=r"Install masthead\[otel\], or remove the setting"):
        build(read_settings(given | {"BILLING_TRACES_URL": NOBODY}))
    build(read_settings(given)).database.close()


@pytest.mark.parametrize(
    "given",
    ["http://127.0.0.1:4318", "http://127.0.0.1:4318/", "collector/v1/traces", "http://a:b@collector/v1"],
)
def test_an_address_without_its_path_is_refused(given: str) -> None:
    with pytest.raises(RefusesToStart, match="BILLING_TRACES_URL"):
        read_settings(environment("postgresql://localhost/none", traces_url=given))


def test_without_the_setting_nothing_of_it_is_loaded(database_url: str) -> None:
    """The API alone comes with the framework."""
    code = (
        "import json, sys; from billing.app import build, create_app; from billing.cli.words import settings;"
        "import billing.worker; create_app(build(settings()));"
        "print(json.dumps([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(database_url),
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert json.loads(done.stdout) == []


def test_the_framework_makes_no_spans_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would hold the path, whose last part may be a secret, whatever provider an operator's environment brings."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    assert httpx.get(f"{world.url}/cancel/a-secret-token", trust_env=False).status_code == 404
    assert kept.get_finished_spans() == ()
