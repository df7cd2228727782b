"""Days and instants in words. The order of their parts, and the names of days and months, are messages too."""

from datetime import date, datetime

from emails.languages.text import Text, named

MONTHS = (
    named("month", "January"),
    named("month", "February"),
    named("month", "March"),
    named("month", "April"),
    named("month", "May"),
    named("month", "June"),
    named("month", "July"),
    named("month", "August"),
    named("month", "September"),
    named("month", "October"),
    named("month", "November"),
    named("month", "December"),
)
SHORT_MONTHS = (
    named("short month", "Jan"),
    named("short month", "Feb"),
    named("short month", "Mar"),
    named("short month", "Apr"),
    named("short month", "May"),
    named("short month", "Jun"),
    named("short month", "Jul"),
    named("short month", "Aug"),
    named("short month", "Sep"),
    named("short month", "Oct"),
    named("short month", "Nov"),
    named("short month", "Dec"),
)
WEEKDAYS = (
    named("weekday", "Monday"),
    named("weekday", "Tuesday"),
    named("weekday", "Wednesday"),
    named("weekday", "Thursday"),
    named("weekday", "Friday"),
    named("weekday", "Saturday"),
    named("weekday", "Sunday"),
)
SHORT_WEEKDAYS = (
    named("short weekday", "Mon"),
    named("short weekday", "Tue"),
    named("short weekday", "Wed"),
    named("short weekday", "Thu"),
    named("short weekday", "Fri"),
    named("short weekday", "Sat"),
    named("short weekday", "Sun"),
)
# Those with the same English words have contexts of their own: "16 May 2026" is a date, and a short one.
_FULL_DAY = named("date", "%(weekday)s %(day)s %(month)s %(year)s")
_DATE = named("date", "%(day)s %(month)s %(year)s")
_SHORT_DATE = named("short date", "%(day)s %(month)s %(year)s")
_DAY_OF_YEAR = named("date", "%(day)s %(month)s")
_AT = named("date", "%(day)s at %(time)s")
_DATE_AT = named("date", "%(day)s, %(time)s")
_SHORT_AT = named("date", "%(weekday)s %(day)s, %(time)s")


def full_day(on: date) -> Text:
    """A civil day: "Monday 16 March 2026". Raises TypeError for an instant, whose day depends on the zone."""
    _only_a_date(on)
    values = {
        "weekday": WEEKDAYS[on.weekday()],
        "day": on.day,
        "month": MONTHS[on.month - 1],
        "year": on.year,
    }
    return Text(_FULL_DAY.message, values, _FULL_DAY.context)


def date_only(on: date, *, with_year: bool = True) -> Text:
    """A civil day without its weekday: "16 March 2026"."""
    _only_a_date(on)
    pattern = _DATE if with_year else _DAY_OF_YEAR
    values = {"day": on.day, "month": MONTHS[on.month - 1], "year": on.year}
    return Text(pattern.message, values, pattern.context)


def short_date(on: date) -> Text:
    """A civil day, short: "16 Mar 2026"."""
    _only_a_date(on)
    values = {"day": on.day, "month": SHORT_MONTHS[on.month - 1], "year": on.year}
    return Text(_SHORT_DATE.message, values, _SHORT_DATE.context)


def full_moment(at: datetime) -> Text:
    """An instant, given in the zone in which it is shown: "Monday 16 March 2026 at 09:00"."""
    return Text(_AT.message, {"day": full_day(at.date()), "time": f"{at:%H:%M}"}, _AT.context)


def date_and_time(at: datetime) -> Text:
    """The same without its weekday: "16 March 2026, 09:00"."""
    return Text(_DATE_AT.message, {"day": date_only(at.date()), "time": f"{at:%H:%M}"}, _DATE_AT.context)


def short_moment(at: datetime) -> Text:
    """The same, short: "Mon 16 Mar 2026, 09:00"."""
    values = {
        "weekday": SHORT_WEEKDAYS[at.weekday()],
        "day": short_date(at.date()),
        "time": f"{at:%H:%M}",
    }
    return Text(_SHORT_AT.message, values, _SHORT_AT.context)


def _only_a_date(on: date) -> None:
    if isinstance(on, datetime):  # a datetime is a date, so the type checker lets it pass
        raise TypeError("A day is a civil date; show an instant with `full_moment`.")
