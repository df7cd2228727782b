"""Stop requests: a signal handler sets a flag, and the waiting code reads it."""

import os
import signal


class StopSignal:
    """Received at Ctrl-C, SIGTERM, SIGHUP (unless ignored, as under nohup) and, under make, when make has ended."""

    def __init__(self) -> None:
        self._received = False
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None

    def listen(self) -> None:
        """Install the signal handlers."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            signal.signal(number, self._receive)

    @property
    def received(self) -> bool:
        """Whether a stop was requested."""
        if self._parent is not None and os.getppid() != self._parent:
            self._received = True
        return self._received

    def _receive(self, *_: object) -> None:
        self._received = True
