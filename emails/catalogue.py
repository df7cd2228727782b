"""From a stored row back to its message."""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

from emails.errors import UnknownMessage, WrongFields
from emails.fields import Facts, Message, hints, within
from emails.messages import MESSAGES

F = TypeVar("F", bound=Facts)
BY_KIND: dict[str, type[Message]] = {message_type.kind: message_type for message_type in MESSAGES}


def store(message: Message) -> dict[str, Any]:
    """The fields of a message as they stand in a row."""
    return {
        name: [dict(vars(one)) for one in value] if isinstance(value, tuple) else value
        for name, value in vars(message).items()
    }


def load(kind: str, fields: Mapping[str, Any]) -> Message:
    """The message of `kind` with these fields, as `store` gave them. A field with a default may be missing: the row
    was written before there was such a field.

    Raises `UnknownMessage`, or `WrongFields` for a field that is missing, unknown or of the wrong type.
    """
    message_type = BY_KIND.get(kind)
    if message_type is None:
        raise UnknownMessage(f"{kind!r}; there are {', '.join(BY_KIND)}")
    return _filled(message_type, fields)


def _filled(facts_type: type[F], fields: Mapping[str, Any]) -> F:
    wanted = hints(facts_type)
    may_miss = {field.name for field in dataclasses.fields(facts_type) if field.default is not MISSING}
    missing, unknown = sorted(wanted.keys() - fields.keys() - may_miss), sorted(fields.keys() - wanted.keys())
    if missing or unknown:
        raise WrongFields(f"{facts_type.kind}: missing {missing}, unknown {unknown}")
    return facts_type(**{name: _value(wanted[name], value) for name, value in fields.items()})


def _value(hint: Any, value: Any) -> Any:
    of = within(hint)
    if of is None or not isinstance(value, list | tuple):
        return value
    return tuple(_filled(of, one) if isinstance(one, Mapping) else one for one in value)
