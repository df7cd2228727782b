"""What every test may use: databases that begin migrated, and a world with everything running.

Fixtures import what they need when they are first asked for: importing the product takes a second, which tests of rules don't need."""

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import coverage_marks, proof_size
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
    from tests.support.staff_members import SignIn
    from tests.support.starting_points import Subscriber
    from tests.support.world import World

# Properties are never judged by the time they take: the machine is shared. What passed once passes again; `make prove-all`
# draws anew, and more: `pytest --hypothesis-profile exploring`.
settings.register_profile(
    "steady",
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("exploring", settings.get_profile("steady"), derandomize=False, max_examples=2_000)
settings.load_profile("steady")


# What is imported stays, and so do the tests: looking through them for garbage again and again would be a tenth of a run.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """From its end on there is garbage to be looked for."""
    collected = yield
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    gc.enable()
    return collected


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Look for garbage a last time (pytest tells of what broke in it). What is left goes with the process."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> ByFile:
    """How tests are given to the workers."""
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--marks`."""
    coverage_marks.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """What `--marks` does."""
    config.pluginmanager.register(coverage_marks)


def pytest_report_header() -> str:
    """How long the proofs are."""
    return f"proofs: {proof_size.in_words()}"


@pytest.hookimpl(trylast=True)  # of those that are left to be run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In which order; and how long a proof may take."""
    for item in items:
        if item.get_closest_marker("prove"):
            item.add_marker(pytest.mark.timeout(3600))
    put_in_order(items)


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> "Iterator[Databases]":
    """A server for this process of tests, and a migrated template."""
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
    """A migrated database of its own."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="session")
def shared_world(databases: "Databases") -> "Iterator[SharedWorld]":
    """Tests ask for `world`, or a starting point."""
    from tests.support.shared_world import SharedWorld

    shared = SharedWorld(databases)
    yield shared
    shared.close()


@pytest.fixture
def make_world(shared_world: "SharedWorld") -> "Iterator[Callable[..., World]]":
    """The world, as it begins at another moment, or with other settings. There is one at a time: each call begins it anew.

    At the end every exchange with the sandbox is judged by Stripe's OpenAPI."""
    yield shared_world.begin
    shared_world.judge()


@pytest.fixture
def fork_server(world: "World", shared_world: "SharedWorld") -> "ForkServer":
    """Makes processes on the test's world that do what is due, or answer a request, and die of it where they are told."""
    return shared_world.fork_server(world)


@pytest.fixture
def crash(fork_server: "ForkServer") -> "Crash":
    """`crash("charge.answered")`: all that is due is done by a process that dies at this stop point; `crash(…, request)`: the
    request is answered by one."""
    return fork_server.die


@pytest.fixture
def own_world(databases: "Databases") -> "Iterator[World]":
    """A world of the test's own, for those who break the database itself."""
    from tests.support.world import World

    with databases.fresh() as url, World(url) as world:
        yield world


@pytest.fixture
def world(make_world: "Callable[..., World]") -> "World":
    """Everything running, on Monday 1 March 2027 at 10:00 in Johannesburg."""
    return make_world()


def _subscriber(world: "World", name: str) -> "Subscriber":
    from tests.support.starting_points import subscriber

    return subscriber(world, name)


@pytest.fixture
def in_trial(world: "World") -> "Subscriber":
    """A reader on the first day of the trial, 1 March 2027, 10:00."""
    return _subscriber(world, "in_trial")


@pytest.fixture
def told(world: "World") -> "Subscriber":
    """A reader on the last evening of the trial, 15 March, 20:00, with both notices."""
    return _subscriber(world, "told")


@pytest.fixture
def paid(world: "World") -> "Subscriber":
    """A reader who was charged for the first time this morning, 16 March; it is noon."""
    return _subscriber(world, "paid")


@pytest.fixture
def paid_twice(world: "World") -> "Subscriber":
    """A reader who was charged for the second time this morning, 16 April; it is noon."""
    return _subscriber(world, "paid_twice")


@pytest.fixture
def owing(world: "World") -> "Subscriber":
    """A reader whose second charge was declined this morning, 16 April, for lack of money; it is noon."""
    return _subscriber(world, "owing")


@pytest.fixture
def cancelled(world: "World") -> "Subscriber":
    """A reader who cancelled today, 5 April, noon, and reads to the end of what is paid."""
    return _subscriber(world, "cancelled")


@pytest.fixture
def disputed(world: "World") -> "Subscriber":
    """A reader whose bank disputes the first charge since today, 17 March, noon."""
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
    """One browser for this process of tests; each test opens contexts of its own, `with chromium.context()`."""
    from tests.support.chromium import CHROMIUM, MISSING
    from tests.support.shared_chromium import Chromium

    if not CHROMIUM.exists():
        pytest.skip(MISSING)
    with Chromium() as running:
        yield running


@pytest.fixture(scope="session")
def shared_demo(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SharedDemo]":
    """Tests ask for `demo`."""
    from tests.support.demo import SharedDemo

    shared = SharedDemo(tmp_path_factory.mktemp("demo") / "data")
    yield shared
    shared.end()


@pytest.fixture
def demo(shared_demo: "SharedDemo") -> "Demo":
    """`billing demo`, as a newcomer starts it; one for this process of tests. What other tests did there has happened."""
    return shared_demo.running()


@pytest.fixture
def arrive(chromium: "Chromium", demo: "Demo") -> "Iterator[Arrive]":
    """Somebody new with a browser on the demo; when the test ends their console must have stayed empty."""
    from tests.support.person import PHONE, Person

    with ExitStack() as ends:

        def somebody(size: dict[str, Any] = PHONE, **more: Any) -> "Person":
            person = Person.arrive(chromium, demo, size, **more)
            ends.callback(person.leave)
            return person

        yield somebody
