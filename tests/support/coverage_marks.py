"""A pytest plugin: `--marks` fails a run that didn't pass every stop point and every rare line with a coverage mark."""

import pytest

from billing.platform import stop_points
from tests.support.stop_point_names import all_marks, all_points

PASSED: set[str] = set()
"""What this process passed, and what others told it."""


def missing(passed: set[str]) -> list[str]:
    """The points and marks that a whole run of the proofs didn't pass."""
    return sorted((all_points() | all_marks()) - passed)


def add_option(parser: pytest.Parser) -> None:
    """Enter `--marks` among pytest's options."""
    parser.addoption("--marks", action="store_true", help="fail when a coverage mark was not passed")


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("--marks"):
        stop_points.collect(PASSED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """A worker of xdist has ended."""
    PASSED.update(getattr(node, "workeroutput", {}).get("marks", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["marks"] = sorted(PASSED)
    elif session.config.getoption("--marks") and missing(PASSED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--marks"):
        return
    left, wanted = missing(PASSED), all_points() | all_marks()
    terminalreporter.section("coverage marks")
    terminalreporter.line(f"{len(wanted & PASSED)} of {len(wanted)} stop points and marks were passed")
    for name in left:
        terminalreporter.line(f"NOT PASSED: {name}", red=True)
