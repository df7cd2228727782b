"""The ranges of filters as SQL."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from billing.rules.periods import start_of_day
from billing.staff.lists.fields import Amounts, Days

Conditions = list[sa.ColumnElement[bool]]


def moments(column: Any, days: Days | None, zone: ZoneInfo) -> Conditions:
    """The instants in the column fall on these days of the zone."""
    if days is None:
        return []
    first = [column >= start_of_day(days.first, zone)] if days.first else []
    last = [column < start_of_day(days.last + timedelta(days=1), zone)] if days.last else []
    return first + last


def ends(column: Any, days: Days | None, zone: ZoneInfo) -> Conditions:
    """What ends at the instants in the column has one of these as its last day: midnight ends the day before."""
    if days is None:
        return []
    first = [column > start_of_day(days.first, zone)] if days.first else []
    last = [column <= start_of_day(days.last + timedelta(days=1), zone)] if days.last else []
    return first + last


def civil_days(column: Any, days: Days | None) -> Conditions:
    """The civil days in the column are among these."""
    if days is None:
        return []
    return ([column >= days.first] if days.first else []) + ([column <= days.last] if days.last else [])


def cents(column: Any, amounts: Amounts | None) -> Conditions:
    """The cents in the column are among these. They stand in the text: a plan for any amount takes a third of all rows to fit, and reads
    along the order of the page, to the end where few do."""
    if amounts is None:
        return []
    least = [column >= _literal(amounts.least)] if amounts.least is not None else []
    return least + ([column <= _literal(amounts.most)] if amounts.most is not None else [])


def _literal(cents: int) -> sa.BindParameter[int]:
    return sa.bindparam(None, cents, sa.Integer, literal_execute=True)
