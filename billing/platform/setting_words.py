"""Settings in words: as a variable gives them, and which of them hold a secret."""

from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo


def value_words(value: object) -> str:
    """A value as its variable gives it, such as `en,af` or `false`; empty lists and texts are "none". Not for secrets."""
    words = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return (words.lower() if isinstance(value, bool) else words) or "none"


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting's value is, or contains, what nobody may be shown. An address with a password is marked by `repr=False`."""
    return not field.repr or _holds_secret(field.annotation)


def _holds_secret(kind: Any) -> bool:
    return kind is SecretStr or any(map(_holds_secret, get_args(kind)))
