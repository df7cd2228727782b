"""Sentences with values, in Python code."""

from datetime import date, datetime

from emails.languages.dates import full_day, full_moment
from emails.languages.text import Text, amount


def say(message: str, /, **values: object) -> Text:
    """A sentence for readers: English, with `%(name)s` for each value. Without values `%` stands for itself.

    Days and amounts among the values are written as each language does. Catalogues are made from these calls, so the message is
    written out here, never put together."""
    return Text(message, {name: _value(value) for name, value in values.items()})


def _value(value: object) -> str | int | Text:
    if isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        return full_moment(value)
    if isinstance(value, date):
        return full_day(value)
    return amount(str(value))
