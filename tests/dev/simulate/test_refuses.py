"""Refusals of a simulation before it starts anything."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from billing.cli import billing
from billing.dev.simulate.dates import start_of
from billing.dev.simulate.environment import NotEmpty, SimulatedInstallation
from billing.dev.simulate.run import FIRST_DAY


def test_a_database_with_tables_is_left_alone(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_DATABASE_URL", database_url)
    with pytest.raises(NotEmpty, match="empty database"), SimulatedInstallation(start_of(FIRST_DAY), 1, 0):
        pass


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "report.html"
    answer = CliRunner().invoke(billing, ["simulate", "--report", str(path)])
    assert answer.exit_code == 1
    assert f"There is no folder {path.parent}" in str(answer.exception)
