"""Each test of the contract is run for each acquirer."""

from collections.abc import Iterator

import pytest

from tests.acquirer.contract.listed import ACQUIRERS
from tests.acquirer.contract.under_test import OtherSide, UnderTest


@pytest.fixture(scope="module", params=list(ACQUIRERS))
def connected(request: pytest.FixtureRequest) -> Iterator[UnderTest]:
    """A gateway and its other side, for a file."""
    with ACQUIRERS[request.param]() as under_test:
        yield under_test


@pytest.fixture
def acquirer(connected: UnderTest) -> Iterator[UnderTest]:
    """The same as at its start, with names of its own."""
    if connected.other:
        connected.other.begin_anew()
    yield UnderTest(connected.gateway, connected.names, connected.other)
    if connected.other:
        connected.other.judge()


@pytest.fixture
def other(acquirer: UnderTest) -> OtherSide:
    """The other side, for what only it can do."""
    if acquirer.other is None:
        pytest.skip("an acquirer's own test mode doesn't do this on demand")
    return acquirer.other
