"""`billing/docs/logs.md` lists every line that the product logs, and no other (ASVS 16.1.1)."""

import re
from pathlib import Path

from tests.support import log_calls

PAGE = (Path(__file__).parent.parent / "billing" / "docs" / "logs.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    _, _, below = PAGE.partition(f"\n## {heading}\n")
    section = below.partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def listed_events() -> set[tuple[str, tuple[str, ...]]]:
    return {(event.strip("`"), tuple(filter(None, facts.split(", ")))) for event, facts, _ in rows("Events")}


def listed_lines() -> set[tuple[str, str]]:
    return {(level, in_code(line)) for name in ("Refusals", "Technical lines") for level, line in rows(name)}


def in_code(cell: str) -> str:
    """The text between the backticks, or two texts where the line itself has some."""
    found = re.fullmatch(r"`` (.*) ``|`(.*)`", cell)
    assert found is not None, cell
    return found[1] or found[2]


def test_every_event_that_is_said_is_listed_with_its_facts_and_no_other() -> None:
    assert log_calls.events() == listed_events()


def test_every_line_that_is_logged_is_listed_and_no_other() -> None:
    assert log_calls.lines() == listed_lines()


def test_each_is_listed_once() -> None:
    for name in ("Events", "Refusals", "Technical lines"):
        cells = [tuple(row[:2]) for row in rows(name)]
        assert len(cells) == len(set(cells)), name


def test_no_fact_is_named_as_what_a_log_must_not_hold() -> None:
    """An address appears as its keyed hash. No other personal data and no secret is a fact."""
    names = {fact for _, facts in log_calls.events() for fact in facts}
    assert names & {"email", "ip", "token", "secret", "code", "phone", "name", "password"} == set()
