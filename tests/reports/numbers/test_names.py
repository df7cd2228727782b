"""Plans, newsletters and card schemes by name on the pages of the numbers; their files keep the ids beside."""

import csv
import io

import pytest

from billing.dev import seed
from billing.reports.numbers.answers import as_rows
from billing.reports.numbers.shape import Column, NumbersTable, Unit
from tests.reports.numbers.season import FIRST, LAST, live
from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.world import World

ROOM = "/staff/numbers"
PERIOD = f"?from={FIRST}&to={LAST}"
MONTH, YEAR = "Full access, by the month", "Full access, by the year"


@pytest.fixture
def finance(world: World, staff: SignIn) -> Browser:
    """A member of finance, after a season."""
    world.once("a season of numbers", lambda: live(world))
    return staff("finance")


def table(browser: Browser, key: str) -> list[dict[str, str]]:
    """The rows of a table's spreadsheet."""
    return list(csv.DictReader(io.StringIO(browser.http.get(f"{ROOM}/{key}.csv{PERIOD}").text)))


@pytest.mark.parametrize(("section", "key"), [("recurring", "plans"), ("money", "charges")])
def test_plans_have_their_names_and_files_their_ids_too(finance: Browser, section: str, key: str) -> None:
    page = finance.get(f"{ROOM}/{section}{PERIOD}")
    main = page.text.partition("<main")[2]
    assert f'<th scope="row">{YEAR}</th>' in main
    assert "yearly" not in main
    assert {(row["Plan"], row["Name"]) for row in table(finance, key)} == {
        ("monthly", MONTH),
        ("yearly", YEAR),
    }
    shown = finance.http.get(f"{ROOM}/{key}.json{PERIOD}").json()
    assert [each["title"] for each in shown["columns"]][:2] == ["Plan", "Name"]
    assert shown["rows"][-1][:2] == ["yearly", YEAR]


def test_plans_that_head_columns_have_their_names_too(finance: Browser) -> None:
    page = finance.get(f"{ROOM}/recurring{PERIOD}")
    assert f'<th scope="col" class="num">{YEAR}</th>' in page.text
    assert f"yearly ({YEAR})" in table(finance, "paying")[0]
    columns = finance.http.get(f"{ROOM}/paying.json{PERIOD}").json()["columns"]
    assert columns[-1] == {"title": "yearly", "unit": "count", "name": YEAR}


def test_newsletters_have_their_names(world: World, staff: SignIn) -> None:
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)
    reader = world.browser()
    reader.sign_in("thandi@example.com")
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light"])
    editor, today = staff("editor"), f"?from={world.now.date()}&to={world.now.date()}"
    page = editor.get(f"{ROOM}/newsletters{today}")
    assert '<th scope="row">First Light</th>' in page.text
    assert "first-light" not in page.text.partition("<main")[2]
    shown = editor.http.get(f"{ROOM}/newsletters.json{today}").json()
    assert shown["rows"][0][:3] == ["first-light", "First Light", 1]


def test_an_id_without_a_name_stays_an_id() -> None:
    columns = (Column("Plan", Unit.TEXT), Column("Paying"))
    counted = NumbersTable("plans", "Plans", "", columns, (("gone", 1),), names={"monthly": MONTH})
    assert counted.by_name().rows == (("gone", 1),)
    assert as_rows(counted) == (["Plan", "Name", "Paying"], [["gone", "", 1]])
    unnamed = NumbersTable("plans", "Plans", "", columns, (("gone", 1),))
    assert as_rows(unnamed) == (["Plan", "Paying"], [["gone", 1]])
