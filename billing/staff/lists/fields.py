"""The fields of a list's filter: each reads its part of a form, writes it as a query, and says it in words. No clock, no database.

A filter is a frozen dataclass that names its fields in `FIELDS`. Each fills the attribute of its name; None filters nothing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

from billing.platform.typed import NotADay, NotRand, read_day, read_rand
from billing.rules.money import Money, major
from billing.rules.periods import last_of_month
from billing.rules.worded import WordedEnum

YEARS = range(2000, 2101)
Form = Mapping[str, str]
Names = Mapping[str, Mapping[str, str]]
"""What the rows of a table are called, by field and id: `{"plan": {"monthly": "Monthly"}}`."""


class BadField(Exception):
    """What was typed can't filter. `name` is the form's field, and the text is the sentence beside it."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name, self.sentence = name, sentence


@dataclass(frozen=True, slots=True)
class Days:
    """Civil days, both included; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Amounts:
    """Cents, both included; None is open."""

    least: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class Field(ABC):
    """One field. `name` is its attribute, `label` its words on the page."""

    name: str
    label: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names in the form."""
        return (self.name,)

    @abstractmethod
    def read(self, form: Form, names: Names) -> Any:
        """The value; None where nothing was typed. Raises BadField."""

    @abstractmethod
    def write(self, value: Any) -> dict[str, str]:
        """The form that reads as this value."""

    @abstractmethod
    def words(self, value: Any, names: Names) -> str:
        """The value in words, for instance `plan: Monthly`."""


@dataclass(frozen=True, slots=True)
class ChoiceField(Field):
    """One member of an enum."""

    choices: type[WordedEnum]

    def read(self, form: Form, names: Names) -> WordedEnum | None:  # noqa: ARG002 - the enum names itself
        """The member."""
        typed = form.get(self.name, "")
        if typed and typed not in list(self.choices):
            raise BadField(self.name, "Choose one of the list.")
        return self.choices(typed) if typed else None

    def write(self, value: WordedEnum) -> dict[str, str]:
        """Its value."""
        return {self.name: value.value}

    def words(self, value: WordedEnum, names: Names) -> str:  # noqa: ARG002
        """Its words."""
        return f"{self.label.lower()}: {value.words}"


@dataclass(frozen=True, slots=True)
class NamedField(Field):
    """The id of a row that `Names` knows: a plan, a price, a newsletter."""

    def read(self, form: Form, names: Names) -> str | None:
        """The id."""
        typed = form.get(self.name, "")
        if typed and typed not in names[self.name]:
            raise BadField(self.name, "Choose one of the list.")
        return typed or None

    def write(self, value: str) -> dict[str, str]:
        """The id."""
        return {self.name: value}

    def words(self, value: str, names: Names) -> str:
        """What it is called."""
        return f"{self.label.lower()}: {names[self.name].get(value, value)}"


@dataclass(frozen=True, slots=True)
class FlagField(Field):
    """Yes, or it doesn't matter. Its label says the whole."""

    def read(self, form: Form, names: Names) -> bool | None:  # noqa: ARG002
        """Whether it was ticked."""
        typed = form.get(self.name, "")
        if typed not in ("", "yes"):
            raise BadField(self.name, "Tick the box, or leave it.")
        return True if typed else None

    def write(self, value: bool) -> dict[str, str]:  # noqa: ARG002
        """Ticked."""
        return {self.name: "yes"}

    def words(self, value: bool, names: Names) -> str:  # noqa: ARG002
        """The label."""
        return self.label.lower()


@dataclass(frozen=True, slots=True)
class MonthField(Field):
    """A calendar month, as its last day."""

    def read(self, form: Form, names: Names) -> date | None:  # noqa: ARG002
        """The last day of the month typed as 2027-03."""
        typed = form.get(self.name, "").strip()
        if not typed:
            return None
        try:
            first = read_day(f"{typed}-01")
        except NotADay:
            raise BadField(self.name, "A month is written as 2027-03.") from None
        _near(self.name, first)
        return last_of_month(first.year, first.month)

    def write(self, value: date) -> dict[str, str]:
        """As 2027-03."""
        return {self.name: f"{value:%Y-%m}"}

    def words(self, value: date, names: Names) -> str:  # noqa: ARG002
        """As March 2027."""
        return f"{self.label.lower()} {value:%B %Y}"


