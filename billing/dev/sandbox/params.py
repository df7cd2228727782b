"""Parse form parameters in Stripe's bracket notation; unknown ones are refused."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from billing.dev.sandbox.errors import StripeError, invalid, missing_parameter, unknown_parameter

Node = Any  # str, or a dict of Nodes, as the brackets nest
Kind = Callable[[Node, str], Any]
Spec = Mapping[str, Kind]
_PART = re.compile(r"\[([^\[\]]*)\]")


def nest(pairs: Sequence[tuple[str, str]]) -> dict[str, Node]:
    """Convert `a[b][0]=x` pairs into nested dicts; raises StripeError for contradictory ones."""
    root: dict[str, Node] = {}
    for name, value in pairs:
        head, _, tail = name.partition("[")
        keys = [head, *_PART.findall("[" + tail)] if tail else [head]
        here = root
        for key in keys[:-1]:
            here = here.setdefault(key or str(len(here)), {})
            if not isinstance(here, dict):
                raise invalid(f"Invalid {head}: mixed a value and a hash", param=head)
        last = keys[-1] or str(len(here))
        if isinstance(here.get(last), dict):
            raise invalid(f"Invalid {head}: mixed a value and a hash", param=head)
        here[last] = value
    return root


def read(
    spec: Spec, given: Mapping[str, Node], required: Sequence[str] = (), within: str = ""
) -> dict[str, Any]:
    """The typed values of the given parameters; raises StripeError as Stripe would."""
    for name in given:
        if name not in spec:
            raise unknown_parameter(_named(within, name))
    for name in required:
        if name not in given:
            raise missing_parameter(_named(within, name))
    return {name: spec[name](value, _named(within, name)) for name, value in given.items()}


def _named(within: str, name: str) -> str:
    return f"{within}[{name}]" if within else name


def text(most: int = 5000) -> Kind:
    """A non-empty string."""

    def parse(value: Node, param: str) -> str:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", param=param)
        if value == "":
            raise invalid(
                f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{param}' cannot be unset. You should remove '{param}' from your request "
                "or supply a non-empty value.",
                param=param,
                code="parameter_invalid_empty",
            )
        if len(value) > most:
            raise invalid(
                f"Invalid string: {value[:20]}…; must be at most {most} characters",
                param=param,
                code="parameter_invalid_string_empty" if not value else None,
            )
        return value

    return parse


def whole(low: int | None = None, high: int | None = None) -> Kind:
    """An integer in decimal digits."""

    def parse(value: Node, param: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
            raise invalid(f"Invalid integer: {value}", param=param, code="parameter_invalid_integer")
        number = int(value)
        if low is not None and number < low:
            raise invalid(
                f"This value must be greater than or equal to {low}.",
                param=param,
                code="parameter_invalid_integer",
            )
        if high is not None and number > high:
            raise invalid(
                f"This value must be less than or equal to {high}.",
                param=param,
                code="parameter_invalid_integer",
            )
        return number

    return parse


def flag(value: Node, param: str) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=param)
    return bool(value == "true")


def choice(*words: str) -> Kind:
    """One of a closed set of words."""

    def parse(value: Node, param: str) -> str:
        if value not in words:
            allowed = ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0]
            raise invalid(f"Invalid {param}: must be one of {allowed}", param=param)
        return str(value)

    return parse


def either(*kinds: Kind) -> Kind:
    """The first kind that accepts the value; if none does, the last one's error."""

    def parse(value: Node, param: str) -> Any:
        for kind in kinds[:-1]:
            with suppress(StripeError):
                return kind(value, param)
        return kinds[-1](value, param)

    return parse


def listed(kind: Kind) -> Kind:
    """An array."""

    def parse(value: Node, param: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise invalid("Invalid array", param=param)
        entries = sorted(value.items(), key=lambda entry: int(entry[0]))
        return [kind(entry, f"{param}[{key}]") for key, entry in entries]

    return parse


def group(spec: Spec, required: Sequence[str] = ()) -> Kind:
    """A hash with known keys."""

    def parse(value: Node, param: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=param)
        return read(spec, value, required, within=param)

    return parse


def unsettable(kind: Kind) -> Kind:
    """Like `kind`, but an empty value is None."""
    return lambda value, param: None if value == "" else kind(value, param)


def metadata(value: Node, param: str) -> dict[str, str]:
    """Up to 50 keys of 40 characters with values of 500 (STR-10); an empty value unsets its key."""
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=param)
    if len(value) > 50:
        raise invalid("You cannot have more than 50 metadata keys on an object", param=param)
    for key, entry in value.items():
        if not isinstance(entry, str):
            raise invalid("Metadata values must be strings", param=f"{param}[{key}]")
        if len(key) > 40:
            raise invalid(
                f"Metadata keys can be up to 40 characters long; '{key[:40]}…' is longer", param=param
            )
        if len(entry) > 500:
            raise invalid("Metadata values can have up to 500 characters", param=f"{param}[{key}]")
    return dict(value)


def merged(old: Mapping[str, str], new: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: empty values unset their key, an empty hash unsets everything."""
    if new is None:
        return dict(old)
    if not new:
        return {}
    return {key: value for key, value in {**old, **new}.items() if value != ""}


def web_address(value: Node, param: str) -> str:
    """An absolute http(s) address."""
    address: str = text()(value, param)
    if not re.match(r"https?://[^\s/]+", address):
        raise invalid("Not a valid URL", param=param, code="url_invalid")
    return address


ADDRESS: Spec = {
    part: unsettable(text()) for part in ("city", "country", "line1", "line2", "postal_code", "state")
}
RANGE = either(whole(), group({edge: whole() for edge in ("gt", "gte", "lt", "lte")}))
CURRENCY = text(3)
METHOD_TYPES = listed(text())
LISTING: dict[str, Kind] = {"limit": whole(1, 100), "starting_after": text(), "ending_before": text()}
