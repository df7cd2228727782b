"""What `/metrics` says, as Prometheus reads it."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.world import World


def metrics(world: World) -> str:
    """The whole answer."""
    return httpx.get(f"{world.url}/metrics", trust_env=False).text


def labelled(world: World, name: str) -> dict[str, float]:
    """The values of a metric that has one label, by that label."""
    families = text_string_to_metric_families(metrics(world))
    samples = [sample for family in families for sample in family.samples]
    return {next(iter(one.labels.values())): one.value for one in samples if one.name == name}


def alarms(world: World) -> set[str]:
    """The alarms that ring."""
    return {what for what, rings in labelled(world, "masthead_alarm").items() if rings}


def open_cases(world: World) -> dict[str, float]:
    """How many cases of each kind wait, where any does."""
    return {kind: count for kind, count in labelled(world, "masthead_open_cases").items() if count}
