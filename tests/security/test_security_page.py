"""SECURITY.md agrees with the code about data and secrets."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from billing.access import meter
from billing.newsletters.notices import LIFE
from billing.platform import retention
from billing.platform.setting_sources import PREFIX
from billing.platform.settings import Settings
from billing.tables import metadata

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "SECURITY.md").read_text()
KEPT: dict[str, timedelta] = {aged.table: aged.keep for aged in retention.RULES} | {
    "meter_month": meter.KEPT,
    "gift_reading": meter.KEPT,
    "signup": LIFE,
}
LEVELS = {"private", "personal", "evidence", "hashed", "business"}
DERIVING = {
    *(
        "token",
        "tokens",
        "subject_of",
        "is_token",
        "code",
        "is_code",
        "key",
        "keys_of",
        "digest",
        "digests",
        "digester",
    ),
    *("list_digest", "list_digester", "seal", "unseal"),
}


def rows(title: str) -> list[list[str]]:
    """The rows of the tables in a section, without their heads."""
    _, _, section = PAGE.partition(f"\n## {title}\n")
    lines = section.partition("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    rules = [number for number, row in enumerate(cells) if set(row[0]) == {"-"}]
    assert rules, title
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w-]+)`", cell)


def data() -> dict[str, tuple[str, str]]:
    """Each table, with its level and retention."""
    return {
        table: (row[2], row[3]) for row in rows("Data, and how long it is kept") for table in names(row[1])
    }


def test_every_table_is_in_one_class() -> None:
    listed = [table for row in rows("Data, and how long it is kept") for table in names(row[1])]
    assert sorted(listed) == sorted(metadata.tables)
    assert {level for level, _ in data().values()} == LEVELS


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_each_is_kept_as_long_as_it_says(table: str) -> None:
    _, kept = data()[table]
    if table in KEPT:
        assert kept.startswith(f"{KEPT[table].days} days")
    else:
        assert kept.startswith("not deleted")


def test_every_secret_setting_is_in_the_inventory() -> None:
    """A setting is a secret where it isn't shown when settings are printed."""
    secret = {
        PREFIX + name.upper()
        for name, field in Settings.model_fields.items()
        if not field.repr or "SecretStr" in str(field.annotation)
    }
    assert len(secret) >= 5
    assert secret <= {name for row in rows("Keys and secrets") for name in names(row[0])}


def purposes() -> Iterator[str]:
    """Every purpose for which something is derived from the secret key: named at the call, or by a constant of its module."""
    for path in sorted((ROOT / "billing").rglob("*.py")):
        if path.parts[len(ROOT.parts) + 1] == "dev":
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=of, attr=attr), args=[ast.Constant(value=str(purpose)), *_]
                ):
                    if attr in DERIVING and ast.unparse(of).endswith("tokens"):
                        yield purpose
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(purpose))):
                    if name in ("PURPOSE", "UNSUBSCRIBE", "PREFERENCES", "CANCEL", "CARD", "PAY"):
                        yield purpose


def test_every_purpose_of_the_secret_key_is_in_the_inventory() -> None:
    listed = {name for row in rows("Keys and secrets") for name in names(row[1])}
    assert len(set(purposes())) > 20
    assert set(purposes()) - listed == set()


def test_each_deviation_is_one_in_the_table_of_the_standard() -> None:
    table = (ROOT / "billing" / "docs" / "asvs.md").read_text()
    marked = set(re.findall(r"^\| (v5\.0\.0-\S+) \|[^|\n]*\| deviation ", table, re.MULTILINE))
    assert {row[0] for row in rows("Deviations")} == marked
