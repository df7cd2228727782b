"""Places where a process can be made to die, so that tests can prove that dying there loses nothing.

Armed by BILLING_STOP_AT=<name>, in the test environment only; elsewhere a stop point is one comparison with None."""

import os
import signal

_armed: str | None = None


def arm(name: str | None, environment: str | None) -> None:
    """Let this process die at the point called so, if the environment is a test's."""
    global _armed
    _armed = name if environment == "test" else None


def stop_point(name: str) -> None:
    """Die here, as by a power cut, if this point is armed."""
    if _armed == name:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("BILLING_STOP_AT"), os.environ.get("BILLING_ENVIRONMENT"))
