"""What operators learn from the database, as Prometheus metrics."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from billing.web.api.operator_facts import WITH_COPIES, WITH_MONEY, MeasuredFacts


def gauges(found: MeasuredFacts | None) -> CollectorRegistry:
    """The metrics. None: the database doesn't answer."""
    registry = CollectorRegistry()
    up = Gauge("masthead_database_up", "1 if the database answers this process.", registry=registry)
    up.set(found is not None)
    if found is not None:
        _of_alarms(registry, found)
        _of_work(registry, found)
        numbers = {figure.key: figure.value for figure in found.figures if figure.value is not None}
        words = "The publisher's figures of the last thirty closed days, as `billing numbers` gives them: cents, counts, basis points."
        _add(registry, "masthead_number", words, "figure", numbers)
    return registry


def _of_alarms(registry: CollectorRegistry, found: MeasuredFacts) -> None:
    facts = found.facts
    may_stop = {what: what in facts.stopped for what in WITH_MONEY | WITH_COPIES}
    _add(registry, "masthead_stopped", "1 for what stands still here.", "what", may_stop)
    _add(registry, "masthead_alarm", "1 for what an operator is called for.", "what", facts.alarms())
    _add(registry, "masthead_open_cases", "Cases that wait for a person.", "kind", facts.cases)
    broken = Gauge(
        "masthead_promises_broken", "Promises broken at the last nightly check.", registry=registry
    )
    broken.set(found.doctor.broken if found.doctor else 0)


def _of_work(registry: CollectorRegistry, found: MeasuredFacts) -> None:
    at, queues = found.facts.at, found.queues
    lengths = {name: queue.length for name, queue in queues.items()}
    ages = {name: queue.age_seconds(at) for name, queue in queues.items()}
    moments = {what: moment.timestamp() for what, moment in found.last_done().items()}
    paused = {each.acquirer: each.paused_at is not None for each in found.acquirers}
    failures = {each.acquirer: each.failures for each in found.acquirers}
    _add(registry, "masthead_queue_length", "What waits for a worker, up to 10000.", "queue", lengths)
    _add(registry, "masthead_queue_age_seconds", "How long the oldest of it has waited.", "queue", ages)
    _add(registry, "masthead_last_done_timestamp_seconds", "When it was last done.", "what", moments)
    _add(registry, "masthead_charging_paused", "1 while charging is paused.", "acquirer", paused)
    _add(registry, "masthead_acquirer_failures", "Failures in a row.", "acquirer", failures)


def _add(registry: CollectorRegistry, name: str, words: str, label: str, values: Mapping[str, float]) -> None:
    gauge = Gauge(name, words, [label], registry=registry)
    for which, value in values.items():
        gauge.labels(which).set(value)
