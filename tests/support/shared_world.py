"""The one `World` of a process of tests."""

import gc
from contextlib import ExitStack
from datetime import datetime

from tests.support.databases import Databases
from tests.support.fork_server import ForkServer
from tests.support.world import World


class SharedWorld:
    """The one installation of this process, with its fork server. It is made again after a test broke it."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._life = ExitStack()
        self._world: World | None = None
        self._forks: ForkServer | None = None

    def begin(self, at: datetime | None = None, **settings: object) -> World:
        """The world, blank again."""
        if self._world is None:
            self._world = self._life.enter_context(World(self._life.enter_context(self._databases.fresh())))
            gc.freeze()  # exclude what was imported and built from garbage collection, as tests/conftest.py does
        return self._world.begin(at, **settings)

    def judge(self) -> None:
        """Check what the test did. A world that fails the check is discarded, so that the next test gets a sound one."""
        if self._world is not None:
            try:
                self._world.judge()
                self._world.end()
            except BaseException:
                self.close()
                raise

    def fork_server(self, world: World) -> ForkServer:
        """The fork server on the world's database, started once. No work may be due when it starts."""
        if self._forks is None:
            self._forks = self._life.enter_context(ForkServer(world.settings))
        return self._forks

    def close(self) -> None:
        """End the installation; the next `begin` makes another."""
        self._world, self._forks = None, None
        self._life.close()
