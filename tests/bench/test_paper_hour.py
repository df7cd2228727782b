"""The paper's hour: the same for the same seed, mixed as it says, and true to the meter's rules."""

from collections import Counter, defaultdict
from itertools import islice

from tests.bench.meter_visitors import AT_THE_WALL
from tests.bench.paper import article_names
from tests.bench.paper_hour import (
    AGAIN,
    ANONYMOUS_LIMIT,
    LIST,
    REGISTERED_LIMIT,
    SHARES,
    HourVisitors,
    PaperHour,
)
from tests.bench.requests import COUNTED, GIVEN, REFUSED, SUBSCRIBED, TOKEN, USED_UP, Ask, Browser

REQUESTS = 40_000


def hour(seed: int = 1) -> PaperHour:
    gifts = [(Browser(10_000), "article-0")]
    who = HourVisitors(range(1_000), range(1_000, 3_000), 10_000, gifts)
    return PaperHour(article_names(500), who, seed=seed, rest=1_000)


def written(asks: list[Ask]) -> list[tuple[bytes, ...]]:
    return [(ask.line, ask.browser.headers, ask.body, ask.part) for ask in asks]


def test_a_seed_gives_the_same_hour() -> None:
    first, same, other = (written(list(islice(hour(seed), 3_000))) for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_it_is_mixed_as_it_says() -> None:
    kinds = Counter(ask.part if ask.body == b"" else b"list" for ask in islice(hour(), REQUESTS))
    shares = {kind: number / REQUESTS for kind, number in kinds.items()}
    metered = SHARES["strangers on metered articles"] + SHARES["registered on meters"]
    expected = {
        SUBSCRIBED: SHARES["subscribers"],
        REFUSED: SHARES["strangers at locked ones"],
        b"list": SHARES["lists of 20"],
        GIVEN: SHARES["gifts"],
        TOKEN: SHARES["tokens"],
    }
    for kind, share in expected.items():
        assert abs(shares[kind] - share) < 0.01, kind
    assert abs(shares[COUNTED] + shares[USED_UP] - metered) < 0.01
    assert 0 < shares[USED_UP] < metered * AGAIN * AT_THE_WALL


def test_nobody_reads_more_than_the_meter_allows_and_each_first_reading_is_answered_before_the_next() -> None:
    made = hour()
    read = defaultdict[Browser, dict[bytes, int]](dict)
    first = 0
    for number, ask in enumerate(islice(made, REQUESTS)):
        articles = read[ask.browser]
        if ask.part == COUNTED and ask.line not in articles:
            first += 1
            assert all(number - earlier >= 1_000 for earlier in articles.values())
            articles[ask.line] = number
        elif ask.part == USED_UP:
            assert ask.line not in articles
            assert len(articles) in (ANONYMOUS_LIMIT, REGISTERED_LIMIT)
        if ask.body and ask.times < LIST:
            assert number - max(articles.values()) >= 1_000
    for crowd, limit in ((made.strangers, ANONYMOUS_LIMIT), (made.registered, REGISTERED_LIMIT)):
        assert max(len(visitor.read) for visitor in crowd.known) <= limit
    again = 1 - first / sum(share * REQUESTS for name, share in SHARES.items() if "meter" in name)
    assert abs(again - AGAIN) < 0.05


def test_few_articles_are_read_often() -> None:
    names = article_names(500)
    assert Counter(name.partition("-")[0] for name in names) == {"metered": 300, "article": 150, "free": 50}
    asked = Counter(ask.line for ask in islice(hour(), REQUESTS) if ask.part == SUBSCRIBED)
    ordered = [number for _, number in asked.most_common()]
    assert sum(ordered[:45]) > sum(ordered) / 2
