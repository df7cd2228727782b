"""Free windows: the first hours, and open after some days; in the publisher's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.rules.features import UnknownFeature, features
from billing.rules.policies import AccessLevel, ArticlePolicy, BadWindow, FreeSpan, policy
from billing.rules.readings import Reading, reading

ZONE = ZoneInfo("Africa/Johannesburg")
EVENING = datetime(2027, 3, 1, 23, 30, tzinfo=ZONE)
SUBSCRIBER = AccessLevel.SUBSCRIBER


def made(**windows: int) -> ArticlePolicy:
    return policy(SUBSCRIBER, published_at=EVENING, zone=ZONE, **windows)


def test_hours_count_from_publication_and_days_from_midnight_in_the_zone() -> None:
    assert made() == ArticlePolicy(SUBSCRIBER)
    assert made(free_hours=24).free == (FreeSpan(EVENING, EVENING + timedelta(hours=24)),)
    # Published half an hour before midnight: one day after is half an hour later.
    assert made(open_after_days=1).free == (FreeSpan(datetime(2027, 3, 2, tzinfo=ZONE), None),)
    assert made(open_after_days=30).free == (FreeSpan(datetime(2027, 3, 31, tzinfo=ZONE), None),)
    assert len(made(free_hours=1, open_after_days=1).free) == 2


def test_a_day_is_a_civil_day_also_where_clocks_are_set() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2027, 3, 27, 12, tzinfo=berlin)  # clocks go forward on the 28th
    found = policy(SUBSCRIBER, published_at=before, zone=berlin, open_after_days=2)
    assert found.free[0].start == datetime(2027, 3, 28, 22, tzinfo=UTC)


def test_the_window_that_lasts_longest_is_the_one_that_counts() -> None:
    both = made(free_hours=24, open_after_days=1)
    span = both.free_span(EVENING + timedelta(hours=1))
    assert span is not None
    assert span.end is None
    assert both.free_span(EVENING - timedelta(seconds=1)) is None, "nothing is free before it is published"


@pytest.mark.parametrize(
    "windows", [{"free_hours": 0}, {"free_hours": 8785}, {"open_after_days": 0}, {"open_after_days": 3661}]
)
def test_windows_without_sense_are_refused(windows: dict[str, int]) -> None:
    with pytest.raises(BadWindow):
        made(**windows)


def test_features_have_names() -> None:
    assert features(["listen", "read", "newsletter:the-long-read", "listen"]) == [
        "listen",
        "newsletter:the-long-read",
    ]
    for wrong in ("Listen", "", "newsletter:", "newsletter:A b", "admin", "newsletter:x\n"):
        with pytest.raises(UnknownFeature):
            features([wrong])


PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", {}, Reading.PERSON),
        ("GET", {"user-agent": PERSON}, Reading.PERSON),
        ("GET", {"user-agent": PERSON, "sec-purpose": ""}, Reading.PERSON),
        ("HEAD", {"user-agent": PERSON}, Reading.AHEAD),
        ("GET", {"sec-purpose": "prefetch"}, Reading.AHEAD),
        ("GET", {"sec-purpose": "prefetch;prerender"}, Reading.AHEAD),
        ("GET", {"sec-purpose": "prefetch;anonymous-client-ip"}, Reading.AHEAD),
        ("GET", {"purpose": "Prefetch"}, Reading.AHEAD),
        ("GET", {"x-purpose": "preview"}, Reading.AHEAD),
        ("GET", {"x-moz": "prefetch"}, Reading.AHEAD),
        ("GET", {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, Reading.CRAWLER),
        ("GET", {"user-agent": "Mozilla/5.0 (compatible; bingbot/2.0)", "sec-purpose": "prefetch"}, Reading.CRAWLER),
        ("GET", {"user-agent": "facebookexternalhit/1.1"}, Reading.CRAWLER),
        ("GET", {"user-agent": "WhatsApp/2.23.20.0"}, Reading.CRAWLER),
        ("GET", {"user-agent": "Slackbot-LinkExpanding 1.0"}, Reading.CRAWLER),
        ("GET", {"user-agent": "GPTBot/1.2"}, Reading.CRAWLER),
        ("GET", {"user-agent": "Mozilla/5.0 (Linux; Android 9; Cubot X19)"}, Reading.PERSON),
    ],
)  # fmt: skip
def test_what_a_reading_is(method: str, headers: dict[str, str], expected: Reading) -> None:
    assert reading(method, headers) is expected
