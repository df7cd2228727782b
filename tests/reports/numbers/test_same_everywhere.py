"""The page's figures on a terminal, in `/metrics` and in the docs; and kept days that are computed anew."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.reports.numbers.asked import ask, figures
from tests.reports.numbers.season import FIRST, LAST, live
from tests.support.cli import held, refused, run, run_on
from tests.support.documented import PAGES
from tests.support.metrics import labelled
from tests.support.world import World

PERIOD = ("--from", str(FIRST), "--to", str(LAST))
YESTERDAY = LAST - timedelta(days=1)


@pytest.fixture
def season(world: World) -> World:
    world.once("a season of numbers", lambda: live(world))
    return world


def test_the_command_says_what_the_page_says(season: World) -> None:
    said = run_on(season, "numbers", *PERIOD).stdout
    assert "2027-03-01 to 2027-06-20; before: 2026-11-09 to 2027-02-28" in said
    assert ["MRR", "R304.36", "before", "R0.00"] in [line.split() for line in said.splitlines()]
    whole = json.loads(run_on(season, "numbers", *PERIOD, "--json").stdout)
    shown = {figure["key"]: figure["value"] for section in whole["sections"] for figure in section["figures"]}
    assert shown == {key: figure.value for key, figure in figures(season, FIRST, LAST).items()}
    rows = {table["key"]: len(table["rows"]) for section in whole["sections"] for table in section["tables"]}
    assert rows == {
        table.key: len(table.rows) for section in ask(season, FIRST, LAST) for table in section.tables
    }


def test_metrics_give_the_thirty_closed_days(season: World) -> None:
    said = labelled(season, "masthead_number")
    counted = figures(season, YESTERDAY - timedelta(days=29), YESTERDAY)
    closed = {key: figure.value for key, figure in counted.items() if figure.value is not None}
    assert said == closed, "those of now too: the forecast and what is deferred"
    assert said["mrr"] == 30436


@pytest.mark.rare
def test_a_wrong_kept_day_is_computed_anew(season: World) -> None:
    before = figures(season, FIRST, LAST)
    season.execute("UPDATE number_day SET value = 2 * value WHERE day = '2027-03-16'")
    assert figures(season, FIRST, LAST) != before
    said = run_on(season, "numbers", "keep", "--from", "2027-03-10", "--to", "2027-08-01")
    assert "102 days were computed anew." in said.stdout
    assert figures(season, FIRST, LAST) == before


@pytest.mark.parametrize("command", [("numbers",), ("numbers", "keep")])
def test_a_period_that_ends_before_it_begins_is_refused(
    season: World, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(held(season), *command, "--from", "2027-04-01", "--to", "2027-03-01", folder=tmp_path)
    refused(done, "A period runs from a day")


def test_the_docs_name_every_figure_and_table(season: World) -> None:
    page = PAGES["numbers.md"].read_text()
    for section in ask(season, date(2027, 5, 1), date(2027, 5, 31)):
        keys = [figure.key for figure in section.figures] + [table.key for table in section.tables]
        assert [key for key in keys if f"`{key}`" not in page] == []
