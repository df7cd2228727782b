"""Renders pages: a Jinja environment for each language, and formats of dates and money."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from billing.rules.money import Money, grouped
from billing.web.kit.apostrophes import typographic_text
from billing.web.kit.brand_pictures import preview, touch_icon
from billing.web.kit.brand_sheet import stylesheet
from billing.web.kit.static_files import asset
from billing.web.views.frame import Frame, Page
from emails.languages import (
    ENGLISH,
    Language,
    Text,
    TranslatedEnvironment,
    amount,
    full_day,
    full_moment,
    in_whole,
    missing,
    named,
    short_date,
    short_moment,
)

_RECORDED = re.compile(
    r"\b20\d\d-(?:0[1-9]|1[0-2])-(?:[012]\d|3[01])(?P<time>T[012]\d:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?\b"
)
FRAME = tuple(field.name for field in fields(Frame) if field.name != "language")
MOST_KEPT = 1_000
"""Words for a day or an amount that are kept: every page has today's date, and most have the same few prices."""


class PageRenderer:
    """Renders pages for one publisher, in whose zone every instant is shown. `more` names other packages with templates, and `names`
    is what these need besides."""

    def __init__(
        self, zone: ZoneInfo, *more: str, names: Mapping[str, object] = MappingProxyType({})
    ) -> None:
        self.zone, self.names = zone, names
        self.loader = ChoiceLoader([PackageLoader(package) for package in ("billing.web", *more)])
        self.environments: dict[Language, Environment] = {}

    def environment(self, language: Language) -> Environment:
        """The templates in one language, made at its first page."""
        if language not in self.environments:
            self.environments[language] = self._environment(language)
        return self.environments[language]

    def _environment(self, language: Language) -> Environment:
        environment = TranslatedEnvironment(
            language,
            loader=self.loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # six calls a page to look for changed files
        )
        environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
        environment.filters.update(
            money=_kept(language, money),
            number=grouped,
            day=_kept(language, full_day),
            short_day=_kept(language, short_date),
            moment=lambda at: language.text(self.moment(at)),
            short_moment=lambda at: language.text(self.short_moment(at)),
            clock_time=self.clock_time,
            dated=self.dated,
            period=_kept(language, partial(named, "period")),
            # of a string nobody knows whose words it has
            typographic=lambda words: typographic_text(words) if isinstance(words, Text) else words,
        )
        names = {"asset": asset, "stylesheet": stylesheet, "preview": preview, "touch_icon": touch_icon}
        environment.globals.update(names | dict(self.names), kept=_kept_macro())
        # not by an import in each page: that compares all names which templates know, at each rendering
        environment.globals["parts"] = environment.get_template("_parts.html").module
        return environment

    def render(self, template: str, language: Language = ENGLISH, **context: object) -> str:
        """Render one template. A name that the context lacks is an error, never an empty string."""
        return self.environment(language).get_template(template).render(context)

    def page(self, page: Page, frame: Frame) -> str:
        """Render a whole page: in English if its language lacks a part, as a sentence in two languages helps nobody.

        In the template the view is `page`, beside the fields of the frame."""
        values = {name: getattr(frame, name) for name in FRAME} | {"page": page}
        return in_whole(frame.language, lambda language: self.render(page.template, language, **values))

    def moment(self, at: datetime) -> Text:
        """An instant in the publisher's zone: "Monday 16 March 2026 at 09:00". Raises ValueError for a naive datetime."""
        return full_moment(self._local(at))

    def short_moment(self, at: datetime) -> Text:
        """The same, short: "Mon 16 Mar 2026, 09:00"."""
        return short_moment(self._local(at))

    def dated(self, words: str) -> str:
        """Words in which each instant and day of a record, such as 2026-03-16T07:00:00+00:00, is written as people read it, in the
        publisher's zone. What no calendar or clock shows, such as 2026-02-30, stays as it is: people may have typed it."""
        return _RECORDED.sub(self._spoken, words)

    def _spoken(self, found: re.Match[str]) -> str:
        try:
            if found["time"]:
                return ENGLISH.text(self.short_moment(datetime.fromisoformat(found[0])))
            return ENGLISH.text(short_date(date.fromisoformat(found[0])))
        except ValueError:
            return found[0]

    def clock_time(self, at: datetime) -> str:
        """The time of day in the publisher's zone: "09:00"."""
        return f"{self._local(at):%H:%M}"

    def _local(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError("An instant needs its zone; a naive datetime cannot be shown.")
        return at.astimezone(self.zone)


def _kept(language: Language, words: Callable[[Any], Text]) -> Callable[[Any], str]:
    return lru_cache(MOST_KEPT)(lambda value: language.text(words(value)))


class _Lacks(Exception):
    """A message isn't translated: the page must hear of it each time, so what lacks it isn't kept."""


def _kept_macro() -> Callable[..., str]:
    """For templates: `kept(parts.foot, house)` is what `parts.foot(house)` is, made once for each house.

    The macro comes from a file that is imported without context, so nothing but its values decides what it makes; these never change."""

    @lru_cache(MOST_KEPT)
    def whole(macro: Callable[..., str], *values: object) -> str:
        with missing() as gaps:
            made = macro(*values)
        if gaps:
            raise _Lacks
        return made

    def kept(macro: Callable[..., str], *values: object) -> str:
        try:
            return whole(macro, *values)
        except _Lacks:
            return macro(*values)

    return kept


def money(value: Money) -> Text:
    """An amount as readers see it: "R75.00"."""
    return amount(str(value))