@dataclass(frozen=True, slots=True)
class DaysField(Field):
    """Two days, or one of them."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The first and the last day."""
        return f"{self.name}_from", f"{self.name}_through"

    def read(self, form: Form, names: Names) -> Days | None:  # noqa: ARG002
        """The days."""
        first, last = (_day(form, name) for name in self.inputs)
        if first is not None and last is not None and last < first:
            raise BadField(self.inputs[1], "The last day is before the first one.")
        return None if first is None and last is None else Days(first, last)

    def write(self, value: Days) -> dict[str, str]:
        """As a browser's fields of type date send them."""
        ends = zip(self.inputs, (value.first, value.last), strict=True)
        return {name: day.isoformat() for name, day in ends if day is not None}

    def words(self, value: Days, names: Names) -> str:  # noqa: ARG002
        """As `from 1 March 2027 through 7 March 2027`."""
        ends = (("from", value.first), ("through", value.last))
        said = (f"{word} {day.day} {day:%B %Y}" for word, day in ends if day is not None)
        return f"{self.label.lower()} {' '.join(said)}"


def _day(form: Form, name: str) -> date | None:
    typed = form.get(name, "").strip()
    try:
        day = read_day(typed) if typed else None
    except NotADay as refusal:
        raise BadField(name, refusal.detail) from None
    return _near(name, day) if day else None


def _near(name: str, day: date) -> date:
    """A day for which every zone has an instant, and PostgreSQL too."""
    if day.year not in YEARS:
        raise BadField(name, f"The year is from {YEARS[0]} to {YEARS[-1]}.")
    return day


@dataclass(frozen=True, slots=True)
class AmountsField(Field):
    """Two amounts of rand, or one of them."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The least and the most."""
        return f"{self.name}_from", f"{self.name}_to"

    def read(self, form: Form, names: Names) -> Amounts | None:  # noqa: ARG002
        """The amounts."""
        least, most = (_cents(form, name) for name in self.inputs)
        if least is not None and most is not None and most < least:
            raise BadField(self.inputs[1], "The second amount is below the first one.")
        return None if least is None and most is None else Amounts(least, most)

    def write(self, value: Amounts) -> dict[str, str]:
        """As 75.00."""
        ends = zip(self.inputs, (value.least, value.most), strict=True)
        return {name: str(major(cents)) for name, cents in ends if cents is not None}

    def words(self, value: Amounts, names: Names) -> str:  # noqa: ARG002
        """As `from R75.00 to R100.00`."""
        ends = (("from", value.least), ("to", value.most))
        said = (f"{word} {Money(cents)}" for word, cents in ends if cents is not None)
        return f"{self.label.lower()} {' '.join(said)}"


def _cents(form: Form, name: str) -> int | None:
    typed = form.get(name, "").strip()
    try:
        return read_rand(typed) if typed else None
    except NotRand as refusal:
        raise BadField(name, refusal.detail) from None


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows; without values, all of it."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def read(cls, form: Form, names: Names) -> tuple[Self, dict[str, str]]:
        """The filter of a form, and the sentence for each input that is wrong. A wrong one filters nothing: show no rows then."""
        values: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for field in cls.FIELDS:
            try:
                values[field.name] = field.read(form, names)
            except BadField as bad:
                wrong[bad.name] = bad.sentence
        return cls(**values), wrong

    def write(self) -> dict[str, str]:
        """The form that reads as this filter, for an address, a saved filter, or the audit."""
        return {name: text for field, value in self._set() for name, text in field.write(value).items()}

    def words(self, names: Names) -> str:
        """The filter in words; empty where it shows all."""
        return "; ".join(field.words(value, names) for field, value in self._set())

    def _set(self) -> list[tuple[Field, Any]]:
        values = ((field, getattr(self, field.name)) for field in self.FIELDS)
        return [(field, value) for field, value in values if value is not None]
