"""Concurrent reads of metered articles never exceed the limit, in any order."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from billing.access import gifts, meter
from billing.access.articles import register
from billing.access.models import Article, Gift
from billing.access.policies import AccessTerms
from billing.access.visitors import FirstReading, Visitor
from billing.platform.actors import WORKER, Command
from billing.rules.access import AccessLevel, Facts
from billing.rules.policies import ArticlePolicy
from tests.support.meter import counted
from tests.support.world import World

ROUNDS = 450
LIMIT = 3


def at_once(*works: Callable[[], object]) -> list[object]:
    """Each in a thread, begun in the same moment."""
    gate = Barrier(len(works))

    def begin(work: Callable[[], object]) -> object:
        gate.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result(timeout=60) for done in [pool.submit(begin, work) for work in works]]


@pytest.mark.prove
def test_two_connections_never_read_more_than_the_meter_gives(world: World) -> None:
    services, luck = world.services, random.Random(7)

    def read(visitor: str, article: str) -> Callable[[], object]:
        def work() -> bool:
            with services.database.begin(services.site, world.now, WORKER) as ctx:
                found = meter.count(ctx, Visitor(visitor), article, LIMIT)
                return found.lets_in(world.now)

        return work

    for number in range(ROUNDS):
        visitor, opened = f"vis_{number}", set()
        for _ in range(3):
            pair = [f"a-{luck.randrange(5)}" for _ in range(2)]
            answers = at_once(*(read(visitor, article) for article in pair))
            opened |= {article for article, let_in in zip(pair, answers, strict=True) if let_in}
        assert set(counted(world, visitor)) == opened, "what was let in was counted, and nothing else"
        assert len(opened) <= LIMIT


@pytest.mark.prove
def test_reads_go_over_once_while_the_reader_reads_on(world: World) -> None:
    services = world.services

    def act(do: Callable[..., object], *args: object) -> Callable[[], object]:
        def work() -> None:
            with services.database.begin(services.site, world.now, WORKER) as ctx:
                do(ctx, *args)

        return work

    month = services.site.today(world.now).replace(day=1)
    for number in range(ROUNDS // 3):
        reader, first = f"rdr_c{number}", FirstReading(month, "a")
        visitor = Visitor(f"vis_c{number}", first if number % 2 else None)
        for article in "abc":
            act(meter.count, visitor, article, LIMIT)()
        at_once(
            act(meter.carry, visitor, reader),
            act(meter.carry, visitor, reader),
            act(meter.count, Visitor(reader), "b", 10),
            act(meter.count, Visitor(reader), "d", 10),
        )
        assert counted(world, reader) == list("abcd")


@pytest.mark.prove
def test_gifts_are_given_and_opened_no_more_often_than_they_may_be(world: World) -> None:
    services, locked = world.services, Facts(ArticlePolicy(AccessLevel.SUBSCRIBER))
    reader = world.start_trial("thandi@example.com")["reader"]["id"]
    terms = gifts.GiftLimits(a_month=ROUNDS // 5, days=14, readers=2)
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        for number in range(ROUNDS // 3):
            row = Article(id=f"g-{number}", title="g", url="https://news.example/g", section="Town", published_at=world.now)  # fmt: skip
            register(ctx, row, AccessTerms(AccessLevel.SUBSCRIBER))

    def give(article: str) -> Callable[[], object]:
        def work() -> str | None:
            try:
                with services.database.begin(services.site, world.now, WORKER) as ctx:
                    return gifts.give(ctx, terms, reader, article, locked).id
            except gifts.NoGiftsLeft:
                return None

        return work

    def open_it(gift_id: str, visitor: str) -> Callable[[], object]:
        def work() -> bool:
            with services.database.begin(services.site, world.now, WORKER) as ctx:
                secret = services.site.tokens.token(gifts.PURPOSE, gift_id)
                article = str(ctx.session.get_one(Gift, gift_id).article_id)
                found = gifts.open_gift(ctx, secret, article, visitor)
                return found.held is not None

        return work

    given: set[str] = set()
    for number in range(ROUNDS // 3):
        made = at_once(give(f"g-{number}"), give(f"g-{number}"))
        assert made[0] == made[1] or None in made, "one article, one gift"
        fresh = {str(one) for one in made if one is not None}
        given |= fresh
        for gift in fresh:
            held = at_once(*(open_it(gift, f"vis_{each}") for each in range(4)))
            assert held.count(True) == 2
    assert len(given) == terms.a_month
