"""The context of settling webhooks."""

from dataclasses import dataclass, field

from billing.acquirer.registry import Acquirers
from billing.platform.db import Database
from billing.platform.monotonic import Monotonic
from billing.platform.site import Site


@dataclass(frozen=True)
class WebhookContext:
    """One a process, because it remembers which events it left for a moment."""

    database: Database
    acquirers: Acquirers
    site: Site
    monotonic: Monotonic
    most_failures: int
    """After so many failures an event is set aside."""
    moment_seconds: float = 2.0
    """How long an event about a charge under way waits for the call's own answer."""
    gives_way: dict[str, float] = field(default_factory=dict)
    """The events that wait so in this process, and since when by the monotonic clock."""
