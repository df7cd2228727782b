"""`kill -9` of senders at random: nobody gets an issue twice, nobody is missed, and few are held (S2, S12)."""

import contextlib
import random
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from billing.newsletters import issues, send_log
from billing.newsletters.claim import claim
from billing.newsletters.models import IssueState, SendingRun
from billing.newsletters.recover import recover
from billing.newsletters.start import start_due
from billing.platform.actors import WORKER, StaffActor
from billing.platform.context import TransactionContext
from tests.support.fork_server import Crash
from tests.support.newsroom import Newsroom
from tests.support.polling import until
from tests.support.proof_size import SEED, only_at_length
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.worker_processes import Worker
from tests.support.world import World

CONNECTIONS = 3
WORKERS = 2
GONE = 2_000_000_000
"""The number of a worker that is no more."""


def survive(newsroom: Newsroom, folder: Path, *, recipients: int, kills: int, seed: int) -> dict[str, int]:
    """Send with two workers, killing one of them now and then. Return the counts at the end."""
    dice = random.Random(seed)
    people = newsroom.people(recipients)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    moments = sorted(dice.sample(range(recipients // 20, recipients * 9 // 10), kills))
    with contextlib.ExitStack() as ends:
        started = iter(range(1000))

        def start_worker() -> Worker:
            return ends.enter_context(Worker(newsroom.world, folder / f"worker-{next(started)}.log"))

        workers = [start_worker() for _ in range(WORKERS)]
        for moment in moments:
            until(lambda at=moment: len(newsroom.world.smtp.received) >= at, f"{moment} mails")  # type: ignore[misc]
            number = dice.randrange(WORKERS)
            workers[number].kill()
            workers[number] = start_worker()
            newsroom.progress(issue_id)  # adds up, also now
        until(lambda: newsroom.issue(issue_id).state is IssueState.SENT, "the issue to be sent")
        for worker in workers:
            worker.ready().stop()
            assert "ERROR" not in worker.words, worker.words
    arrived = Counter(mail.recipients[0] for mail in newsroom.arrived())
    held = newsroom.world.rows("SELECT address FROM delivery WHERE state = 'uncertain'")
    assert max(arrived.values()) == 1, "somebody got it twice"
    assert set(people) - set(arrived) <= {row["address"] for row in held}, "somebody was forgotten"
    assert len(held) <= CONNECTIONS * kills
    counts = newsroom.counts(issue_id)
    assert set(counts) <= {"sent", "uncertain"}
    assert newsroom.world.rows("SELECT 1 FROM sending_run") == []
    return counts


@pytest.fixture
def three_connections(make_world: Callable[..., World]) -> Newsroom:
    """Newsletters whose workers have three connections each."""
    return Newsroom(make_world(newsletter_connections=CONNECTIONS))


@pytest.mark.prove
@pytest.mark.parametrize("more", [0, *(pytest.param(more, marks=only_at_length) for more in (1, 2))])
def test_five_kills_among_five_thousand(three_connections: Newsroom, tmp_path: Path, more: int) -> None:
    survive(three_connections, tmp_path, recipients=5000, kills=5, seed=SEED + more)


@pytest.mark.prove
def test_a_sign_in_link_overtakes_an_issue_under_way(newsroom: Newsroom, tmp_path: Path) -> None:
    """Newsletters have a thread and connections of their own in each worker (S15)."""
    world = newsroom.world
    newsroom.people(15_000)
    newsroom.schedule(newsroom.draft())
    newsroom.add_reader("thandi@example.com")
    reader = world.browser()
    reader.get("/sign-in")
    with Worker(world, tmp_path / "worker.log") as worker:
        until(lambda: len(world.smtp.received) > 100, "the issue to be under way")
        reader.post("/sign-in", email="thandi@example.com")
        until(lambda: world.smtp.received_for("thandi@example.com"), "the link")
        assert len(newsroom.arrived()) < 15_000
        worker.stop()  # asked to end, it finishes the batch in hand and begins no other
        assert "ERROR" not in worker.words, worker.words
    counts = newsroom.counts(world.rows("SELECT id FROM issue")[0]["id"])
    assert set(counts) <= {"sent", "frozen"}
    assert counts["sent"] == len(newsroom.arrived())


@pytest.mark.parametrize(("stop_at", "arrived"), [("newsletters.claimed", 0), ("newsletters.sent", 5)])
def test_killed_between_claim_and_mark(newsroom: Newsroom, crash: Crash, stop_at: str, arrived: int) -> None:
    """A claimed recipient without a try is sent. The journal shows which one was sent and not marked."""
    world = newsroom.world
    newsroom.people(5)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    crash(stop_at)
    assert newsroom.counts(issue_id) == {"sending": 5}
    assert len(newsroom.arrived()) == arrived
    world.settle()
    assert newsroom.counts(issue_id) == {"sent": 5}
    assert len(newsroom.arrived()) == 5


def test_no_worker_takes_or_waits_for_what_another_takes(newsroom: Newsroom) -> None:
    newsroom.people(4)
    newsroom.schedule(newsroom.draft())
    sender, at = newsroom.world.services.newsletter_sender, newsroom.world.now
    start_due(sender, at)
    (issue_id,) = (row["id"] for row in newsroom.world.rows("SELECT id FROM issue"))
    with sender.database.begin(sender.site, at, WORKER) as ctx, sender.database.transaction() as other:
        taken, _ = claim(ctx, newsroom.issue(issue_id), GONE)
        fail_instead_of_waiting(other)
        assert len(taken) == 4
        taken, skipped = claim(
            TransactionContext(other, sender.site, at, WORKER), newsroom.issue(issue_id), GONE + 1
        )
        assert (taken, skipped) == ([], 0)


def abandoned(newsroom: Newsroom, place: str | None = None) -> str:
    """An issue with four recipients claimed by a killed worker: 1 was answered, 2 was not, 3 and 4 were not begun."""
    newsroom.people(4)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    sender, at = newsroom.world.services.newsletter_sender, newsroom.world.now
    start_due(sender, at)
    here = send_log.place(sender.send_logs)
    with sender.database.begin(sender.site, at, WORKER) as ctx:
        ctx.session.add(SendingRun(number=GONE, place=place or here, seen_at=at))
        claim(ctx, newsroom.issue(issue_id), GONE)
    first, second, *_ = (
        row["number"] for row in newsroom.world.rows("SELECT number FROM delivery ORDER BY number")
    )
    with send_log.SendLog(sender.send_logs, GONE) as notes:
        notes.begins(first)
        notes.answered(first, 250)
        notes.begins(second)
    assert newsroom.counts(issue_id) == {"sending": 4}
    return issue_id


@pytest.mark.rare
def test_what_a_dead_worker_noted_is_believed(newsroom: Newsroom) -> None:
    issue_id = abandoned(newsroom)
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 3, "uncertain": 1}
    assert sorted(mail.recipients[0] for mail in newsroom.arrived()) == [
        "reader-0003@readers.example",
        "reader-0004@readers.example",
    ]
    assert not list(newsroom.world.services.newsletter_sender.send_logs.glob("*.journal"))


def test_without_its_notes_all_it_held_is_held(newsroom: Newsroom) -> None:
    issue_id = abandoned(newsroom)
    send_log.delete(newsroom.world.services.newsletter_sender.send_logs, GONE)
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"uncertain": 4}
    assert newsroom.arrived() == []


@pytest.mark.rare
def test_another_machines_worker_is_given_time_to_come_back(newsroom: Newsroom) -> None:
    issue_id = abandoned(newsroom, "elsewhere/boot")
    begin = newsroom.world.now
    for minutes, counts in ((14, {"sending": 4}), (15, {"uncertain": 4})):
        newsroom.world.skip_to(begin + timedelta(minutes=minutes))
        recover(newsroom.world.services.newsletter_sender, newsroom.world.now)
        assert newsroom.counts(issue_id) == counts


def test_notes_of_an_earlier_start_of_the_machine_are_not_trusted(newsroom: Newsroom) -> None:
    folder = send_log.place(newsroom.world.services.newsletter_sender.send_logs).partition("/")[0]
    issue_id = abandoned(newsroom, f"{folder}/an-earlier-start")
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"uncertain": 4}


