"""`/metrics`, as Prometheus reads it."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.world import World


def metrics(world: World) -> str:
    """The body of `/metrics`."""
    return httpx.get(f"{world.url}/metrics", trust_env=False).text


def labelled(world: World, name: str) -> dict[str, float]:
    """The values of a metric with one label, by the label's value."""
    families = text_string_to_metric_families(metrics(world))
    samples = [sample for family in families for sample in family.samples]
    return {next(iter(sample.labels.values())): sample.value for sample in samples if sample.name == name}


def alarms(world: World) -> set[str]:
    """The alarms that are raised."""
    return {alarm for alarm, raised in labelled(world, "masthead_alarm").items() if raised}


def open_cases(world: World) -> dict[str, float]:
    """The number of open cases by kind, where there are any."""
    return {kind: count for kind, count in labelled(world, "masthead_open_cases").items() if count}
