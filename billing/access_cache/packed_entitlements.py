"""Entitlements as one number: a million integers fit into memory where a million objects don't."""

from datetime import UTC, datetime, timedelta

from billing.rules.access import STRENGTH, Entitlement, Reason

ANONYMOUS = 0
"""No account."""
REGISTERED = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNTIL_BITS, _FEATURE_BITS = 60, 20
_BITS = 1 + 3 + 1 + _UNTIL_BITS + _FEATURE_BITS
_KINDS = (*((reason, False) for reason in STRENGTH), (Reason.SUBSCRIPTION, True))
"""Each reason, and whether the entitlement is ahead. At most eight, as `_pack` gives them three bits."""


class Packer:
    """Packs and unpacks. Sets of features are numbered in order of appearance, so each cache has a packer of its own."""

    def __init__(self) -> None:
        self._sets: list[frozenset[str]] = []
        self._numbers: dict[frozenset[str], int] = {}

    def pack(self, registered: bool, held: tuple[Entitlement, ...]) -> int:
        """One number; equal entitlements give the same."""
        packed = 0
        for entitlement in held:
            packed = (packed << _BITS) | self._pack(entitlement)
        return (packed << 1) | (REGISTERED if registered else 0)

    def add(self, packed: int, entitlement: Entitlement) -> int:
        """The same with one entitlement more."""
        registered, held = self.unpack(packed)
        return self.pack(registered, (*held, entitlement))

    def unpack(self, packed: int) -> tuple[bool, tuple[Entitlement, ...]]:
        """Whether the reader has an account, and the entitlements."""
        held, rest = [], packed >> 1
        while rest:
            held.append(self._unpack(rest & ((1 << _BITS) - 1)))
            rest >>= _BITS
        return bool(packed & REGISTERED), tuple(reversed(held))

    def _pack(self, entitlement: Entitlement) -> int:
        until = 0 if entitlement.until is None else (entitlement.until - _EPOCH) // _MICROSECOND + 1
        if not 0 <= until < 1 << _UNTIL_BITS:
            raise OverflowError("an entitlement ends outside of all calendars")
        number = self._numbers.get(entitlement.features)
        if number is None:
            if len(self._sets) == 1 << _FEATURE_BITS:
                raise OverflowError("there are more sets of features than fit")
            number = self._numbers[entitlement.features] = len(self._sets)
            self._sets.append(entitlement.features)
        packed = (number << _UNTIL_BITS) | until
        # The leading one marks an entitlement: without it, one whose fields are all zero would vanish.
        kind = _KINDS.index((entitlement.reason, entitlement.ahead))
        return (1 << (_BITS - 1)) | (((packed << 1) | entitlement.renews) << 3) | kind

    def _unpack(self, packed: int) -> Entitlement:
        (reason, ahead), rest = _KINDS[packed & 7], (packed >> 3) & ((1 << (_BITS - 4)) - 1)
        renews, rest = bool(rest & 1), rest >> 1
        until = rest & ((1 << _UNTIL_BITS) - 1)
        at = _EPOCH + (until - 1) * _MICROSECOND if until else None
        return Entitlement(reason, at, self._sets[rest >> _UNTIL_BITS], renews, ahead)
