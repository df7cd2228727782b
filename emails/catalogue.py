"""From a stored row back to its message."""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

from emails.errors import UnknownMessage, WrongFields
from emails.fields import Message, hints
from emails.messages import MESSAGES

BY_KIND: dict[str, type[Message]] = {message_type.kind: message_type for message_type in MESSAGES}


def load(kind: str, fields: Mapping[str, Any]) -> Message:
    """The message of `kind` with these fields, as `dataclasses.asdict` gave them. A field with a default may be missing: the row
    was written before there was such a field.

    Raises `UnknownMessage`, or `WrongFields` for a field that is missing, unknown or of the wrong type.
    """
    message_type = BY_KIND.get(kind)
    if message_type is None:
        raise UnknownMessage(f"{kind!r}; there are {', '.join(BY_KIND)}")
    wanted = hints(message_type).keys()
    may_miss = {field.name for field in dataclasses.fields(message_type) if field.default is not MISSING}
    missing, unknown = sorted(wanted - fields.keys() - may_miss), sorted(fields.keys() - wanted)
    if missing or unknown:
        raise WrongFields(f"{kind}: missing {missing}, unknown {unknown}")
    return message_type(**fields)
