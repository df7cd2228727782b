"""The acquirers of an installation. A row names the one that has its facts; new rows take the default."""

from collections.abc import Iterator, Sequence

from billing.acquirer.port import Gateway
from billing.acquirer.rate_limit import RateLimiter
from billing.platform.errors import RefusesToStart, Unavailable
from billing.platform.monotonic import Monotonic


class AcquirerMissing(Unavailable):
    """The acquirer that this belongs to is not set up here. Please get in touch with us."""

    code = "acquirer_missing"


class Acquirers:
    """By name; the first is the default, for new rows. Each has a rate of its own, as its limits are its own."""

    def __init__(self, gateways: Sequence[Gateway], per_second: float, monotonic: Monotonic) -> None:
        """Raises RefusesToStart where the default can't save a card without a charge: trials begin so."""
        self.default = gateways[0]
        if not self.default.capabilities.zero_amount_setup:
            raise RefusesToStart(
                f"{self.default.display_name} can't save cards for trials: put another acquirer first."
            )
        self.monotonic = monotonic
        self._gateways = {gateway.name: gateway for gateway in gateways}
        self._limiters = {name: RateLimiter(per_second, monotonic, name) for name in self._gateways}

    def __iter__(self) -> Iterator[Gateway]:
        return iter(self._gateways.values())

    def named(self, name: str) -> Gateway:
        """The acquirer of a row. Raises AcquirerMissing."""
        if name not in self._gateways:
            raise AcquirerMissing
        return self._gateways[name]

    def rate_limiter(self, name: str) -> RateLimiter:
        """This process's limiter for its charges."""
        return self._limiters[name]
