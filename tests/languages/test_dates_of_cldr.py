"""Days and months are called what Unicode's CLDR calls them."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from babel import Locale

from billing.rules.money import Money
from billing.web.kit.rendering import money
from emails.languages import Language, Text, date_only, full_day, offered, short_date
from emails.languages.dates import MONTHS, SHORT_MONTHS, SHORT_WEEKDAYS, WEEKDAYS
from tests.support.catalogues import CODES

LANGUAGES = offered(("en", *CODES))


@pytest.mark.parametrize("language", LANGUAGES.all, ids=lambda language: language.code)
def test_months_and_weekdays_are_those_of_cldr(language: Language) -> None:
    named = Locale(language.code)
    for width, months, days in (
        ("wide", MONTHS, WEEKDAYS),
        ("abbreviated", SHORT_MONTHS, SHORT_WEEKDAYS),
    ):
        assert [language.text(month) for month in months] == list(named.months["format"][width].values())
        cldr = named.days["format"][width]
        assert [language.text(day) for day in days] == [cldr[number] for number in range(7)]


@pytest.mark.parametrize("language", LANGUAGES.all, ids=lambda language: language.code)
def test_each_day_of_a_year_is_another(language: Language) -> None:
    days = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]
    for shown in (full_day, short_date):
        assert len({language.text(shown(day)) for day in days}) == len(days)


@pytest.mark.parametrize("first", [date_only, short_date])
def test_a_date_and_a_short_one_with_the_same_english_words_differ(
    first: Callable[[date], Text],
) -> None:
    on, zulu = date(2026, 5, 16), offered(["zu"]).default  # of its own, so that nothing is kept yet
    assert date_only(on) == short_date(on)
    zulu.text(first(on))
    assert (zulu.text(date_only(on)), zulu.text(short_date(on))) == ("16 Meyi 2026", "16 Mey 2026")


def test_the_amounts_of_a_language() -> None:
    shown = {language.code: language.text(money(Money(123450))) for language in LANGUAGES.all}
    assert shown == {"en": "R1\u00a0234.50", "af": "R1\u00a0234,50", "zu": "R1\u00a0234.50"}
