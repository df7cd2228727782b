"""The articles of a paper: how many of each level, and which are read how often (Zipf: the nth one an nth as often as the first)."""

from itertools import accumulate, repeat
from random import Random

from billing.rules.access import AccessLevel

LEVELS = {"metered": AccessLevel.METERED, "article": AccessLevel.SUBSCRIBER, "free": AccessLevel.FREE}
"""The level of articles by what their names begin with."""
PATTERN = ("metered", "metered", "article", "metered", "metered", "article", "metered", "article", "metered")
FREE_EVERY = 10
"""Every tenth article is free; the other nine follow the pattern."""
DRAWN_AT_ONCE = 10_000


def article_names(count: int) -> list[str]:
    """The names of a paper's articles, the most read first."""
    of_kind = dict.fromkeys(LEVELS, 0)
    names = []
    for number in range(count):
        place = number % FREE_EVERY
        kind = PATTERN[place] if place < len(PATTERN) else "free"
        names.append(f"{kind}-{of_kind[kind]}")
        of_kind[kind] += 1
    return names


def level_of(article: str) -> AccessLevel:
    """The level of an article with such a name."""
    return LEVELS[article.partition("-")[0]]


class Picker:
    """Draws articles of some levels, the most read ones most often."""

    def __init__(self, names: list[str], random: Random, *levels: AccessLevel) -> None:
        chosen = [(name, rank) for rank, name in enumerate(names, 1) if level_of(name) in levels]
        self._names = [name for name, _ in chosen]
        self._weights = list(accumulate(1 / rank for _, rank in chosen))
        self._random = random
        self._drawn: list[str] = []

    def draw(self) -> str:
        """An article."""
        if not self._drawn:
            self._drawn = self._random.choices(self._names, cum_weights=self._weights, k=DRAWN_AT_ONCE)
        return self._drawn.pop()

    def draw_but(self, known: list[str]) -> str:
        """An article that isn't among these. They must be few."""
        return next(name for name in (self.draw() for _ in repeat(None)) if name not in known)

    def draw_different(self, count: int) -> list[str]:
        """So many articles, each once."""
        found: dict[str, None] = {}
        while len(found) < min(count, len(self._names)):
            found[self.draw()] = None
        return list(found)
