"""A release of the present sources, made once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.release.__main__ import make
from tests.release.package import ROOT, Package


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """All its files, the sums last."""
    return make(ROOT, tmp_path_factory.mktemp("dist") / "release")


@pytest.fixture(scope="session")
def package(release: Sequence[Path]) -> Package:
    """Its wheel and its source archive."""
    (wheel,) = (file for file in release if file.suffix == ".whl")
    (sdist,) = (file for file in release if file.suffix == ".gz")
    return Package(wheel, sdist)
