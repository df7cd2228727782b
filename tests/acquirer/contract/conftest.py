"""Fixtures that run each contract test for each acquirer."""

from collections.abc import Iterator

import pytest

from tests.acquirer.contract.listed import ACQUIRERS
from tests.acquirer.contract.under_test import OtherSide, UnderTest


@pytest.fixture(scope="module", params=list(ACQUIRERS))
def connected(request: pytest.FixtureRequest) -> Iterator[UnderTest]:
    """A gateway and its sandbox, for one file of tests."""
    with ACQUIRERS[request.param]() as under_test:
        yield under_test


@pytest.fixture
def acquirer(connected: UnderTest) -> Iterator[UnderTest]:
    """The same after a reset, with fresh names."""
    if connected.other:
        connected.other.reset()
    yield UnderTest(connected.gateway, connected.names, connected.other)
    if connected.other:
        connected.other.check()


@pytest.fixture
def other(acquirer: UnderTest) -> OtherSide:
    """The acquirer's sandbox. Tests that need one are skipped in an acquirer's own test mode."""
    if acquirer.other is None:
        pytest.skip("an acquirer's own test mode doesn't do this on demand")
    return acquirer.other
