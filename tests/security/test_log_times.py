"""Log lines of machines in any zone are in UTC."""

import io
import logging
import os
import time
from collections.abc import Iterator

import pytest

from billing.platform.logs import to_stream
from billing.platform.monotonic import SystemMonotonic


@pytest.fixture(params=["Africa/Johannesburg", "America/New_York", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine in this zone."""
    with monkeypatch.context() as patch:
        patch.setitem(os.environ, "TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def test_a_line_is_in_utc_whatever_the_machines_zone(zone: str) -> None:
    written = io.StringIO()
    handler = to_stream(written, SystemMonotonic())
    record = logging.makeLogRecord(
        {"msg": "signed in", "levelname": "INFO", "name": "billing", "created": 0.0}
    )
    handler.emit(record)
    assert written.getvalue().startswith("1970-01-01 00:00:00")
