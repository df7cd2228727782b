"""Places where a process can be made to die, so that tests can prove that dying there loses nothing.

Some are named where they stand: `stop_point("charge.intended")`. The others come by themselves, so that none can be
forgotten: `db` has one before and one after every commit, named by the function whose transaction it is, and `around`
puts one before and one after every call to the acquirer. `tests/support/stop_point_names.py` reads them all from the code.

Who kills tells it by `listen`; nothing outside the process can. Where nobody listens a stop point is two comparisons with None."""

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Adapter = TypeVar("Adapter")
PACKAGE = __name__.partition(".")[0]
ASKED, ANSWERED = "is asked", "has answered"
COMMITS, COMMITTED = "commits", "has committed"

_listener: Callable[[str], None] | None = None
_passed: set[str] | None = None


def stop_point(name: str) -> None:
    """Die here, as by a power cut, if whoever listens wants it."""
    reached(name)
    if _listener is not None:
        _listener(name)


def reached(name: str) -> None:
    """Note that this line was reached: a rare one, which a run of the proofs must pass at least once (a coverage mark)."""
    if _passed is not None:
        _passed.add(name)


def collect(passed: set[str] | None) -> None:
    """Enter all points and marks that are passed from now on in a set. For tests; None ends it."""
    global _passed
    _passed = passed


def listen(listener: Callable[[str], None] | None) -> None:
    """Tell each point that is passed to somebody who counts them, or dies. For tests; None ends it."""
    global _listener
    _listener = listener


def kill_at(name: str) -> Callable[[str], None]:
    """A listener that kills this process at the named point."""

    def die(passed: str) -> None:
        if passed == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def around(adapter: type[Adapter]) -> type[Adapter]:
    """A stop point before and after each public method of a class that speaks to the outside, named by it."""
    for name, method in list(vars(adapter).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(adapter, name, _stopping(method))
    return adapter


def _stopping(call: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    @wraps(call)
    def stopping(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        if not _anybody_listens():
            return call(*args, **kwargs)
        stop_point(f"{call.__qualname__} {ASKED}")
        answer = call(*args, **kwargs)
        stop_point(f"{call.__qualname__} {ANSWERED}")
        return answer

    return stopping


def _anybody_listens() -> bool:
    return _listener is not None or _passed is not None


def transaction_of(depth: int) -> str | None:
    """The name of a transaction: the module and function that opened it, `depth` frames above the caller. None where
    nobody listens, which costs nothing."""
    if not _anybody_listens():
        return None
    frame = sys._getframe(depth + 1)
    module = str(frame.f_globals["__name__"]).removeprefix(f"{PACKAGE}.")
    return f"{module}.{frame.f_code.co_name}"
