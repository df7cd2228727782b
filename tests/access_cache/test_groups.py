"""Groups answer together what is asked within a turn of the event loop, and leave nothing waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest

from billing.access_cache.groups import AT_ONCE, MOST, SLOW_SECONDS, Groups
from tests.support.stepped_loop import SteppedLoop


def name_of(item: str) -> str:
    """The first word."""
    return item.partition(" ")[0]


@dataclass
class Statements:
    """Answers each item with itself. A statement with a "stuck" item ends when it may."""

    sent: list[list[str]] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, group: list[str]) -> Mapping[str, str]:
        self.sent.append(group)
        if any("stuck" in item for item in group):
            await self.may_end.wait()
        if any("broken" in item for item in group):
            raise OSError("the database is away")
        return {name_of(item): item for item in group}


Story = Callable[[Statements, Callable[[str], asyncio.Task[str]], SteppedLoop], Awaitable[None]]


def play(story: Story) -> None:
    """Run a story with the statements, a way to ask, and the event loop whose clock it moves."""
    with asyncio.Runner(loop_factory=SteppedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, SteppedLoop)

        async def whole() -> None:
            statements = Statements()
            groups = Groups(name_of, statements.answer)
            await story(statements, lambda item: asyncio.create_task(groups.ask(item)), loop)

        runner.run(whole())


async def turns(number: int = 20) -> None:
    """Let the event loop run all that is ready."""
    for _ in range(number):
        await asyncio.sleep(0)


def test_a_statement_has_each_name_once_and_equal_items_share_its_answer() -> None:
    async def story(statements: Statements, ask: Callable[[str], asyncio.Task[str]], _: SteppedLoop) -> None:
        asked = [ask(item) for item in ("ann one", "ben one", "ann two", "ann one")]
        assert await asyncio.gather(*asked) == ["ann one", "ben one", "ann two", "ann one"]
        assert statements.sent == [["ann one", "ben one"], ["ann two"]]

    play(story)


def test_a_large_crowd_is_answered_in_several_statements() -> None:
    async def story(statements: Statements, ask: Callable[[str], asyncio.Task[str]], _: SteppedLoop) -> None:
        crowd = [str(number) for number in range(MOST + 1)]
        assert await asyncio.gather(*map(ask, crowd)) == crowd
        assert list(map(len, statements.sent)) == [MOST, 1]

    play(story)


def test_the_next_statement_follows_and_a_slow_one_holds_nobody_up() -> None:
    async def story(
        statements: Statements, ask: Callable[[str], asyncio.Task[str]], loop: SteppedLoop
    ) -> None:
        stuck = ask("ann stuck")
        await turns()
        early = ask("ben")
        await turns()
        assert statements.sent == [["ann stuck"]], "the next one waits for the end of the first"
        loop.ahead(2 * SLOW_SECONDS)
        late = ask("cat")
        await turns()
        assert (early.result(), late.result()) == ("ben", "cat")
        assert statements.sent[1:] == [["ben", "cat"]]
        statements.may_end.set()
        assert await stuck == "ann stuck"

    play(story)


def test_no_more_than_so_many_statements_are_under_way() -> None:
    async def story(
        statements: Statements, ask: Callable[[str], asyncio.Task[str]], loop: SteppedLoop
    ) -> None:
        asked = []
        for number in range(AT_ONCE + 2):
            asked.append(ask(f"{number} stuck"))
            await turns()
            loop.ahead(2 * SLOW_SECONDS)
        assert len(statements.sent) == AT_ONCE
        statements.may_end.set()
        assert len(await asyncio.gather(*asked)) == AT_ONCE + 2

    play(story)


def test_what_is_asked_in_the_turn_in_which_a_statement_ends_is_answered() -> None:
    async def story(statements: Statements, ask: Callable[[str], asyncio.Task[str]], _: SteppedLoop) -> None:
        stuck = ask("ann stuck")
        await turns()
        statements.may_end.set()
        last = ask("ben")  # runs next after the worker, which then has looked for the last time
        await turns()
        assert (stuck.result(), last.result()) == ("ann stuck", "ben")

    play(story)


def test_who_goes_away_cancels_nobody_else_and_is_not_asked_for() -> None:
    async def story(statements: Statements, ask: Callable[[str], asyncio.Task[str]], _: SteppedLoop) -> None:
        first, shared = ask("ann stuck"), ask("ann stuck")
        await turns()
        waiting = ask("ben")
        await turns()
        first.cancel()
        waiting.cancel()
        await turns()
        statements.may_end.set()
        assert await shared == "ann stuck"
        await turns()
        assert statements.sent == [["ann stuck"]]

    play(story)


def test_a_failure_reaches_its_own_group_alone() -> None:
    async def story(statements: Statements, ask: Callable[[str], asyncio.Task[str]], _: SteppedLoop) -> None:
        asked = [ask("ann broken"), ask("ben")]
        for one in asked:
            with pytest.raises(OSError, match="away"):
                await one
        assert await ask("ben") == "ben"

    play(story)
