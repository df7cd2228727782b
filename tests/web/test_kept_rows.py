"""What is the same for every reader is read from the database once, and again when it has changed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from billing.access_cache.cache import UNIT
from billing.access_cache.change_listener import LEASE
from billing.platform.actors import Command
from billing.platform.clock import Clock, HeldClock, SystemClock
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.subscriptions import find, first_plans, plans
from billing.web.kit.kept_rows import KINDS, KeptRows
from tests.access_cache.cache_parts import SITE, CacheParts, running_on
from tests.access_cache.serving import do, serving
from tests.support.databases import Databases
from tests.support.polling import until
from tests.support.statements import statements

AT = datetime(2026, 3, 2, tzinfo=UTC)
DEARER = "UPDATE price SET amount = amount + 100"


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.fresh() as fresh:
        yield fresh


@dataclass
class Page:
    """Reads what is on offer."""

    parts: CacheParts
    database: Database
    kept: KeptRows

    def begin(self) -> AbstractContextManager[TransactionContext]:
        return self.database.begin(SITE, AT, Command("test"))

    def read(self) -> tuple[int, bool]:
        """The first price in cents, and whether the database was asked."""
        with statements(self.database) as sent:
            (rows,) = self.kept.read(self.begin, find.ON_OFFER, today=AT.date(), audience=find.EVERYONE)
        return find.offered(rows)[0][1].amount, bool(sent)


def play(url: str, story: Callable[[Page], Any], clock: Callable[[Database], Clock] | None = None) -> None:
    """Run a story with a page whose rows follow the database."""

    async def whole() -> None:
        database = Database(url)
        with database.transaction() as session:
            first_plans.add(session)
        async with running_on(url) as parts:
            page = Page(
                parts, database, KeptRows(parts.listener, clock(database) if clock else SystemClock())
            )
            parts.listener.invalidate = lambda payload: invalidate(page, payload)
            await story(page)
        database.close()

    def invalidate(page: Page, payload: str) -> None:
        page.parts.cache.invalidate(payload)
        page.kept.invalidate(payload.partition(UNIT)[0])

    asyncio.run(whole())


def test_rows_are_kept_until_a_price_changes(url: str) -> None:
    async def story(page: Page) -> None:
        amount, was_read = page.read()
        assert (was_read, page.read()) == (True, (amount, False))
        before = page.parts.cache.invalidations
        do(url, DEARER)
        await page.parts.invalidated(before + 1)
        assert page.read() == (amount + 100, True)
        assert page.read() == (amount + 100, False)

    play(url, story)


def test_rows_are_kept_for_their_parameters(url: str) -> None:
    async def story(page: Page) -> None:
        page.read()
        with statements(page.database) as sent:
            page.kept.read(
                page.begin, find.ON_OFFER, today=AT.date().replace(year=2030), audience=find.EVERYONE
            )
        assert sent

    play(url, story)


def test_rows_are_read_each_time_while_changes_may_go_unreported(url: str) -> None:
    async def story(page: Page) -> None:
        amount, _ = page.read()
        page.parts.clock.step(LEASE)
        assert page.read() == (amount, True)
        assert page.read() == (amount, True)
        await page.parts.until_up()
        page.kept.invalidate("")
        assert page.read() == (amount, True)
        assert page.read() == (amount, False)

    play(url, story)


def test_rows_are_not_kept_if_they_change_while_they_are_read(url: str) -> None:
    async def story(page: Page) -> None:
        def changes(*_: object) -> None:
            page.kept.invalidate("price")

        sa.event.listen(page.database.engine, "after_cursor_execute", changes, once=True)
        page.read()
        assert page.read()[1], "the rows may be those from before the change"
        assert not page.read()[1]

    play(url, story)


def test_a_held_clock_keeps_no_rows(url: str) -> None:
    async def story(page: Page) -> None:
        assert [page.read()[1], page.read()[1]] == [True, True]

    play(url, story, HeldClock)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_of_change_drops_them_and_others_do_not(url: str, kind: str) -> None:
    async def story(page: Page) -> None:
        page.read()
        page.kept.invalidate("visitor")
        assert not page.read()[1]
        page.kept.invalidate(kind)
        assert page.read()[1]

    play(url, story)


def test_the_offer_of_a_running_process_shows_a_new_price(url: str) -> None:
    database = Database(url)
    with database.transaction() as session:
        first_plans.add(session)
    database.close()
    with serving(url) as client:
        assert [client.get(path).text.count("R75") > 0 for path in ("/", "/", "/subscribe")] == [True] * 3
        do(url, "UPDATE price SET amount = 7900 WHERE amount = 7500")
        until(lambda: "R79" in client.get("/").text, "the offer to show the new price")
        until(lambda: "R79" in client.get("/subscribe").text, "the address page to show it too")


def test_the_offer_of_a_running_process_shows_another_length_of_the_trial(url: str) -> None:
    database = Database(url)
    with database.transaction() as session:
        first_plans.add(session)
    with serving(url) as client:
        assert ["14 days free" in client.get("/").text for _ in range(2)] == [True] * 2
        with database.transaction() as session:
            plans.set_trial(session, "monthly", 30)
        until(lambda: "30 days free" in client.get("/").text, "the offer to show the new days")
    database.close()
