"""Snapshots of the sandbox's whole state, kept in memory under a name, for tests with a common starting point."""

import pickle

from billing.dev.sandbox.deliver import Deliverer
from billing.dev.sandbox.faults import Faults
from billing.dev.sandbox.world import SandboxWorld


class Snapshots:
    """The snapshots of this process."""

    def __init__(self, world: SandboxWorld, deliverer: Deliverer, faults: Faults) -> None:
        self._world, self._deliverer, self._faults = world, deliverer, faults
        self._kept: dict[str, bytes] = {}

    def keep(self, name: str) -> None:
        """Keep the present state, including all fault rules, but without deliveries in flight."""
        rules = self._faults.rules, self._deliverer.faults.rules
        clock = self._world.clock
        self._kept[name] = pickle.dumps((clock.true(), clock.skew, self._world.store.tables, *rules))

    def recall(self, name: str) -> bool:
        """Restore a snapshot, including the held clock; return False if there is none of this name."""
        kept = self._kept.get(name)
        if kept is None:
            return False
        self._deliverer.forget()
        self._faults.clear()
        now, skew, tables, faults, webhook_faults = pickle.loads(kept)  # noqa: S301 - pickled by `keep`, in this process
        self._world.store.tables = tables
        self._faults.rules, self._deliverer.faults.rules = faults, webhook_faults
        self._world.store.compact()
        self._world.clock.hold(now)
        self._world.clock.skew = skew
        self._deliverer.resume()
        return True
