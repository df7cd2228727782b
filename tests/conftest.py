"""What every test may use: databases that begin migrated, and a world with everything running."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from tests.support.chromium import CHROMIUM, MISSING
from tests.support.databases import Databases, open_databases, share_compiled_statements
from tests.support.scheduling import ByFile, put_in_order
from tests.support.shared_chromium import Chromium
from tests.support.starting_points import Subscriber, subscriber
from tests.support.world import World, adopt, prepare

# Properties are never judged by the time they take: the machine is shared. What passed once passes again; whoever looks for
# news draws anew, and more: `pytest --hypothesis-profile exploring`.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("exploring", settings.get_profile("steady"), derandomize=False, max_examples=2_000)
settings.load_profile("steady")


def pytest_sessionstart() -> None:
    """What is imported stays: looking through it again and again would be a tenth of a run."""
    gc.set_threshold(100_000, 20, 100)


def pytest_collection_finish() -> None:
    """The tests stay too."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """How tests are given to the workers."""
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)  # of those that are left to be run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In which order."""
    put_in_order(items)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A server for this process of tests, and a migrated template."""
    share_compiled_statements()
    with open_databases(prepare, adopt) as found:
        yield found


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of its own."""
    with databases.fresh() as url:
        yield url


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


@pytest.fixture(scope="session")
def shared_world(databases: Databases) -> Iterator[SharedWorld]:
    """Tests ask for `world`, or a starting point."""
    shared = SharedWorld(databases)
    yield shared
    shared.close()


@pytest.fixture
def make_world(shared_world: SharedWorld) -> Iterator[Callable[..., World]]:
    """The world, as it begins at another moment, or with other settings. There is one at a time: each call begins it anew.

    At the end every exchange with the sandbox is judged by Stripe's OpenAPI."""
    yield shared_world.begin
    shared_world.judge()


@pytest.fixture
def own_world(databases: Databases) -> Iterator[World]:
    """A world of the test's own, for those who break the database itself."""
    with databases.fresh() as url, World(url) as world:
        yield world


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Everything running, on Monday 1 March 2027 at 10:00 in Johannesburg."""
    return make_world()


@pytest.fixture
def in_trial(world: World) -> Subscriber:
    """A reader on the first day of the trial, 1 March 2027, 10:00."""
    return subscriber(world, "in_trial")


@pytest.fixture
def told(world: World) -> Subscriber:
    """A reader on the last evening of the trial, 15 March, 20:00, with both notices."""
    return subscriber(world, "told")


@pytest.fixture
def paid(world: World) -> Subscriber:
    """A reader who was charged for the first time this morning, 16 March; it is noon."""
    return subscriber(world, "paid")


@pytest.fixture
def paid_twice(world: World) -> Subscriber:
    """A reader who was charged for the second time this morning, 16 April; it is noon."""
    return subscriber(world, "paid_twice")


@pytest.fixture
def owing(world: World) -> Subscriber:
    """A reader whose second charge was declined this morning, 16 April, for lack of money; it is noon."""
    return subscriber(world, "owing")


@pytest.fixture
def cancelled(world: World) -> Subscriber:
    """A reader who cancelled today, 5 April, noon, and reads to the end of what is paid."""
    return subscriber(world, "cancelled")


@pytest.fixture
def disputed(world: World) -> Subscriber:
    """A reader whose bank disputes the first charge since today, 17 March, noon."""
    return subscriber(world, "disputed")


@pytest.fixture
def yearly(world: World) -> Subscriber:
    """A reader who was charged for a year this morning, 16 March; it is noon."""
    return subscriber(world, "yearly")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for this process of tests; each test opens contexts of its own, `with chromium.context()`."""
    if not CHROMIUM.exists():
        pytest.skip(MISSING)
    with Chromium() as running:
        yield running
