"""Detect gateway calls from a page's thread. While Stripe is slow, such a route would block the threads of all other pages.

In production only a slow Stripe would show this; here every test that makes such a call shows it."""

from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any

from billing.platform.logs import REQUEST
from billing.web.kit.bulkhead import is_inside

PURE = {"verify"}
"""Methods that send no request."""


class GatewayCalls:
    """Records gateway methods that a request called outside the bulkheads."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def watch(self, *gateways: Any) -> None:
        """Wrap the methods of these gateways."""
        for gateway in gateways:
            for name in dir(gateway):
                method = getattr(gateway, name)
                if isinstance(method, MethodType) and not name.startswith("_") and name not in PURE:
                    setattr(gateway, name, self._recorded(name, method))

    def judge(self) -> None:
        """Fail if there were any such calls."""
        found, self._found = self._found, set()
        assert not found, f"the gateway was called from a page's thread: {', '.join(sorted(found))}"

    def _recorded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            if REQUEST.get() and not is_inside():
                self._found.add(name)
            return method(*args, **kwargs)

        return call
