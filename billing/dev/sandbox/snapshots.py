"""Moments to come back to: all that the sandbox remembers, kept in memory under a name, for tests that tell many stories
from one beginning."""

import pickle

from billing.dev.sandbox.deliver import Deliverer
from billing.dev.sandbox.faults import Faults
from billing.dev.sandbox.world import SandboxWorld


class Snapshots:
    """Keeps them for as long as the process lives."""

    def __init__(self, world: SandboxWorld, deliverer: Deliverer, faults: Faults) -> None:
        self._world, self._deliverer, self._faults = world, deliverer, faults
        self._kept: dict[str, bytes] = {}

    def keep(self, name: str) -> None:
        """Remember how everything is now, faults and trouble too; deliveries on the wire don't belong to it."""
        weather = self._faults.rules, self._deliverer.troubles.rules
        clock = self._world.clock
        self._kept[name] = pickle.dumps((clock.true(), clock.skew, self._world.store.tables, *weather))

    def recall(self, name: str) -> bool:
        """Let everything be as it was then, the held clock too; whether there is such a moment."""
        kept = self._kept.get(name)
        if kept is None:
            return False
        self._deliverer.forget()
        self._faults.clear()
        now, skew, tables, faults, troubles = pickle.loads(kept)  # noqa: S301 - pickled by `keep`, in this process
        self._world.store.tables, self._faults.rules, self._deliverer.troubles.rules = (
            tables,
            faults,
            troubles,
        )
        self._world.store.compact()
        self._world.clock.hold(now)
        self._world.clock.skew = skew
        self._deliverer.resume()
        return True
