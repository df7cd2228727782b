"""Places where tests kill a process, to prove that dying there loses nothing.

Some have a name in the code: `stop_point("charge.intended")`. The others need no line, so none can be forgotten. `db` has
one before and one after every commit, named after the function that opened the transaction. `around` adds one before and one
after every call to the acquirer. `tests/support/stop_point_names.py` reads all names from the code.

Only code in this process can `listen`. Without a listener a stop point costs two comparisons with None."""

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Answer = TypeVar("Answer")
Adapter = TypeVar("Adapter")
PACKAGE = __name__.partition(".")[0]
ASKED, ANSWERED = "is asked", "has answered"
COMMITS, COMMITTED = "commits", "has committed"

_listener: Callable[[str], None] | None = None
_passed: set[str] | None = None


def stop_point(name: str) -> None:
    """A place where the listener may kill this process, as a power cut would."""
    reached(name)
    if _listener is not None:
        _listener(name)


def reached(name: str) -> None:
    """A coverage mark: the proofs must reach this rare line at least once."""
    if _passed is not None:
        _passed.add(name)


def collect(passed: set[str] | None) -> None:
    """Add the points and marks that are passed from now on to a set. For tests; None ends it."""
    global _passed
    _passed = passed


def listen(listener: Callable[[str], None] | None) -> None:
    """Call the listener at each point from now on. For tests; None ends it."""
    global _listener
    _listener = listener


def kill_at(name: str) -> Callable[[str], None]:
    """A listener that kills this process at the named point."""

    def die(passed: str) -> None:
        if passed == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def around(adapter: type[Adapter]) -> type[Adapter]:
    """Add a stop point before and after each public method of an adapter, named after the method."""
    for name, method in list(vars(adapter).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(adapter, name, _stopping(method))
    return adapter


def _stopping(call: Callable[P, Answer]) -> Callable[P, Answer]:
    @wraps(call)
    def stopping(*args: P.args, **kwargs: P.kwargs) -> Answer:
        if not _is_listened_to():
            return call(*args, **kwargs)
        stop_point(f"{call.__qualname__} {ASKED}")
        answer = call(*args, **kwargs)
        stop_point(f"{call.__qualname__} {ANSWERED}")
        return answer

    return stopping


def _is_listened_to() -> bool:
    return _listener is not None or _passed is not None


def transaction_of(depth: int) -> str | None:
    """The name of a transaction: the module and function `depth` frames above the caller. None without a listener, to save
    the time."""
    if not _is_listened_to():
        return None
    frame = sys._getframe(depth + 1)
    module = str(frame.f_globals["__name__"]).removeprefix(f"{PACKAGE}.")
    return f"{module}.{frame.f_code.co_name}"
