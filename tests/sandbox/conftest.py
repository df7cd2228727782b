"""A twin for each test, whose every exchange is judged by Stripe's OpenAPI at the end."""

from collections.abc import Iterator

import pytest
from stripe import StripeClient

from tests.sandbox.receiver import Receiver
from tests.twin import Twin


@pytest.fixture(scope="session")
def standing() -> Iterator[Twin]:
    with Twin() as started:
        yield started


@pytest.fixture
def twin(standing: Twin) -> Iterator[Twin]:
    yield standing
    try:
        standing.check()
    finally:
        standing.reset()
        standing.exchanges.clear()


@pytest.fixture
def stripe(twin: Twin) -> StripeClient:
    return twin.client()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening
