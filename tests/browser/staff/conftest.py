"""Stories of staff share a demo of their own: they count what waits and what was charged, and so does
`tests/browser/test_staff_story.py` on the demo of all others."""

from collections.abc import Iterator

import pytest

from tests.support.demo import Demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo of staff's stories in this test process. What others did in it stays: each story has readers and cards of its own, and
    acts on no others."""
    with Demo(tmp_path_factory.mktemp("demo-of-staff") / "data") as running:
        yield running
