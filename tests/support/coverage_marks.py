"""A pytest plugin: with `--marks` a run fails unless it passed every stop point and every coverage mark."""

import pytest

from billing.platform import stop_points
from tests.support.stop_point_names import all_marks, all_points

PASSED: set[str] = set()
"""Points and marks that this process passed, and those that its workers and children reported."""


def missing(passed: set[str]) -> list[str]:
    """The points and marks that are not in `passed`."""
    return sorted((all_points() | all_marks()) - passed)


def add_option(parser: pytest.Parser) -> None:
    """Register `--marks` with pytest."""
    parser.addoption("--marks", action="store_true", help="fail when a coverage mark was not passed")


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("--marks"):
        stop_points.collect(PASSED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Collect what an xdist worker passed, when it has ended."""
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
    expected = all_points() | all_marks()
    terminalreporter.section("coverage marks")
    terminalreporter.line(f"{len(expected & PASSED)} of {len(expected)} stop points and marks were passed")
    for name in missing(PASSED):
        terminalreporter.line(f"NOT PASSED: {name}", red=True)
