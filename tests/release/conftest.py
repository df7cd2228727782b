"""The package, built once."""

import pytest

from tests.release.package import Package, build


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The wheel and the source archive of the present sources."""
    return build(tmp_path_factory.mktemp("package"))
