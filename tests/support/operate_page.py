"""What `operate.md` tells an operator to type, for tests that type it."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "billing" / "docs" / "operate.md"


def documented(start: str) -> str:
    """The text in backticks that begins with these words."""
    [found] = re.findall(rf"`({re.escape(start)}[^`]*)`", PAGE.read_text())
    return str(found)
