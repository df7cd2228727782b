"""Renders pages: the Jinja environment, and formats of dates and money."""

from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from billing.rules.money import Money
from billing.web.kit.brand_pictures import preview, touch_icon
from billing.web.kit.brand_sheet import stylesheet
from billing.web.kit.static_files import asset
from billing.web.views.frame import Frame, Page

FRAME = tuple(field.name for field in fields(Frame))
MOST_KEPT = 1_000
"""Words for a day or an amount that are kept: every page has today's date, and most have the same few prices."""


class PageRenderer:
    """Renders pages for one publisher, in whose zone every instant is shown. `more` names other packages with templates."""

    def __init__(self, zone: ZoneInfo, *more: str) -> None:
        self.zone = zone
        self.environment = Environment(
            loader=ChoiceLoader([PackageLoader(package) for package in ("billing.web", *more)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # six calls a page to look for changed files
        )
        self.environment.filters.update(
            money=money,
            day=day,
            short_day=short_day,
            moment=self.moment,
            short_moment=self.short_moment,
            clock_time=self.clock_time,
        )
        self.environment.globals.update(
            asset=asset, stylesheet=stylesheet, preview=preview, touch_icon=touch_icon
        )

    def render(self, template: str, **context: object) -> str:
        """Render one template. A name that the context lacks is an error, never an empty string."""
        return self.environment.get_template(template).render(context)

    def page(self, page: Page, frame: Frame) -> str:
        """Render a whole page. In the template the view is `page`, beside the fields of the frame."""
        return self.render(page.template, **{name: getattr(frame, name) for name in FRAME}, page=page)

    def moment(self, at: datetime) -> str:
        """An instant in the publisher's zone: "Monday 16 March 2026 at 09:00". A naive datetime is refused."""
        local = self._local(at)
        return f"{day(local.date())} at {local:%H:%M}"

    def short_moment(self, at: datetime) -> str:
        """An instant, short: "Mon 16 Mar 2026, 09:00"."""
        local = self._local(at)
        return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"

    def clock_time(self, at: datetime) -> str:
        """The time of day in the publisher's zone: "09:00"."""
        return f"{self._local(at):%H:%M}"

    def _local(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError("An instant needs its zone; a naive datetime cannot be shown.")
        return at.astimezone(self.zone)


@lru_cache(MOST_KEPT)
def money(amount: Money) -> str:
    """An amount as readers see it: "R75.00"."""
    return str(amount)


@lru_cache(MOST_KEPT)
def day(on: date) -> str:
    """A civil date in full: "Monday 16 March 2026". An instant is refused, since its day depends on the zone."""
    _only_a_date(on)
    return f"{on:%A} {on.day} {on:%B %Y}"


@lru_cache(MOST_KEPT)
def short_day(on: date) -> str:
    """A civil date, short: "16 Mar 2026"."""
    _only_a_date(on)
    return f"{on.day} {on:%b %Y}"


def _only_a_date(on: date) -> None:
    if isinstance(on, datetime):  # a datetime is a date, so the type checker lets it pass
        raise TypeError("A day is a civil date; show an instant with `moment`.")
