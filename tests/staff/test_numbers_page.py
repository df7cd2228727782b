"""The staff page Numbers: any period by GET, a chart and a table beside each other, files of each table, and who may see it."""

import csv
import io
from datetime import date

import pytest

from billing.reports.numbers import sections
from billing.reports.numbers.shape import Unit, spelled_value
from tests.reports.numbers.asked import ask, figures, tables
from tests.reports.numbers.season import FIRST, LAST, live
from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.world import World

ROOM = "/staff/numbers"
PERIOD = f"?from={FIRST}&to={LAST}"


@pytest.fixture
def finance(world: World, staff: SignIn) -> Browser:
    """A member of finance, after a season."""
    world.once("a season of numbers", lambda: live(world))
    return staff("finance")


def test_every_figure_stands_beside_its_definition_and_the_period_before(
    world: World, finance: Browser
) -> None:
    page = finance.get(f"{ROOM}{PERIOD}")
    assert "Monday 1 March 2027 to Sunday 20 June 2027" in page.words
    assert "MRR R304.36 before: R0.00 Monthly recurring revenue: what the paid periods" in page.words
    assert "Conversion 87.5% before: –" in page.words
    for figure in figures(world, FIRST, LAST).values():
        assert figure.definition in page.words, figure.key


def test_a_section_draws_each_chart_beside_its_table_without_script_or_style(finance: Browser) -> None:
    page = finance.get(f"{ROOM}/recurring{PERIOD}")
    assert page.text.count('role="img"') == 6, "movement, plans, over time, churn, who stays, cohorts"
    assert "<title>New, 15\u00a0Mar\u00a02027: R380.45</title>" in page.text, (
        "shown while the pointer is over the bar"
    )
    for forbidden in ("style=", "<style", "<script", "xlink", ' id="activate'):
        assert forbidden not in page.text.partition("<main")[2], forbidden
    assert "15 Mar 2027 R0.00 R380.45 R0.00" in page.words
    assert len(page.text) < 70_000


def test_cohorts_and_charges_to_come_are_drawn(world: World, finance: Browser) -> None:
    page = finance.get(f"{ROOM}/recurring{PERIOD}")
    assert "<title>Month 1, 2027-03: 83.3%</title>" in page.text
    assert "<title>Month 2, 2027-03" not in page.text, "four lines are enough"
    assert "<title>Month 1, 2027-05" not in page.text, "it isn’t over"
    page = finance.get(f"{ROOM}/forecast{PERIOD}")
    by_plan = tables(world, FIRST, LAST)["forecast-by-plan"].by_name()
    assert by_plan.rows
    for name, price, _, gross, *_ in by_plan.rows:
        bar = f"{name}, {spelled_value(price, Unit.CENTS)}: {spelled_value(gross, Unit.CENTS)}"
        assert f"<title>Incl. VAT, {bar}</title>" in page.text, "plan and price name the bar"


def test_the_forecast_says_that_it_is_of_now(world: World, finance: Browser) -> None:
    page = finance.get(f"{ROOM}/forecast{PERIOD}")
    found, earlier = (
        {
            key: figure
            for key, figure in figures(world, FIRST, last).items()
            if key.startswith(("forecast", "deferred"))
        }
        for last in (LAST, date(2027, 4, 1))
    )
    assert found == earlier
    assert len(found) == 5
    for figure in found.values():
        assert figure.definition.endswith("The chosen period changes nothing here."), figure.key
        assert figure.definition in page.words


def test_the_form_asks_for_any_period_and_keeps_what_was_typed(finance: Browser) -> None:
    usual = finance.get(ROOM)
    assert 'value="2027-05-21"' in usual.text, "thirty days"
    assert 'value="2027-06-19"' in usual.text, "up to yesterday"
    for first, last, said in (
        ("soon", "2027-06-01", "A day is written as 2027-03-01."),
        ("2027-06-02", "2027-06-01", "A period runs from a day to the same or a later day"),
        ("2010-01-01", "2027-06-01", "at most five years long"),
    ):
        page = finance.get(f"{ROOM}/trials?from={first}&to={last}")
        assert (page.status, said in page.words) == (422, True), first
        assert f'value="{first}"' in page.text
        assert f'value="{last}"' in page.text
    assert finance.get(f"{ROOM}?from=0001-01-01&to=0001-01-01").status == 422
    assert "Before: the period of equal length" in finance.get(f"{ROOM}?from=2010-01-01&to=2010-01-31").words


def test_each_table_is_a_file_with_the_same_rows(world: World, finance: Browser) -> None:
    for key, table in tables(world, FIRST, LAST).items():
        answer = finance.http.get(f"{ROOM}/{key}.json{PERIOD}")
        shown = answer.json()
        assert [len(row) for row in shown["rows"]] == [len(table.columns) + table.is_of_ids] * len(
            table.rows
        ), key
        assert (shown["from"], shown["to"], shown["definition"]) == (f"{FIRST}", f"{LAST}", table.definition)
        file = finance.http.get(f"{ROOM}/{key}.csv{PERIOD}")
        assert file.headers["content-disposition"].endswith(f'"{key}-{FIRST}-{LAST}.csv"')
        assert len(list(csv.reader(io.StringIO(file.text)))) == 1 + len(table.rows), key
    movement = list(csv.DictReader(io.StringIO(finance.http.get(f"{ROOM}/mrr-movement.csv{PERIOD}").text)))
    assert {"From": "2027-03-15", "New, R": "380.45", "MRR at the end, R": "380.45"}.items() <= movement[
        2
    ].items()
    found = finance.http.get(f"{ROOM}/figures.json{PERIOD}").json()["rows"]
    assert {row[0]: row[3] for row in found} == {
        key: figure.value for key, figure in figures(world, FIRST, LAST).items()
    }
    assert finance.http.get(f"{ROOM}/secrets.csv").status_code == 404
    assert finance.http.get(f"{ROOM}/mrr-movement.csv?from=x").status_code == 422
    assert finance.get(f"{ROOM}/secrets").status == 404


def test_the_editor_sees_them_and_support_does_not(staff: SignIn) -> None:
    editor = staff("editor")
    assert "Numbers" in editor.get(ROOM).words
    assert "@" not in editor.get(f"{ROOM}/money").text.partition("<main")[2].partition("</main>")[0], (
        "no reader is named"
    )
    assert staff("support").http.get(ROOM).status_code == 403


def test_each_section_has_the_name_of_its_function_and_its_title(world: World) -> None:
    world.once("a season of numbers", lambda: live(world))
    found = ask(world, date(2027, 5, 1), date(2027, 5, 2))
    assert [section.__name__ for section in sections.SECTIONS] == [section.key for section in found]
    assert {section.key: section.title for section in found} == sections.TITLES
    of_section = [(table.key, section.key) for section in found for table in section.tables]
    assert of_section == [(key, section.__name__) for key, section in sections.TABLES.items()]
    keys = [figure.key for section in found for figure in section.figures]
    assert len(keys) == len(set(keys))
    names = [table.key for section in found for table in section.tables]
    assert len(names) == len(set(names))
