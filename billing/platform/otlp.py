"""Sends spans to an OpenTelemetry collector, by OTLP over HTTP. Imported only by `tracing.connect`: it needs `masthead[otel]`.

A thread of the library's sends them in batches, from a bounded queue."""

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import httpx
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from billing.platform.logs import LogThrottle
from billing.platform.monotonic import SystemMonotonic

PATIENCE_SECONDS = 3
"""For one batch. A shutdown waits at most twice as long for a collector that hangs: for the batch under way, and one more."""
log = logging.getLogger(__name__)


class OtlpSpan:
    """A span that is sent."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.trace_id = format_trace_id(span.get_span_context().trace_id)

    def end(self, name: str, facts: Mapping[str, str | int], *, error: str = "") -> None:
        """The work is done. `error`: the kind of failure, if it failed."""
        self._span.update_name(name)
        self._span.set_attributes(facts)
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class OtlpTracer:
    """The tracer of a process that has a collector. Its provider is its own, so no library's spans are sent."""

    def __init__(self, url: str, environment: str) -> None:
        # The library would warn of each span that a full queue drops. `_Exporter` logs that the collector takes none.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        ours = version("masthead")
        named = {"service.name": "masthead", "service.version": ours}
        resource = Resource.create(named | {"deployment.environment.name": environment})
        self._exporter = _Exporter(url)
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("masthead", ours)
        self._parents = TraceContextTextMapPropagator()

    def begin_request(self, headers: Mapping[str, str], /) -> OtlpSpan:
        """The span of a request, within the trace that its `traceparent` names."""
        parent = self._parents.extract(headers, Context())
        return OtlpSpan(self._tracer.start_span("request", parent, SpanKind.SERVER))

    def begin_job(self) -> OtlpSpan:
        """The span of a job, in a trace of its own."""
        return OtlpSpan(self._tracer.start_span("job", Context(), SpanKind.INTERNAL))

    def close(self) -> None:
        """Send what has ended, within seconds, and stop."""
        self._exporter.is_closing = True
        self._provider.shutdown()


class _Exporter(SpanExporter):
    """Sends each batch once. A batch that the collector doesn't take is dropped: spans aren't worth a wait."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=PATIENCE_SECONDS)
        self._throttle = LogThrottle(SystemMonotonic())
        self._was_taken = True
        self.is_closing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch. At shutdown, none after one that wasn't taken."""
        if self._was_taken or not self.is_closing:
            self._was_taken = self._send(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS if self._was_taken else SpanExportResult.FAILURE

    def _send(self, batch: bytes) -> bool:
        """Whether the collector took it."""
        headers = {"Content-Type": "application/x-protobuf"}
        try:
            self._client.post(self._url, content=batch, headers=headers).raise_for_status()
        except httpx.HTTPError as error:
            kind = type(error).__name__
            self._throttle.error(log, f"spans are dropped: BILLING_TRACES_URL takes none ({kind})")
            return False
        return True

    def shutdown(self) -> None:
        """Close the connections."""
        self._client.close()
