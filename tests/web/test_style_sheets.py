"""Style sheets hold together: a brace that is lost makes all that follows belong to one width or to the dark, without a word."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "billing"
SHEETS = {str(sheet.relative_to(ROOT)): sheet for sheet in sorted(ROOT.rglob("*.css"))}
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@pytest.mark.parametrize("name", SHEETS)
def test_every_block_ends_where_it_should(name: str) -> None:
    depth = 0
    for line in COMMENT.sub("", SHEETS[name].read_text()).splitlines():
        if line and not line[0].isspace() and line[0] != "}":
            assert depth == 0, f"stands in another block: {line}"
        depth += line.count("{") - line.count("}")
    assert depth == 0
