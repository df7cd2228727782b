"""Notice calls of the gateway from a page's thread: while Stripe is slow, such a route would take the threads of all others.

A slow Stripe shows that on a bad day; this shows it in each test that comes by."""

from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any

from billing.platform.logs import REQUEST
from billing.web.kit.bulkhead import is_inside

PURE = {"verify"}
"""Methods that ask nobody."""


class GatewayCalls:
    """Watches gateways, and remembers which of their methods were called for a request outside the bulkheads."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def watch(self, *gateways: Any) -> None:
        """Watch these from now on."""
        for gateway in gateways:
            for name in dir(gateway):
                method = getattr(gateway, name)
                if isinstance(method, MethodType) and not name.startswith("_") and name not in PURE:
                    setattr(gateway, name, self._noted(name, method))

    def judge(self) -> None:
        """Fail if there were any."""
        found, self._found = self._found, set()
        assert not found, f"the gateway was called from a page's thread: {', '.join(sorted(found))}"

    def _noted(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            if REQUEST.get() and not is_inside():
                self._found.add(name)
            return method(*args, **kwargs)

        return call
