"""The alert rules and the dashboard in `billing/monitoring`: they are valid, fire when they must, and ask for what is exposed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import billing
from billing.billing_run.outcome import SettleOutcome
from billing.platform.counters import COUNTERS, HISTOGRAMS
from billing.reports.queues import QUEUES
from billing.web.kit.http_metrics import HttpMetrics
from tests.support.metrics import labelled, metrics
from tests.support.world import World

FOLDER = Path(billing.__file__).parent / "monitoring"
OPERATE = (FOLDER.parent / "docs" / "operate.md").read_text()
ALERTS = (FOLDER / "alerts.yml").read_text()
TESTED = (FOLDER / "alerts_test.yml").read_text()
BY_PROMETHEUS = {"up"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def alerts() -> dict[str, str]:
    """The text of each alert by its name."""
    blocks = ALERTS.split("- alert: ")[1:]
    return {block.split("\n", 1)[0]: block for block in blocks}


def targets() -> list[dict[str, str]]:
    """The queries of the dashboard, each with its legend."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [target for panel in panels for target in panel.get("targets", ())]


def dashboard_queries() -> list[str]:
    return [target["expr"] for target in targets()]


def exposed(text: str) -> set[str]:
    """The names of all series of a `/metrics`, also of those that have no sample yet."""
    types = re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE)
    return {
        name.removesuffix("_total") + suffix if kind == "counter" else name + suffix
        for name, kind in types
        for suffix in SUFFIXES[kind]
    }


def asked(query: str) -> set[str]:
    """The names of the series that a query asks for."""
    return set(re.findall(r"\b(?:masthead|process)_\w+|\bup\b", query))


def values_asked(label: str) -> set[str]:
    """The values of a label that rules and dashboard select."""
    text = ALERTS + "\n".join(dashboard_queries())
    found = re.findall(rf'\b{label}=~?"([^"]+)"', text)
    return {value for each in found for value in each.split("|")}


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_takes_the_files_and_each_alert_fires_when_it_must(words: tuple[str, ...]) -> None:
    promtool(*words)


def promtool(*words: str) -> None:
    """It must succeed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool isn't installed (Debian: prometheus)")
    done = subprocess.run([program, *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_can_read_each_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{at}", "expr": query} for at, query in enumerate(dashboard_queries())]
    # JSON is YAML
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(tmp_path / "queries.yml"))


def test_rules_and_dashboard_ask_for_what_is_exposed(world: World) -> None:
    known = exposed(metrics(world)) | BY_PROMETHEUS
    queries = [*alerts().values(), *dashboard_queries()]
    names = set().union(*map(asked, queries))
    assert len(names) > 25, "the queries weren't read"
    assert names - known == set()


def test_they_group_by_labels_that_there_are(world: World) -> None:
    world.execute("INSERT INTO charging_pause (acquirer, failures, probes) VALUES ('stripe', 1, 0)")
    world.api.get("/v1/access/no-such-article")
    named = set(re.findall(r"(\w+)=\"", metrics(world))) | {"job", "instance"}
    named |= {label for each in (*COUNTERS, *HISTOGRAMS) for label in each.labels}
    named |= {label for each in (HttpMetrics().requests, HttpMetrics().seconds) for label in each.labels}
    grouped = re.findall(r"by \(([^)]+)\)", ALERTS + "\n".join(dashboard_queries()))
    legends = re.findall(r"\{\{(\w+)\}\}", "\n".join(target["legendFormat"] for target in targets()))
    assert {label for each in grouped for label in each.split(", ")} | {*legends} <= named


def test_they_select_values_that_there_are(world: World) -> None:
    alarms, stopped = labelled(world, "masthead_alarm"), labelled(world, "masthead_stopped")
    assert values_asked("queue") <= QUEUES.keys()
    assert values_asked("what") <= alarms.keys() | stopped.keys()
    assert alarms.keys() <= values_asked("what"), "each alarm has a rule"
    assert values_asked("outcome") <= set(SettleOutcome)


@pytest.mark.parametrize("name", alerts())
def test_each_alert_has_a_test_and_a_section_that_says_what_to_do(name: str) -> None:
    assert re.search(rf"  - name: {name}\n.*?alertname: {name}\n +exp_alerts:\n", TESTED, re.DOTALL)
    assert f"alertname: {name}, exp_alerts: []" in TESTED, "on a usual day it is silent"
    runbook = re.search(r"runbook: operate\.md#(\S+)", alerts()[name])
    assert runbook is not None
    assert runbook[1] == name.lower()
    section = re.search(rf"^### {name}\n\n(.+?)\n\n", OPERATE, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert len(section[1].split()) >= 10


def test_no_section_is_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^### (Masthead\w+)$", OPERATE, re.MULTILINE)) == alerts().keys()
