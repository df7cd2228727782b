"""The drill: the primary is killed in the middle of a billing run, and its synchronous standby is promoted. Two web processes and three workers
follow by themselves. Nobody is charged twice, nobody is missed, and no reader is told a lie."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from billing.http.cookies import SESSION, cookie_name
from billing.rules.absence import LISTED_WITHIN
from tests.access_cache.serving import cookie, do, end, furnish, web_process
from tests.proofs.many_readers import due
from tests.support.asking_readers import AskingReaders, Question, asking
from tests.support.cli import run_on
from tests.support.documented import inline_command
from tests.support.installation import prepare
from tests.support.measured import Record
from tests.support.polling import until
from tests.support.primary_and_standby import Pair, primary_and_standby
from tests.support.proof_size import sized
from tests.support.restored import all_kept
from tests.support.signed_in import session_secret
from tests.support.worker_processes import StartWorker, quiet, variables_of
from tests.support.world import World

READERS = sized(at_length=600, usual=40)
"""At length, one batch for each worker."""
CHARGED_BEFORE = READERS // 4
WEB, WORKERS = 2, 3
PROMOTE = "SELECT pg_promote()"
WITHHOLD = {
    "effect": "slow",
    "method": "POST",
    "path": "/v1/payment_intents",
    "seconds": 600,
    "nth": CHARGED_BEFORE + 1,
    "times": None,
}
HELD = "SELECT asks_since, listed_at FROM installation"


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A primary with its standby, migrated."""
    with primary_and_standby() as pair:
        prepare(pair.address)
        yield pair


def rebuild(pair: Pair) -> None:
    """Make the killed primary the standby of the new one, which waits for it. One that can't follow is in step for moments as well, so
    what the new one writes must arrive."""
    pair.standby.do(inline_command("operate.md", "CHECKPOINT"))
    pair.follow(pair.primary, "pg_rewind --")
    pair.wait_for(pair.standby, pair.primary)
    pair.standby.do("CREATE TABLE written_after ()")
    until(lambda: pair.primary.query("SELECT to_regclass('written_after')"), "the old primary to follow")


def charged(world: World) -> Counter[str]:
    """How often each subscription was charged, as Stripe knows it."""
    return Counter(charge["metadata"]["subscription"] for charge in world.charges())


def fail_over(pair: Pair, readers: AskingReaders, record: Record) -> None:
    """Promote the standby of a killed primary. All web processes must answer again, within the patience of `until`; how long that took is
    reported and not judged, as the machine may be busy."""
    assert pair.standby.query(inline_command("operate.md", PROMOTE)) is True
    record("from the promotion to true answers of all about access", f"{readers.all_answered():.1f} s")
    readers.assert_no_lie()


@pytest.mark.prove
def test_readers_are_told_no_lie(pair: Pair, record_property: Record) -> None:
    furnish(pair.address)
    do(pair.address, end(1))
    asked = [
        Question("/v1/access/bridge", cookie(reader), allowed) for reader, allowed in ((0, True), (1, False))
    ]
    with ExitStack() as processes:
        web = [processes.enter_context(web_process(pair.address)).client for _ in range(WEB)]
        with asking(web, asked) as readers:
            pair.primary.kill()
            until(lambda: any(one.status == 503 for one in readers.answers), "the web processes to notice")
            fail_over(pair, readers, record_property)


@pytest.mark.prove
def test_the_old_primary_is_rebuilt_at_once(pair: Pair) -> None:
    """Long before the new primary makes a checkpoint by itself, and though the old one came back meanwhile and wrote."""
    pair.primary.kill()
    assert pair.standby.query(inline_command("operate.md", PROMOTE)) is True
    pair.primary.start()
    pair.primary.do("SET synchronous_commit = local", "CREATE TABLE written_too_late ()")
    pair.primary.kill()
    rebuild(pair)


@pytest.mark.prove
def test_a_billing_run_goes_on_where_the_standby_took_over(
    pair: Pair, start_worker: StartWorker, record_property: Record
) -> None:
    with World(pair.address) as world, ExitStack() as processes:
        started = due(world, READERS)
        variables = variables_of(world.settings)
        web = [processes.enter_context(web_process(pair.address, **variables)).client for _ in range(WEB)]
        world.sandbox.faults(WITHHOLD)
        with asking(web, questions(world)) as readers:
            workers = [each.ready() for each in [start_worker(world) for _ in range(WORKERS)]]
            until(lambda: withheld(world), "the middle of the run")
            pair.primary.kill()
            sent = CHARGED_BEFORE + withheld(world)
            world.sandbox.faults()
            until(lambda: len(world.charges()) >= sent, "Stripe to charge while there is no database")
            assert sent < READERS
            fail_over(pair, readers, record_property)
            goes_on_by_itself(world)
        for worker in workers:
            worker.stop()
            assert "Traceback" not in worker.words, worker.words
        assert charged(world) == Counter(started)
        world.settle()
        all_kept(world)
        assert run_on(world, "doctor").exit_code == 0
        assert len(world.rows("SELECT 1 FROM staff_case WHERE kind = 'took_over'")) == 1
        rebuild(pair)


def withheld(world: World) -> int:
    """How many charges Stripe has got and not answered."""
    (rule,) = world.sandbox.http.get("/_sandbox/faults").json()["faults"]
    return int(rule["hit"])


def questions(world: World) -> Sequence[Question]:
    """A subscriber and a stranger, asked for by the site's key, and by a reader's browser."""
    locked = world.articles["subscriber"][0]
    by_key = {"authorization": f"Bearer {world.api_key}"}
    of_reader = {
        "cookie": f"{cookie_name(world.settings, SESSION)}={session_secret(world, 'reader-0@example.com')}"
    }
    (reader,) = world.rows("SELECT id FROM reader WHERE email = 'reader-0@example.com'")
    return [
        Question(f"/v1/access/{locked}?reader_id={reader['id']}", by_key, True),
        Question(f"/v1/access/{locked}", of_reader, True),
        Question(f"/v1/access/{locked}", {}, False),
    ]


def goes_on_by_itself(world: World) -> None:
    """Return when a worker has asked Stripe what happened, twice, and the rest of the run is done."""
    until(lambda: (world.rows(HELD)[0]["listed_at"] or world.now) > world.now, "a worker to ask Stripe")
    world.skip_to(world.now + LISTED_WITHIN)
    until(lambda: world.rows(HELD)[0]["asks_since"] is None, "a worker to ask Stripe once more")
    until(lambda: quiet(world), "the workers to finish the run")
    world.sandbox.settle()
    until(lambda: quiet(world), "what Stripe told of it")
