"""How many trials and paid starts each article led to, for editors: the same rows as the numbers of origins, by article."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

MOST = 10_000
"""Starts of a span are counted up to here."""


@dataclass(frozen=True, slots=True)
class ArticleStarts:
    """What an article led to. `paid` starts had no trial."""

    trials: int = 0
    paid: int = 0

    @property
    def words(self) -> str:
        """ "2 trials and 1 paid start"; empty where it led to none."""
        counted = [(self.trials, "trial", "trials"), (self.paid, "paid start", "paid starts")]
        return " and ".join(
            f"{number} {one if number == 1 else many}" for number, one, many in counted if number
        )


@dataclass(frozen=True, slots=True)
class SoldArticle:
    """An article and what it led to in a span."""

    article_id: str
    title: str
    starts: ArticleStarts


_OF_ARTICLES = sa.text(
    """SELECT article_id, sum(trials), sum(paid) FROM (
           SELECT article_id, count(*) FILTER (WHERE is_trial) AS trials, count(*) FILTER (WHERE NOT is_trial) AS paid
           FROM start_origin WHERE article_id = ANY(:articles) GROUP BY article_id
           UNION ALL
           SELECT article_id, trials, paid_starts FROM erased_origin WHERE article_id = ANY(:articles)) led
       GROUP BY article_id"""
)
_SINCE = sa.text(
    f"""SELECT a.id, a.title, led.trials, led.paid
        FROM (SELECT article_id, count(*) FILTER (WHERE is_trial) AS trials, count(*) FILTER (WHERE NOT is_trial) AS paid
              FROM (SELECT article_id, is_trial FROM start_origin WHERE at > :since ORDER BY at DESC LIMIT {MOST}) latest
              WHERE article_id IS NOT NULL GROUP BY article_id) led
        JOIN article a ON a.id = led.article_id
        ORDER BY led.trials + led.paid DESC, a.id LIMIT :most"""  # noqa: S608 - a number of our own
)


def of_articles(session: Session, article_ids: Sequence[str]) -> dict[str, ArticleStarts]:
    """All starts that these articles led to, with those of readers who were erased since. An article without one is left out."""
    rows = session.execute(_OF_ARTICLES, {"articles": list(article_ids)})
    return {article_id: ArticleStarts(int(trials), int(paid)) for article_id, trials, paid in rows}


def sold_since(session: Session, since: datetime, most: int) -> list[SoldArticle]:
    """The registered articles that led to most starts since then, the most first. Readers who were erased since aren't counted."""
    rows = session.execute(_SINCE, {"since": since, "most": most})
    return [
        SoldArticle(article_id, title, ArticleStarts(trials, paid))
        for article_id, title, trials, paid in rows
    ]
