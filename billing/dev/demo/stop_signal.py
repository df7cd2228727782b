"""Has somebody asked us to stop? A signal handler only sets a flag; the waiting code reads it."""

import os
import signal


class StopSignal:
    """Rings at Ctrl-C, SIGTERM, SIGHUP (unless told to ignore it, as by nohup) and, under make, when make is gone."""

    def __init__(self) -> None:
        self._received = False
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None

    def listen(self) -> None:
        """From now on the signals ring."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            signal.signal(number, self._ring)

    @property
    def received(self) -> bool:
        """True from the first request on."""
        if self._parent is not None and os.getppid() != self._parent:
            self._received = True
        return self._received

    def _ring(self, *_: object) -> None:
        self._received = True
