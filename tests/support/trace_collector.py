"""An OpenTelemetry collector on loopback that keeps the spans it is sent."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATH = "/v1/traces"


class Collector:
    """What was received. `status`: how it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.tries = 0
        self.spans: list[Span] = []
        self.resources: list[dict[str, str | int]] = []

    def receive(self, path: str, body: bytes) -> None:
        """Keep the spans of a request, unless it is refused."""
        assert path == PATH
        self.tries += 1
        if self.status == 200:
            for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(facts(each.resource.attributes))
                self.spans += [span for scope in each.scope_spans for span in scope.spans]

    def names(self, kind: "Span.SpanKind.ValueType") -> set[str]:
        """The names of the spans of a kind."""
        return {span.name for span in self.spans if span.kind == kind}

    def one(self, name: str) -> Span:
        """The only span of this name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found


def facts(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    """Attributes by name."""
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens during the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.receive(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}{PATH}")
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
