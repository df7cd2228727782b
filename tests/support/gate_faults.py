"""Detect faults of the gate. The framework answers in its place, so no answer would show them."""

import logging

from billing.access_cache import gate


class GateFaults(logging.Handler):
    """Keeps what the gate logs when it breaks."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._found: list[str] = []
        gate.log.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the fault."""
        if record.msg == gate.BROKE:
            self._found.append(repr(record.exc_info and record.exc_info[1]))

    def judge(self) -> None:
        """Fail if there was one."""
        found, self._found = self._found, []
        assert not found, f"the gate broke: {', '.join(sorted(set(found)))}"
