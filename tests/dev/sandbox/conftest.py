"""A sandbox for each test. At the end every exchange is checked against Stripe's OpenAPI."""

from collections.abc import Iterator

import pytest
from stripe import StripeClient

from tests.dev.sandbox.receiver import Receiver
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="session")
def standing() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


@pytest.fixture
def sandbox(standing: Sandbox) -> Iterator[Sandbox]:
    yield standing
    try:
        standing.check()
    finally:
        standing.reset()
        standing.exchanges.clear()


@pytest.fixture
def stripe(sandbox: Sandbox) -> StripeClient:
    return sandbox.client()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening
