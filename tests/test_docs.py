"""Everything that the docs name exists: settings, commands, make targets, files, tests and other pages."""

import re
from pathlib import Path

import click
import pytest

from billing.cli import billing
from billing.platform.setting_sources import FILE, variable_of
from billing.platform.settings import Settings
from tests.support.written_tables import TABLES, rewritten

ROOT = Path(__file__).parent.parent
SETTINGS = {variable_of(name) + form for name in Settings.model_fields for form in ("", FILE)}
DOCS = ROOT / "billing" / "docs"
DECISIONS = DOCS / "decisions"
PAGES = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "tests/README.md"),
    *sorted(
        str(page.relative_to(ROOT)) for page in (ROOT / "billing").rglob("*.md") if "dev" not in page.parts
    ),
)
HEADINGS = ["Context", "Decision", "Price", "Rejected", "Since", "Kept by"]
FOLDERS = ("billing", "emails", "tests", "alembic", ".ci")
ROOMS = [room.name for room in (ROOT / "billing").iterdir() if room.is_dir() and room.name != "docs"]


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
        path
        for path in re.findall(rf"`((?:{starts})/[^`\s:]*)(?:::\w+)?`", text)
        if not re.search(r"[<>*…{{]", path)
    }


def modules_in(text: str) -> set[str]:
    """Modules named in backticks without `billing/`: `rules/trial`, `web/kit/serve`, with a name in one: `rules/trial.DAYS`."""
    rooms = "|".join(map(re.escape, ROOMS))
    return set(re.findall(rf"`((?:{rooms})/[\w/]+(?:\.\w+)*)(?:\([^`]*\))?`", text))


def is_module(name: str) -> bool:
    """Whether the module or folder exists, and holds the name that follows it."""
    path, _, names = name.partition(".")
    module = ROOT / "billing" / f"{path}.py"
    if not names or names in ("py", "md"):
        return module.exists() or (ROOT / "billing" / path).is_dir()
    return module.exists() and all(each in module.read_text() for each in names.split("."))


def links_in(text: str) -> set[str]:
    """The targets of Markdown links and pictures, except web addresses."""
    return {link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}


def is_there(page: str, link: str) -> bool:
    """Whether the link leads to a file, and to a heading of it. A leading slash means the root."""
    path, _, heading = link.partition("#")
    target = ROOT / path[1:] if path.startswith("/") else (ROOT / page).parent / path if path else ROOT / page
    return target.exists() and (not heading or heading in headings_of(target.read_text()))


def headings_of(text: str) -> set[str]:
    """The headings as links name them: `Run it for real` is `run-it-for-real`."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def named_tests(text: str) -> set[tuple[str, str]]:
    """Tests named as `tests/test_docs.py::test_this`; the file's name may be a link."""
    return set(re.findall(r"\b(tests/[\w/]+\.py)(?:\]\([^)]*\))?`?::(test_\w+)", text))


def is_test(path: str, name: str) -> bool:
    return (ROOT / path).exists() and f"\ndef {name}(" in (ROOT / path).read_text()


def code_in(text: str) -> list[str]:
    """The lines of code blocks and the text in backticks."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", rest)


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def exists(command: tuple[str, ...]) -> bool:
    """Whether the words are a command. A second word counts only if the first has subcommands."""
    first = billing.commands.get(command[0])
    if isinstance(first, click.Group) and len(command) > 1:
        return command[1] in first.commands
    return first is not None


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page: str) -> None:
    text = text_of(page)
    makefile = (ROOT / "Makefile").read_text()
    assert settings_in(text) - SETTINGS == set()
    assert targets_in(text) - set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) == set()
    assert {command for command in commands_in(text) if not exists(command)} == set()
    assert {path for path in paths_in(text) if not (ROOT / path).exists()} == set()
    assert {module for module in modules_in(text) if not is_module(module)} == set()
    assert {test for test in named_tests(text) if not is_test(*test)} == set()
    assert {link for link in links_in(text) if not is_there(page, link)} == set()


def test_something_of_each_kind_is_read() -> None:
    """The pages are long enough to contain each kind of name."""
    named = {
        page: [settings_in, targets_in, commands_in, paths_in, modules_in, named_tests, links_in]
        for page in PAGES
    }
    for kind in range(7):
        assert sum(bool(kinds[kind](text_of(page))) for page, kinds in named.items()) > 2, kind
    for page in ("README.md", "CONTRIBUTING.md", "tests/README.md"):
        assert "test" in targets_in(text_of(page)), page


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    found, new = set(), {ROOT / "README.md"}
    while new:
        found |= new
        new = {
            (ROOT / link[1:] if link.startswith("/") else page.parent / link.partition("#")[0]).resolve()
            for page in new
            for link in links_in(page.read_text())
            if link.partition("#")[0].endswith(".md")
        } - found
    assert {page for page in PAGES if (ROOT / page).resolve() not in found} == set()


def test_the_readme_is_one_screen() -> None:
    assert len(text_of("README.md").splitlines()) <= 60


def test_each_part_of_the_bench_is_in_the_figures() -> None:
    named = re.findall(r"^\| `(\w+)` \|", (DOCS / "figures.md").read_text(), re.MULTILINE)
    measured = {
        path.stem for path in (ROOT / "tests" / "bench").glob("*.py") if "\ndef measure(" in path.read_text()
    }
    assert sorted(named) == sorted(measured)


@pytest.mark.parametrize("page", TABLES)
def test_a_table_is_what_the_code_says(page: str) -> None:
    assert (DOCS / page).read_text() == rewritten(page), (
        "python -m tests.support.written_tables writes it again"
    )


def test_each_decision_is_a_page_in_the_index_with_all_headings() -> None:
    index = (DECISIONS / "README.md").read_text()
    pages = {page.name: page.read_text() for page in DECISIONS.glob("*.md") if page.name != "README.md"}
    listed = re.findall(r"^- \[(.+)\]\(([\w-]+\.md)\)$", index, re.MULTILINE)
    titles = {link: title for title, link in listed}
    assert len(titles) == len(listed)
    assert titles == {name: re.findall(r"^# (.+)$", text, re.MULTILINE)[0] for name, text in pages.items()}
    for name, text in pages.items():
        sections = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
        assert sections[1::2] == HEADINGS, name
        assert all(section.strip() for section in sections[2::2]), name
        since, kept = sections[10], sections[12]
        assert re.fullmatch(r"2\d{3}-\d\d-\d\d", since.strip()), name
        assert named_tests(kept), name
        assert len(links_in(kept)) > len({path for path, _ in named_tests(kept)}), "and code"


def test_every_helper_in_the_guide_exists() -> None:
    _, _, helpers = (ROOT / "tests" / "README.md").read_text().partition("## Helpers")
    named = set(re.findall(r"`(\w+\.py)`", helpers))
    assert named
    assert {name for name in named if not (ROOT / "tests" / "support" / name).exists()} == set()


EXAMPLE = """
Run `make demo`, or `PORT=8080 make demo`. Then set BILLING_SECRET_KEY (all begin with `BILLING_`).
We make tests and do billing well; see `billing/rules/trial.py`, `emails/<message>/` and `billing clock advance 15d`.
[This](README.md#try-it), `rules/trial.charge_at(…)`, not [that](https://example.com/); [tests/test_docs.py](/x)`::test_a`.

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
    assert modules_in(EXAMPLE) == {"rules/trial.charge_at"}
    assert links_in(EXAMPLE) == {"README.md#try-it", "/x"}
    assert named_tests(EXAMPLE) == {("tests/test_docs.py", "test_a")}


@pytest.mark.parametrize("command", [("nonsense",), ("clock", "backwards")])
def test_what_is_no_command_is_found(command: tuple[str, ...]) -> None:
    assert not exists(command)


@pytest.mark.parametrize("name", ["rules/nonsense", "rules/trial.nonsense", "nonsense/trial"])
def test_what_is_no_module_is_found(name: str) -> None:
    assert not is_module(name)


@pytest.mark.parametrize("link", ["nonsense.md", "/nonsense.md", "README.md#nonsense", "#nonsense"])
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    assert not is_there("README.md", link)
