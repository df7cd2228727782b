"""Traces, where BILLING_TRACES_URL is set: a span for each request, and for each job of the worker.

OpenTelemetry is imported only then; elsewhere these classes do nothing."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Protocol

from billing.platform.errors import RefusesToStart
from billing.platform.settings import Settings

Facts = Mapping[str, str | int]
"""A span's attributes. They hold nothing of a reader's."""


class Span(Protocol):
    """One piece of work, as a trace shows it."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits; empty without a trace."""

    def end(self, name: str, facts: Facts, *, error: str = "") -> None:
        """The work is done. `error`: the kind of failure, if it failed."""


class Tracer(Protocol):
    """Begins spans, and sends those that ended."""

    def begin_request(self, headers: Mapping[str, str], /) -> Span:
        """The span of a request, within the trace that its `traceparent` names."""

    def begin_job(self) -> Span:
        """The span of a job, in a trace of its own."""

    def close(self) -> None:
        """Send what has ended, within seconds, and stop."""


class NoSpan:
    """The span of work that isn't traced."""

    trace_id = ""

    def end(self, name: str, facts: Facts, *, error: str = "") -> None:
        """Nothing is kept."""


NO_SPAN = NoSpan()


class NoTracer:
    """The tracer of an installation without BILLING_TRACES_URL."""

    def begin_request(self, _: Mapping[str, str], /) -> Span:
        """No span."""
        return NO_SPAN

    def begin_job(self) -> Span:
        """No span."""
        return NO_SPAN

    def close(self) -> None:
        """Nothing is to be sent."""


def connect(settings: Settings) -> Tracer:
    """The tracer of a process. Raises RefusesToStart where the setting is given and the extra isn't installed."""
    if not settings.traces_url:
        return NoTracer()
    if not all(find_spec(f"opentelemetry.{part}") for part in ("sdk", "exporter")):
        raise RefusesToStart(
            "BILLING_TRACES_URL is set, and OpenTelemetry isn't installed. Install masthead[otel], or remove the setting."
        )
    from billing.platform.otlp import OtlpTracer

    return OtlpTracer(settings.traces_url, settings.environment)
