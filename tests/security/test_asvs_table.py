"""The table of ASVS 5.0.0: each requirement of levels 1 and 2 once, with a verdict, and tests that exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TABLE = (ROOT / "billing" / "docs" / "asvs.md").read_text()
IDS = Path(__file__).with_name("asvs_5_0_0.txt").read_text().splitlines()
"""`6.3.3 2`: the number of a requirement and its level, for levels 1 and 2."""
VERDICTS = {"held", "held in part", "not applicable", "deviation"}
ROW = re.compile(r"^\| v5\.0\.0-([\d.]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> list[tuple[str, str, str, str]]:
    """Number, requirement, verdict, evidence."""
    return [(found[1], found[2], found[3], found[4]) for found in ROW.finditer(TABLE)]


@cache
def names_of(path: str) -> frozenset[str]:
    if not (ROOT / path).is_file():
        return frozenset()
    return frozenset(
        node.name for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.FunctionDef)
    )


def covered(number: str) -> list[str]:
    """The requirements of a row: itself, or all of its section."""
    return [one for one, _ in map(str.split, IDS) if one == number or one.startswith(f"{number}.")]


def test_every_line_of_the_table_is_read() -> None:
    assert len(rows()) == len(re.findall(r"^\| v5", TABLE, re.MULTILINE)) > 150


def test_each_requirement_has_one_row() -> None:
    assert [number for number, *_ in rows() if not covered(number)] == [], "not in ASVS 5.0.0, or of level 3"
    assert sorted(one for number, *_ in rows() for one in covered(number)) == sorted(
        one for one, _ in map(str.split, IDS)
    )
    assert {level for _, level in map(str.split, IDS)} == {"1", "2"}


def test_a_section_in_one_row_is_one_that_does_not_concern_us() -> None:
    assert {verdict for number, _, verdict, _ in rows() if covered(number) != [number]} == {"not applicable"}


def faults() -> Iterator[str]:
    for number, _, verdict, by in rows():
        named = TEST.findall(by)
        reason = TEST.sub("", by).strip(" ,;")
        yield from (
            f"{number}: {path}::{test} is no test" for path, test in named if test not in names_of(path)
        )
        if verdict not in VERDICTS:
            yield f"{number}: {verdict} is no verdict"
        if by.count("::") != len(named):
            yield f"{number}: a test is named in another form"
        if not named and not reason:
            yield f"{number}: neither a test nor a reason"
        if verdict != "held" and len(reason) < 4:
            yield f"{number}: {verdict}, and it doesn't say why"


def test_each_verdict_is_one_of_four_and_rests_on_tests_that_exist_or_a_reason() -> None:
    assert list(faults()) == []
