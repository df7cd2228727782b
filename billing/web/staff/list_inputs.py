"""The filters of staff's lists as inputs of a form."""

from collections.abc import Mapping
from functools import singledispatch

from billing.staff.lists.fields import (
    AmountsField,
    ChoiceField,
    DaysField,
    Field,
    Filter,
    FlagField,
    Form,
    MonthField,
    NamedField,
    Names,
)
from billing.web.views.staff_lists import ListInput


def inputs(
    filter_type: type[Filter], typed: Form, names: Names, wrong: Mapping[str, str]
) -> tuple[ListInput, ...]:
    """An input for each name of the form, with what was typed and what is wrong with it."""
    return tuple(
        ListInput(
            name=name,
            label=label,
            kind=kind,
            value=typed.get(name, ""),
            options=options,
            error=wrong.get(name),
        )
        for field in filter_type.FIELDS
        for name, label, kind, options in _parts(field, names)
    )


Part = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""Name, label, kind and options of an input."""


@singledispatch
def _parts(field: Field, names: Names) -> list[Part]:
    raise TypeError(f"no input for {field!r}, {names!r}")


@_parts.register
def _(field: ChoiceField, names: Names) -> list[Part]:  # noqa: ARG001
    return [(field.name, field.label, "choice", tuple((each.value, each.words) for each in field.choices))]


@_parts.register
def _(field: NamedField, names: Names) -> list[Part]:
    return [(field.name, field.label, "choice", tuple(names[field.name].items()))]


@_parts.register
def _(field: FlagField, names: Names) -> list[Part]:  # noqa: ARG001
    return [(field.name, field.label, "flag", ())]


@_parts.register
def _(field: MonthField, names: Names) -> list[Part]:  # noqa: ARG001
    return [(field.name, field.label, "month", ())]


@_parts.register
def _(field: DaysField, names: Names) -> list[Part]:  # noqa: ARG001
    first, last = field.inputs
    return [(first, f"{field.label} from", "date", ()), (last, f"{field.label} through", "date", ())]


@_parts.register
def _(field: AmountsField, names: Names) -> list[Part]:  # noqa: ARG001
    least, most = field.inputs
    return [
        (least, f"{field.label} from, in rand", "text", ()),
        (most, f"{field.label} to, in rand", "text", ()),
    ]
