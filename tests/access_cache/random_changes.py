"""What readers and editors do, through the code that pages and the worker call, with a gateway in this process."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from sqlmodel import Session

from billing.access.models import Scope
from billing.access.public_windows import close, open_to_all
from billing.acquirer.answers import Charged, ChargeRequest, SavedCard
from billing.acquirer.stripe.gateway import CAPABILITIES
from billing.billing_run.context import RunContext
from billing.billing_run.run import run_for
from billing.cards.saved_cards import keep_card, last_good_day
from billing.changes.cancel import When, cancel
from billing.changes.withdraw import withdraw
from billing.payments.models import PaymentMethod
from billing.platform.actors import WORKER, ReaderActor, StaffActor
from billing.platform.clock import SystemClock
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.setting_house import Policy
from billing.platform.site import Site
from billing.subscriptions.find import live_of, plan_on_offer
from billing.subscriptions.models import Subscription
from billing.subscriptions.start import Starting, start_paid, start_trial
from tests.access_cache.serving import TOKENS
from tests.bench.readers import reader_of
from tests.support.one_acquirer import only
from tests.support.world import ZONE

SITE = Site(ZONE, "http://127.0.0.1", TOKENS, policy=Policy.model_construct(withdrawals_a_year=1_000_000))
CLOCK = SystemClock()


class Taking:
    """A gateway in this process whose charges succeed at once."""

    name = "one"
    capabilities = CAPABILITIES

    def charge(self, request: ChargeRequest) -> Charged:
        """Report success."""
        attempt = request.claim.attempt_id
        return Charged(f"pi_{attempt}", f"ch_{attempt}", request.amount, None, CLOCK.now())


@dataclass
class ReaderChanges:
    """Changes that are committed when the method returns. Readers are named by number."""

    database: Database
    _cards: Iterator[int] = field(default_factory=count)

    def start(self, number: int) -> None:
        """Start a trial."""
        with self.database.transaction() as session:
            start_trial(
                TransactionContext(session, SITE, CLOCK.now(), ReaderActor("r")),
                self._agreed(session, number, f"fingerprint-{number}"),
            )

    def subscribe(self, number: int) -> str:
        """Start an unpaid subscription without a trial; return its id. Each takes a new card, because charges to one card are limited."""
        with self.database.transaction() as session:
            agreed = self._agreed(session, number, f"card-{next(self._cards)}")
            return start_paid(TransactionContext(session, SITE, CLOCK.now(), ReaderActor("r")), agreed).id

    def _agreed(self, session: Session, number: int, fingerprint: str) -> Starting:
        """The values for a start on the first plan on offer, with a card of this fingerprint."""
        plan, price = plan_on_offer(session, self._today())
        card = self._card(session, number, fingerprint)
        return Starting(reader_of(number), plan, price, card.id, last_good_day(card), card.fingerprint)

    def pay(self, subscription_id: str) -> None:
        """Charge the subscription's first period."""
        run_context = RunContext(self.database, only(Taking()), SITE, pause_after=5)
        report = run_for(run_context, subscription_id, CLOCK.now())
        assert report.counts["charged"] == 1, report

    def cancel(self, number: int) -> None:
        """Staff end the subscription at once."""
        at = CLOCK.now()
        with self.database.begin(SITE, at, StaffActor("a")) as ctx:
            live, reason = self._live(ctx.session, number), "asked by phone"
            cancel(ctx, live.id, asked_at=at, reason=reason, when=When.NOW)

    def withdraw(self, number: int) -> None:
        """The reader withdraws: the charge is refunded, and access ends."""
        at = CLOCK.now()
        with self.database.begin(SITE, at, ReaderActor("r")) as ctx:
            withdraw(ctx, self._live(ctx.session, number).id, asked_at=at)

    def open(self, article_id: str) -> str:
        """An editor opens the article to everyone; return the opening's id."""
        at = CLOCK.now()
        with self.database.begin(SITE, at, StaffActor("a")) as ctx:
            until = at + timedelta(days=1)
            made = open_to_all(ctx, Scope.ARTICLE, article_id, until=until, reason="flood")
            return made.id

    def close(self, opening_id: str) -> None:
        """An editor closes the opening before its end."""
        with self.database.transaction() as session:
            close(TransactionContext(session, SITE, CLOCK.now(), StaffActor("a")), opening_id)

    def _live(self, session: Session, number: int) -> Subscription:
        live = live_of(session, reader_of(number))
        assert live is not None
        return live

    def _card(self, session: Session, number: int, fingerprint: str) -> PaymentMethod:
        card = SavedCard(f"cus_{number}", f"pm_{fingerprint}", "visa", "4242", 12, 2040, fingerprint)
        return keep_card(
            TransactionContext(session, SITE, CLOCK.now(), WORKER), Taking.name, reader_of(number), card
        )

    def _today(self) -> date:
        return SITE.today(CLOCK.now())
