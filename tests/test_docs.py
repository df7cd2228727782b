"""What the pages for people name exists, and every setting is in the README."""

import re
from pathlib import Path

import click
import pytest

from billing.cli import billing
from billing.platform.settings import SETTINGS
from billing.rules.lifecycle import as_table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = ("README.md", "CONTRIBUTING.md", "tests/README.md")
SECURITY = "SECURITY.md"
FOLDERS = ("billing", "emails", "tests", "alembic", ".ci")


def settings_in(text: str) -> set[str]:
    """Every BILLING_... named, but for the pattern BILLING_<NAME>."""
    return set(re.findall(r"\bBILLING_[A-Z][A-Z_]*[A-Z]\b", text))


def targets_in(text: str) -> set[str]:
    """What follows `make` in code: `make demo`, `PORT=8080 make demo`, `make demo PORT=8080`."""
    return {
        word for code in code_in(text) for word in re.findall(r"\bmake\s+(?:[A-Z]+=\S*\s+)*([a-z-]+)\b", code)
    }


def commands_in(text: str) -> set[tuple[str, ...]]:
    """What follows `billing` in code, with its subcommand: ("clock", "advance"), ("serve",)."""
    found = set()
    for code in code_in(text):
        for words in re.findall(r"(?<![\w./-])(?:\.venv/bin/)?billing((?: +[a-z][a-z-]*(?![\w./@]))+)", code):
            found.add(tuple(words.split()[:2]))
    return found


def paths_in(text: str) -> set[str]:
    """Paths into the tree named in backticks: `billing/rules/trial.py`, `emails/receipt/`."""
    starts = "|".join(map(re.escape, FOLDERS))
    return {
        path for path in re.findall(rf"`((?:{starts})/[^`\s]*)`", text) if not re.search(r"[<>*…{{]", path)
    }


def code_in(text: str) -> list[str]:
    """The lines of code blocks and what stands in backticks."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", rest)


def readme() -> str:
    return README.read_text()


def exists(command: tuple[str, ...]) -> bool:
    """Whether the words are a command; a second word counts only where the first has subcommands."""
    first = billing.commands.get(command[0])
    if isinstance(first, click.Group) and len(command) > 1:
        return command[1] in first.commands
    return first is not None


def test_every_setting_is_in_the_readme() -> None:
    assert set(SETTINGS) - settings_in(readme()) == set()


@pytest.mark.parametrize("page", [README.name, SECURITY])
def test_every_setting_that_a_page_names_exists(page: str) -> None:
    assert settings_in((ROOT / page).read_text()) - set(SETTINGS) == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = targets_in((ROOT / page).read_text())
    assert "test" in named
    assert named - set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) == set()


@pytest.mark.parametrize("page", [README.name, SECURITY])
def test_every_command_that_a_page_names_exists(page: str) -> None:
    named = commands_in((ROOT / page).read_text())
    assert named
    assert {command for command in named if not exists(command)} == set()


@pytest.mark.parametrize("page", [*PAGES, SECURITY])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    assert {path for path in paths_in((ROOT / page).read_text()) if not (ROOT / path).exists()} == set()


def test_every_helper_in_the_guide_exists() -> None:
    _, _, helpers = (ROOT / "tests" / "README.md").read_text().partition("## Helpers")
    named = set(re.findall(r"`(\w+\.py)`", helpers))
    assert named
    assert {name for name in named if not (ROOT / "tests" / "support" / name).exists()} == set()


def test_the_transitions_in_the_decisions_are_those_of_the_code() -> None:
    page = (ROOT / "billing" / "DECISIONS.md").read_text()
    assert as_table().strip() in page


EXAMPLE = """
Run `make demo`, or `PORT=8080 make demo`. Then set BILLING_SECRET_KEY (all begin with `BILLING_`).
We make tests and do billing well; see `billing/rules/trial.py`, `emails/<message>/` and `billing clock advance 15d`.

```sh
. .data/demo.env && .venv/bin/billing keys create --name x   # never billing nonsense
make test DATA=.data
billing serve
```
"""


def test_the_reader_of_the_readme_reads() -> None:
    assert settings_in(EXAMPLE) == {"BILLING_SECRET_KEY"}
    assert targets_in(EXAMPLE) == {"demo", "test"}
    assert commands_in(EXAMPLE) == {("clock", "advance"), ("keys", "create"), ("serve",)}
    assert paths_in(EXAMPLE) == {"billing/rules/trial.py"}


@pytest.mark.parametrize("command", [("nonsense",), ("clock", "backwards")])
def test_what_is_no_command_is_found(command: tuple[str, ...]) -> None:
    assert not exists(command)
