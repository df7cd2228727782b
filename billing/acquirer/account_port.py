"""The third part of the port to an acquirer: the account itself, for operators. Only `register_webhooks` changes anything."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from billing.acquirer.answers import Unknown


@dataclass(frozen=True, slots=True)
class KeyPermission:
    """Whether our key may read one kind of object that the product needs."""

    what: str
    """In words, such as `payouts`."""
    granted: bool
    name: str = ""
    """The acquirer's name of what is lacking, where it says so."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An address at which the acquirer sends its webhooks."""

    endpoint_ref: str
    enabled: bool
    lacking: tuple[str, ...]
    """Types of events that the product needs and this endpoint doesn't get."""


@dataclass(frozen=True, slots=True)
class RegisteredWebhooks:
    """What became of a registration."""

    endpoint_ref: str
    changed: bool
    secret: str | None = field(default=None, repr=False)
    """The signing secret, which only a new endpoint's answer has."""


class AcquirerAccount(Protocol):
    """Our account at an acquirer."""

    needs_write: tuple[str, ...]
    """What our key must be able to write, in words. Reading can't show whether it can."""

    @property
    def key_is_unrestricted(self) -> bool:
        """Whether our key may do everything in the account."""

    def permissions(self) -> list[KeyPermission] | Unknown:
        """Read each kind of object that the product needs, once."""

    def webhook_endpoints(self, url: str) -> list[WebhookEndpoint] | Unknown:
        """The endpoints at this address."""

    def register_webhooks(self, url: str) -> RegisteredWebhooks | Unknown:
        """Make an endpoint at this address for the events that the product needs, or bring an existing one up to date."""

    def time(self) -> datetime | Unknown:
        """The acquirer's clock, to the second."""