def test_a_paused_issue_is_settled_too(newsroom: Newsroom) -> None:
    issue_id = abandoned(newsroom)
    with newsroom.world.services.database.begin(
        newsroom.world.services.site, newsroom.world.now, StaffActor("x")
    ) as ctx:
        issues.pause(ctx, issue_id)
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 1, "uncertain": 1, "frozen": 2}
    assert newsroom.arrived() == []


def test_a_journal_is_read_as_far_as_it_was_written(tmp_path: Path) -> None:
    with send_log.SendLog(tmp_path, 7) as notes:
        notes.begins(1)
        notes.answered(1, 250)
        notes.begins(2)
        notes.begins(3)
        notes.answered(3, 451)
    path = send_log.path_of(tmp_path, 7)
    path.write_bytes(path.read_bytes() + b"\nS 4")
    assert send_log.read(tmp_path, 7) == {1: 250, 2: None, 3: 451}
    assert send_log.read(tmp_path, 8) is None
    path.write_bytes(b"\xff\xfe S x.\nK 1.\n\nS 9.\n")
    assert send_log.read(tmp_path, 7) == {9: None}
    send_log.delete(tmp_path, 7)
    assert send_log.read(tmp_path, 7) is None


@pytest.fixture
def disk_of() -> Iterator[Callable[[int], None]]:
    """Let files of this process grow to this many bytes only: a write beyond it is cut, and the next one fails, as on a full disk."""
    old, signalled = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, signalled)


def test_a_line_that_a_full_disk_cuts_says_nothing_of_any_delivery(
    tmp_path: Path, disk_of: Callable[[int], None]
) -> None:
    whole = len("\nS 12.\n\nK 12 250.\n\nS 34.\n")
    for cut in range(len("\nK 34 250.\n")):
        with send_log.SendLog(tmp_path, cut) as notes:
            notes.begins(12)
            notes.answered(12, 250)
            notes.begins(34)
            disk_of(whole + cut)
            notes.answered(34, 250)
            with pytest.raises(OSError, match=r"[Nn]o space|too large"):
                notes.begins(56)
            disk_of(10_000)
            notes.begins(78)
        answer = 250 if cut == len("\nK 34 250.") else None
        assert send_log.read(tmp_path, cut) == {12: 250, 34: answer, 78: None}, cut


def test_a_folder_has_one_name(tmp_path: Path) -> None:
    assert send_log.place(tmp_path / "new") == send_log.place(tmp_path / "new")
    assert send_log.place(tmp_path / "new") != send_log.place(tmp_path / "other")
