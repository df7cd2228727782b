"""Fixtures for all tests: migrated databases, and a world with everything running.

Fixtures import the product only when they are used: the import takes a second, which tests of rules don't need."""

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import coverage_marks, measured, proof_size
from tests.support.scheduling import ByFile, put_in_order

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.support.browser import Browser
    from tests.support.databases import Databases
    from tests.support.demo import Demo, SharedDemo
    from tests.support.fork_server import Crash, ForkServer
    from tests.support.person import Arrive, Person
    from tests.support.shared_chromium import Chromium
    from tests.support.shared_world import SharedWorld
    from tests.support.staff_member import Enter
    from tests.support.staff_members import SignIn
    from tests.support.starting_points import Subscriber
    from tests.support.world import World

# No deadline, because the machine may be busy. Draws are repeatable; `make prove-all` draws other and more examples
# (`pytest --hypothesis-profile exploring`).
settings.register_profile(
    "steady",
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("exploring", settings.get_profile("steady"), derandomize=False, max_examples=2_000)
settings.load_profile("steady")


# Imports and tests stay for the whole run. Scanning them for garbage would cost a tenth of it.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Enable garbage collection after the collection of tests, which is frozen."""
    collected = yield
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    gc.enable()
    return collected


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Collect garbage a last time, so that pytest reports errors in finalizers. The rest goes with the process."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> ByFile:
    """Choose the scheduler of xdist."""
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--marks`."""
    coverage_marks.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugins behind `--marks` and `record_property`."""
    config.pluginmanager.register(coverage_marks)
    config.pluginmanager.register(measured)


def pytest_report_header() -> str:
    """Report the size of the proofs."""
    return f"proofs: {proof_size.in_words()}"


@pytest.hookimpl(trylast=True)  # after other plugins have deselected tests
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests, and give proofs a longer timeout."""
    for item in items:
        if item.get_closest_marker("prove"):
            item.add_marker(pytest.mark.timeout(3600))
    put_in_order(items)


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> "Iterator[Databases]":
    """A server for this test process, with a migrated template."""
    from tests.support.databases import kept_cluster, open_databases, share_compiled_statements
    from tests.support.installation import adopt, prepare

    share_compiled_statements()
    cache: pytest.Cache | None = getattr(
        pytestconfig, "cache", None
    )  # missing where the plugin is switched off
    cluster = kept_cluster(cache.mkdir("postgresql")) if cache is not None else None
    with open_databases(prepare, adopt, cluster=cluster) as found:
        yield found


@pytest.fixture
def database_url(databases: "Databases") -> Iterator[str]:
    """The address of a new migrated database."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="session")
def shared_world(databases: "Databases") -> "Iterator[SharedWorld]":
    """The process's one installation; tests use `world` or a starting point."""
    from tests.support.shared_world import SharedWorld

    shared = SharedWorld(databases)
    yield shared
    shared.close()


@pytest.fixture
def make_world(shared_world: "SharedWorld") -> "Iterator[Callable[..., World]]":
    """`make_world(at, **settings)` returns the world, blank, at another time or with other settings. Each call resets the same world.

    At the end every exchange with the sandbox is checked against Stripe's OpenAPI."""
    yield shared_world.begin
    shared_world.judge()


@pytest.fixture
def fork_server(world: "World", shared_world: "SharedWorld") -> "ForkServer":
    """Forks processes on the test's world that do due work or answer a request, and die at a given stop point."""
    return shared_world.fork_server(world)


@pytest.fixture
def crash(fork_server: "ForkServer") -> "Crash":
    """`crash("charge.answered")` does all due work in a process that dies at this stop point; `crash(…, request)` answers a request
    in one."""
    return fork_server.die


@pytest.fixture
def own_world(databases: "Databases") -> "Iterator[World]":
    """A separate world, for tests that break the database itself."""
    from tests.support.world import World

    with databases.fresh() as url, World(url) as world:
        yield world


@pytest.fixture
def world(make_world: "Callable[..., World]") -> "World":
    """Everything running, on Monday 1 March 2027 at 10:00 in Johannesburg."""
    return make_world()


@pytest.fixture
def demo_world(world: "World", tmp_path: Path) -> "World":
    """The same as the demo's installation, with a mailbox in `tmp_path`."""
    # An application refuses a database of another environment.
    world.execute("UPDATE installation SET environment = 'demo'")
    world.restart(environment="demo", mailbox_dir=tmp_path)
    return world


def _subscriber(world: "World", name: str) -> "Subscriber":
    from tests.support.starting_points import subscriber

    return subscriber(world, name)


@pytest.fixture
def in_trial(world: "World") -> "Subscriber":
    """A reader on the first day of the trial, 1 March 2027, 10:00."""
    return _subscriber(world, "in_trial")


@pytest.fixture
def notified(world: "World") -> "Subscriber":
    """A reader on the last evening of the trial, 15 March, 20:00, who has got both notices."""
    return _subscriber(world, "notified")


@pytest.fixture
def paid(world: "World") -> "Subscriber":
    """A reader who was first charged this morning, 16 March; it is noon."""
    return _subscriber(world, "paid")


@pytest.fixture
def paid_twice(world: "World") -> "Subscriber":
    """A reader who was charged for the second time this morning, 16 April; it is noon."""
    return _subscriber(world, "paid_twice")


@pytest.fixture
def owing(world: "World") -> "Subscriber":
    """A reader whose second charge was declined this morning, 16 April, for insufficient funds; it is noon."""
    return _subscriber(world, "owing")


@pytest.fixture
def cancelled(world: "World") -> "Subscriber":
    """A reader who cancelled today, 5 April, noon, and has access to the end of the paid period."""
    return _subscriber(world, "cancelled")


@pytest.fixture
def disputed(world: "World") -> "Subscriber":
    """A reader whose bank disputed the first charge today, 17 March, noon."""
    return _subscriber(world, "disputed")


@pytest.fixture
def yearly(world: "World") -> "Subscriber":
    """A reader who was charged for a year this morning, 16 March; it is noon."""
    return _subscriber(world, "yearly")


@pytest.fixture
def staff(world: "World") -> "SignIn":
    """`staff("support")` is a browser in which a member of that role is signed in."""
    from tests.support.staff_members import add, sign_in

    def enter(role: str, email: str = "") -> "Browser":
        return sign_in(world, add(world, role, email).email)

    return enter


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Chromium]":
    """One browser for this test process. Each test opens its own contexts: `with chromium.context()`."""
    from tests.support.chromium import CHROMIUM, MISSING
    from tests.support.shared_chromium import Chromium

    if not CHROMIUM.exists():
        pytest.skip(MISSING)
    with Chromium() as running:
        yield running


@pytest.fixture(scope="session")
def shared_demo(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SharedDemo]":
    """The process's one demo; tests use `demo`."""
    from tests.support.demo import SharedDemo

    shared = SharedDemo(tmp_path_factory.mktemp("demo") / "data")
    yield shared
    shared.end()


@pytest.fixture
def demo(shared_demo: "SharedDemo") -> "Demo":
    """`billing demo`, shared by this test process. What other tests did in it stays. Stories of staff share another one
    (`tests/browser/staff/conftest.py`)."""
    return shared_demo.running()


@pytest.fixture
def enter(chromium: "Chromium", demo: "Demo") -> "Iterator[Enter]":
    """`enter("finance")` signs a member of staff with that role in on the demo. At the end their console must be empty."""
    from tests.support.staff_member import Member

    with ExitStack() as ends:

        def colleague(role: str, **more: Any) -> Member:
            member = Member.sign_in(chromium, demo, role, **more)
            ends.callback(member.person.leave)
            return member

        yield colleague


@pytest.fixture
def arrive(chromium: "Chromium", demo: "Demo") -> "Iterator[Arrive]":
    """`arrive()` makes a person with a fresh browser on the demo. At the end their console must be empty."""
    from tests.support.person import PHONE, Person

    with ExitStack() as ends:

        def person(size: dict[str, Any] = PHONE, **more: Any) -> "Person":
            arrived = Person.arrive(chromium, demo, size, **more)
            ends.callback(arrived.leave)
            return arrived

        yield person
