"""The one `World` of a process of tests."""

import gc
from contextlib import ExitStack
from datetime import datetime

from tests.support.databases import Databases
from tests.support.fork_server import ForkServer
from tests.support.world import World


class SharedWorld:
    """The one installation of this process, and what else it needs when a test broke it."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._life = ExitStack()
        self._world: World | None = None
        self._forks: ForkServer | None = None

    def begin(self, at: datetime | None = None, **settings: object) -> World:
        """The world, as new."""
        if self._world is None:
            self._world = self._life.enter_context(World(self._life.enter_context(self._databases.fresh())))
            gc.freeze()  # what was imported and built for it stays, as in tests/conftest.py
        return self._world.begin(at, **settings)

    def judge(self) -> None:
        """Judge what the test did with it. A world that a test broke is thrown away, so that the next test has a sound one."""
        if self._world is not None:
            try:
                self._world.judge()
                self._world.end()
            except BaseException:
                self.close()
                raise

    def fork_server(self, world: World) -> ForkServer:
        """Processes on the world's database, made once. Ask for it when nothing is due."""
        if self._forks is None:
            self._forks = self._life.enter_context(ForkServer(world.settings))
        return self._forks

    def close(self) -> None:
        """End it; another one is made when it is asked for."""
        self._world, self._forks = None, None
        self._life.close()
