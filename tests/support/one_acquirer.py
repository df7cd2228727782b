"""A registry of one acquirer, for tests that put a gateway of their own in its place."""

from typing import cast

from billing.acquirer.port import Gateway
from billing.acquirer.registry import Acquirers
from billing.platform.monotonic import Monotonic, SystemMonotonic


def only(gateway: object, monotonic: Monotonic | None = None) -> Acquirers:
    """`gateway` has a name, and those of the port's methods that the test needs. No pace is kept."""
    return Acquirers([cast(Gateway, gateway)], 0, monotonic or SystemMonotonic())
