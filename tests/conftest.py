"""What every test may use: databases that begin migrated, and a world with everything running."""

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
from tests.support.world import START, World, adopt, prepare

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


@pytest.fixture
def make_world(databases: Databases) -> Iterator[Callable[..., World]]:
    """Worlds that begin at another moment, or with other settings; every exchange with the sandbox is judged at the end."""
    with ExitStack() as ends:

        def make(at: datetime = START, **settings: object) -> World:
            url = ends.enter_context(databases.fresh())
            return ends.enter_context(World(url, at, **settings))

        yield make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Everything running, on Monday 1 March 2027 at 10:00 in Johannesburg."""
    return make_world()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for this process of tests; each test opens contexts of its own, `with chromium.context()`."""
    if not CHROMIUM.exists():
        pytest.skip(MISSING)
    with Chromium() as running:
        yield running
