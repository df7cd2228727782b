"""A pytest plugin: lists at the end of a run what tests measured and don't judge, given to `record_property`."""

from collections.abc import Callable

import pytest

Record = Callable[[str, object], None]
"""The fixture `record_property`."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for each in terminalreporter.getreports("passed") if each.user_properties]
    if not reports:
        return
    terminalreporter.section("measured")
    for report in reports:
        for name, value in report.user_properties:
            terminalreporter.line(f"{name}: {value} ({report.nodeid})")
