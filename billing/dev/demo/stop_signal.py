"""Has somebody asked us to stop? A signal only rings the bell; the waiting code looks at it."""

import os
import signal


class StopSignal:
    """Rings at Ctrl-C, SIGTERM, SIGHUP (unless told to ignore it, as by nohup) and, under make, when make is gone."""

    def __init__(self) -> None:
        self._rung = False
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None

    def listen(self) -> None:
        """From now on the signals ring."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            signal.signal(number, self._ring)

    @property
    def rung(self) -> bool:
        """True from the first request on."""
        if self._parent is not None and os.getppid() != self._parent:
            self._rung = True
        return self._rung

    def _ring(self, *_: object) -> None:
        self._rung = True
