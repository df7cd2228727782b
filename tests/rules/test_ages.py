"""An age in its largest whole unit."""

from datetime import timedelta

import pytest

from billing.rules.ages import age_in_words


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(minutes=59, seconds=59), "59 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=23, minutes=59), "23 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=40), "40 days"),
        (timedelta(seconds=-1), "less than a minute"),
    ],
)
def test_an_age_in_words(age: timedelta, words: str) -> None:
    assert age_in_words(age) == words
