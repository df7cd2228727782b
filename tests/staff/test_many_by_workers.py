"""Workers and acts on many: two at once, one that breaks, and whatever people decide meanwhile."""

from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from billing.platform.actors import Command
from billing.platform.errors import Refusal
from billing.staff import audit, members
from billing.staff.bulk import decide, run
from billing.staff.bulk.terms import DaysTerms, RefundTerms
from billing.staff.models import StaffMember
from tests.proofs.steps import together
from tests.support import many
from tests.support.broken_tables import every_commit_fails, refused_rows
from tests.support.many import begun_by, made_by, states
from tests.support.staff_members import add
from tests.support.world import World


def work(world: World, action_id: str, most: int = run.AT_ONCE) -> int:
    services = world.services
    return run.work_on(services.database, services.site, action_id, world.now, most=most)


def made(world: World, member: StaffMember, readers: list[str]) -> str:
    """Two days for each, not checked yet."""
    services = world.services
    with services.database.begin(services.site, world.now, audit.of(member, "")) as ctx:
        return decide.make(ctx, DaysTerms(2), {"by": "list"}, readers).id


def extended(world: World) -> list[str]:
    """The readers whose days stand in the audit, in order."""
    lines = world.rows("SELECT reader_id FROM audit_line WHERE act = 'extend' ORDER BY reader_id")
    return [line["reader_id"] for line in lines]


def test_three_workers_at_once_check_and_do_each_line_once(world: World) -> None:
    readers = many.trials(world, 12)
    member = add(world, "admin")
    action_id = made(world, member, readers)
    for event in ("check", "do"):
        if event == "do":
            with world.services.database.begin(world.services.site, world.now, audit.of(member, "")) as ctx:
                decide.begin(ctx, action_id, reason="The site was away.")
        found = together(*(partial(work, world, action_id) for _ in range(3)))
        assert all(isinstance(each, int) for each in found), found
        work(world, action_id)
    assert states(world, action_id) == ("done", {"done": 12})
    assert extended(world) == sorted(readers)


@pytest.mark.rare
def test_a_line_that_breaks_us_is_left_after_three_times_and_delays_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    readers = sorted(many.trials(world, 3))
    action_id = begun_by(world, add(world, "admin"), DaysTerms(2), readers)
    with refused_rows(world, "audit_line", f"reader_id <> '{readers[0]}'"):
        world.settle()
    assert states(world, action_id) == ("done", {"done": 2, "refused": 1})
    assert extended(world) == readers[1:]
    (line,) = world.rows("SELECT words, tries FROM bulk_line WHERE state = 'refused'")
    assert (line["words"], line["tries"]) == (run.OUR_ERROR, 3)
    assert caplog.text.count(f"a line of the act on many {action_id} failed") == 3


def test_it_stops_where_its_member_works_here_no_more(world: World) -> None:
    readers = many.trials(world, 2)
    member = add(world, "admin")
    add(world, "admin", "boss@paper.example")
    action_id = begun_by(world, member, DaysTerms(2), readers)
    with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
        members.disable(ctx, members.by_id(ctx.session, member.id))
    world.settle()
    assert states(world, action_id) == ("stopped", {"ready": 2})
    assert many.only(world)["stopped_because"] == run.NOT_ALLOWED_ANY_MORE


def test_one_line_is_one_refund_whatever_is_repeated(world: World) -> None:
    """As where the line's own row is lost in a restore, and its refund is found again at the acquirer."""
    readers = many.payers(world, 1)
    action_id = begun_by(world, add(world, "finance"), RefundTerms(1000), readers)
    world.settle()
    world.execute("UPDATE bulk_line SET state = 'ready', done_at = NULL, audit_line_id = NULL")
    world.execute("UPDATE bulk_action SET state = 'running', next_run_at = made_at, ended_at = NULL")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [1000]
    assert states(world, action_id) == ("done", {"refused": 1})


def test_an_account_merged_or_erased_meanwhile_gets_nothing(world: World) -> None:
    readers = many.trials(world, 2)
    action_id = made_by(world, add(world, "admin"), DaysTerms(2), readers)
    assert states(world, action_id) == ("previewed", {"ready": 2})
    world.execute(
        "UPDATE reader SET merged_into = :stays WHERE id = :goes", stays=readers[1], goes=readers[0]
    )
    with world.services.database.begin(
        world.services.site, world.now, audit.of(add(world, "admin", "boss@paper.example"), "")
    ) as ctx:
        decide.begin(ctx, action_id, reason="why")
    world.settle()
    assert states(world, action_id) == ("done", {"done": 1, "refused": 1})
    world.execute("UPDATE reader SET merged_into = NULL")


EVENTS = ("work", "work", "die", "begin", "stop", "resume", "give up")
DECISIONS = {"stop": decide.stop, "resume": decide.resume, "give up": decide.give_up}


@settings(max_examples=12)
@given(events=st.lists(st.sampled_from(EVENTS), max_size=14))
def test_whatever_happens_each_line_is_done_at_most_once_and_all_add_up(
    world: World, events: list[str]
) -> None:
    world.make_blank()
    member = add(world, "admin")
    action_id = made(world, member, many.trials(world, 3))
    for event in events:
        happen(world, member, action_id, event)
        state, lines = states(world, action_id)
        assert sum(lines.values()) == 3
        done = world.rows("SELECT reader_id FROM bulk_line WHERE state = 'done' ORDER BY reader_id")
        assert extended(world) == [row["reader_id"] for row in done]
        assert (state == "done") == (lines == {"done": 3} and state != "running")
        assert not lines.get("done") or state in ("running", "stopped", "done", "given_up")


def happen(world: World, member: StaffMember, action_id: str, event: str) -> None:
    """One event; what can't happen now is refused, and what dies at its commit leaves nothing behind."""
    services = world.services
    if event == "work":
        work(world, action_id, most=1)
    elif event == "die":
        with every_commit_fails(world, "bulk_line"), suppress(IntegrityError):
            work(world, action_id, most=1)
    else:
        with (
            suppress(Refusal),
            services.database.begin(services.site, world.now, audit.of(member, "")) as ctx,
        ):
            if event == "begin":
                decide.begin(ctx, action_id, reason="The site was away.")
            else:
                DECISIONS[event](ctx, action_id)
