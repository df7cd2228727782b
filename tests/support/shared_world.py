"""The one `World` of a process of tests."""

from contextlib import ExitStack
from datetime import datetime

from tests.support.databases import Databases
from tests.support.world import World


class SharedWorld:
    """The one installation of this process, and what else it needs when a test broke it."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._life = ExitStack()
        self._world: World | None = None

    def begin(self, at: datetime | None = None, **settings: object) -> World:
        """The world, as new."""
        if self._world is None:
            self._world = self._life.enter_context(World(self._life.enter_context(self._databases.fresh())))
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

    def close(self) -> None:
        """End it; another one is made when it is asked for."""
        self._world = None
        self._life.close()
