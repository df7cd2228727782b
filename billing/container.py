"""The services of a process. Built in `app.build`, and passed on from there."""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules

import billing.access.notices
import billing.newsletters.notices
import billing.readers.notices
import billing.staff.alert_notices
import billing.staff.notices  # noqa: F401 - registers its mails
from billing import notices
from billing.access.check import MeterLimits
from billing.access.gifts import GiftLimits
from billing.acquirer.port import Gateway
from billing.acquirer.registry import Acquirers
from billing.billing_run.context import RunContext
from billing.brand.publisher import Publisher
from billing.mail.deliver import Sender
from billing.newsletters.sender import NewsletterSender
from billing.platform import heartbeat
from billing.platform.clock import Clock
from billing.platform.db import Database
from billing.platform.logs import LogThrottle
from billing.platform.monotonic import Monotonic
from billing.platform.reports_standby import ReportsSource, source
from billing.platform.settings import Settings
from billing.platform.site import Site
from billing.platform.tracing import Tracer
from billing.reconcile.catch_up import ReconcileContext
from billing.staff import audit
from billing.webhooks.context import WebhookContext

for _module in iter_modules(notices.__path__, f"{notices.__name__}."):
    # A process can neither send nor take back a mail whose module it hasn't imported.
    import_module(_module.name)


@dataclass(frozen=True)
class Services:
    """One installation, wired."""

    settings: Settings
    database: Database
    clock: Clock
    monotonic: Monotonic
    acquirers: Acquirers
    site: Site
    sender: Sender
    newsletter_sender: NewsletterSender
    tracer: Tracer
    publisher: Publisher
    reports_standby: Database | None
    """A standby that answers reports, where one is set."""

    def reports_source(self) -> ReportsSource:
        """Where to read a report that may be some seconds old. Asks the standby, if one is set."""
        return source(self.reports_standby, self.database)

    @property
    def gateway(self) -> Gateway:
        """The acquirer of what begins now."""
        return self.acquirers.default

    @property
    def run_context(self) -> RunContext:
        """For a billing run."""
        return RunContext(
            self.database,
            self.acquirers,
            self.site,
            self.settings.pause_after_failures,
            self.settings.charge_concurrency,
            lambda: heartbeat.note_run(self.database, self.clock.now_in),
        )

    @cached_property
    def webhook_context(self) -> WebhookContext:
        """For settling events. One a process: it remembers which events it left for a moment."""
        tries = self.settings.event_tries
        return WebhookContext(self.database, self.acquirers, self.site, self.monotonic, tries)

    @cached_property
    def throttle(self) -> LogThrottle:
        """Keeps an error that lasts from filling the log: one a process, because it remembers what was logged."""
        return LogThrottle(self.monotonic)

    @property
    def reconcile_context(self) -> ReconcileContext:
        """For comparing our books with the acquirers'."""
        return ReconcileContext(self.database, self.acquirers, self.gateway, self.site, audit.takeover)

    @property
    def limits(self) -> MeterLimits:
        """Metered articles a month."""
        return MeterLimits(self.settings.meter_registered, self.settings.meter_anonymous)

    @property
    def gift_terms(self) -> GiftLimits:
        """How many gifts a month, for how long, for how many readers."""
        return GiftLimits(self.settings.gifts_a_month, self.settings.gift_days, self.settings.gift_readers)
