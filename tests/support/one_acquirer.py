"""A registry with one acquirer, for tests with a gateway of their own."""

from typing import cast

from billing.acquirer.port import Gateway
from billing.acquirer.registry import Acquirers
from billing.platform.monotonic import Monotonic, SystemMonotonic


def only(gateway: object, monotonic: Monotonic | None = None) -> Acquirers:
    """`gateway` needs a name and the port's methods that the test uses. There is no rate limit."""
    return Acquirers([cast(Gateway, gateway)], 0, monotonic or SystemMonotonic())
