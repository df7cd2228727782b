"""What a reader holds as one number: a million of them fit where a million objects don't."""

from datetime import UTC, datetime, timedelta

from billing.rules.access import STRENGTH, Entitlement, Reason

NOBODY = 0
"""No account, and no gift was opened."""
REGISTERED = 1
GIFTS = 2
"""A gift was opened by this reader or visitor at some time; whether it still opens something, the database knows."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNTIL_BITS, _FEATURE_BITS = 60, 20
_ONE = 1 + 3 + 1 + _UNTIL_BITS + _FEATURE_BITS
_KINDS = (*((reason, False) for reason in STRENGTH), (Reason.SUBSCRIPTION, True))
"""What is held, and whether it is ahead."""
_sets: list[frozenset[str]] = []
_numbers: dict[frozenset[str], int] = {}


def pack(registered: bool, gifts: bool, held: tuple[Entitlement, ...]) -> int:
    """The number of such a standing. Two that are equal have the same."""
    packed = 0
    for one in held:
        packed = (packed << _ONE) | _pack(one)
    return (packed << 2) | (GIFTS if gifts else 0) | (REGISTERED if registered else 0)


def unpack(packed: int) -> tuple[bool, tuple[Entitlement, ...]]:
    """Whether the reader has an account, and what it holds."""
    held, rest = [], packed >> 2
    while rest:
        held.append(_unpack(rest & ((1 << _ONE) - 1)))
        rest >>= _ONE
    return bool(packed & REGISTERED), tuple(reversed(held))


def _pack(one: Entitlement) -> int:
    until = 0 if one.until is None else (one.until - _EPOCH) // _MICROSECOND + 1
    if not 0 <= until < 1 << _UNTIL_BITS:
        raise OverflowError("what is held ends outside of all calendars")
    number = _numbers.get(one.features)
    if number is None:
        if len(_sets) == 1 << _FEATURE_BITS:
            raise OverflowError("there are more sets of features than anybody sells")
        number = _numbers[one.features] = len(_sets)
        _sets.append(one.features)
    packed = (number << _UNTIL_BITS) | until
    # the leading one says that something is held: else the first of all packed ones would be nothing
    return (1 << (_ONE - 1)) | (((packed << 1) | one.renews) << 3) | _KINDS.index((one.reason, one.ahead))


def _unpack(packed: int) -> Entitlement:
    (reason, ahead), rest = _KINDS[packed & 7], (packed >> 3) & ((1 << (_ONE - 4)) - 1)
    renews, rest = bool(rest & 1), rest >> 1
    until = rest & ((1 << _UNTIL_BITS) - 1)
    at = _EPOCH + (until - 1) * _MICROSECOND if until else None
    return Entitlement(reason, at, _sets[rest >> _UNTIL_BITS], renews, ahead)
