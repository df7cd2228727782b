"""Steps by readers, staff, the clock, Stripe and power cuts, in any order that Hypothesis draws. Every promise holds
after each step. At the end, without faults, nothing is missing.

A failing story is shrunk and printed as its steps. `tests/support/proof_size.py` sets the number of stories and the
seed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from billing.billing_run.run import run_for
from billing.cards import card_setup as setups
from billing.changes import change_plan, charge_day, pause
from billing.dev.sandbox import faults, webhook_faults
from billing.payments.models import SetupPurpose
from billing.platform.actors import WORKER, ReaderActor
from billing.platform.context import TransactionContext
from billing.platform.db import instant
from billing.reconcile import schedule
from billing.rules.charge_day import LAST
from billing.staff import requests
from billing.staff.models import RequestKind
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription
from tests.proofs.story import Story, email_of
from tests.support.databases import Databases
from tests.support.proof_size import SEED, STORIES
from tests.support.world import ZONE, World, local

SHARDS = 8
STEPS = 8
WHO = st.integers(0, 1)
CARDS = st.sampled_from(
    ["visa", "mastercard", "chargeCustomerFail", "createDispute", "createDisputeInquiry", "createIssuerFraudRecord",
     "pendingRefund", "refundFail"]
)  # fmt: skip
NUMBERS = st.sampled_from(["4242424242424242", "5555555555554444", "4000000000000341"])
DECLINES = st.sampled_from(
    ["insufficient_funds", "lost_card", "authentication_required", "revocation_of_authorization", None]
)
CALLS = st.sampled_from(
    ["POST /v1/payment_intents", "GET /v1/payment_intents*", "POST /v1/refunds", "GET /v1/refunds*",
     "POST /v1/setup_intents", "* /v1/checkout/sessions*", "* *"]
)  # fmt: skip
EVENTS = st.sampled_from(["*", "payment_intent.*", "checkout.session.*", "refund.*", "charge.dispute.*"])
SPANS = st.sampled_from([timedelta(hours=1), timedelta(hours=13), timedelta(days=1), timedelta(days=4),
                         timedelta(days=14), timedelta(days=31)])  # fmt: skip


class AnyStory(Story):
    """Its steps are its rules."""

    # readers

    @rule(who=WHO, card=CARDS)
    def starts(self, who: int, card: str) -> None:
        number = next(self.cards)
        body = {
            "email": email_of(who),
            "payment_method": f"pm_card_{card}__{number}",
            "consent": {
                "text_version": "app-1",
                "accepted_at": self.world.now.isoformat(),
                "ip": "196.25.1.9",
                "user_agent": "App/1",
            },
        }
        key = {"Idempotency-Key": f"start-{number}"}
        answer = self.call("/v1/trials", body, **key)
        if answer is None:
            self._restart()
            answer = self.call("/v1/trials", body, **key)
        self._learn()
        if answer is not None and answer.status_code == 201:
            begun = answer.json()["subscription"]["id"]
            self.known[begun].trial_on = self.world.now.astimezone(ZONE).date()

    @rule(who=WHO)
    def cancels(self, who: int) -> None:
        self._cancels(who)

    @rule(who=WHO, when=st.sampled_from(["now", "early"]), refund=st.sampled_from(["last", "auto"]))
    def is_cancelled_by_staff(self, who: int, when: str, refund: str) -> None:
        self._cancels(who, when=when, refund=refund)

    @rule(who=WHO, ago=st.sampled_from([timedelta(minutes=5), timedelta(hours=13), timedelta(days=9)]))
    def is_cancelled_as_of(self, who: int, ago: timedelta) -> None:
        self._cancels(who, requested_at=(self.world.now - ago).isoformat())

    def _cancels(self, who: int, **body: Any) -> None:
        subscription, now = self.newest(who), self.world.now
        answer = self.of_the_newest(who, "cancel", **body)
        if answer is None or subscription is None:
            self._learn()
        elif answer.is_success:
            asked_at = datetime.fromisoformat(body.get("requested_at", now.isoformat()))
            knowledge = self.known[subscription]
            knowledge.cancelled_at = min(knowledge.cancelled_at or asked_at, asked_at)

    @rule(who=WHO)
    def undoes(self, who: int) -> None:
        subscription = self.newest(who)
        answer = self.of_the_newest(who, "resume")
        if answer is None or subscription is None:
            self._learn()
        elif answer.is_success:
            self.known[subscription].cancelled_at = None

    @rule(who=WHO)
    def withdraws(self, who: int) -> None:
        self.of_the_newest(who, "withdraw")
        self._learn()

    @rule(who=WHO, number=NUMBERS)
    def gives_another_card(self, who: int, number: str) -> None:
        subscription = self.newest(who)
        if subscription is not None:
            self._attempt(lambda: self._another_card(subscription, f"{number}__{next(self.cards)}"))

    def _another_card(self, subscription_id: str, number: str) -> None:
        """As the page does it: a visit, the hosted page, the return, and a charge at once if something is owed."""
        services, at = self.world.services, self.world.now
        with services.database.begin(services.site, at, WORKER) as ctx:
            subscription = ctx.session.get_one(Subscription, subscription_id)
            if subscription.ended_at is not None:
                return
            visit = setups.begin(
                ctx,
                setups.SetupRequest(
                    acquirer=services.gateway.name,
                    purpose=SetupPurpose.CARD,
                    email=email_of(0),
                    price=terms_of(ctx.session, subscription)[1],
                    browser_hash="a browser",
                    reader_id=subscription.reader_id,
                    subscription_id=subscription_id,
                ),
            )
        page = setups.open_page(
            services.database, services.acquirers, services.site, visit.id, words="Yes.", back="/account"
        )
        self.world.sandbox.fill_in(page.url, number)
        setups.finish(
            services.database,
            services.acquirers,
            services.site,
            setups.SetupToFinish(visit.id),
            at,
            by=ReaderActor("r"),
        )
        run_for(services.run_context, subscription_id, at)

    @rule(who=WHO, number=NUMBERS, comes_back=st.booleans())
    def pays_by_the_mailed_link(self, who: int, number: str, comes_back: bool) -> None:
        links = [link for mail in self.world.letters(email_of(who)) for link in mail.links if "/pay/" in link]
        if links:
            self._pay(links[-1], f"{number}__{next(self.cards)}", comes_back=comes_back)

    def _pay(self, link: str, number: str, *, comes_back: bool) -> None:
        self.touched = True
        with self.world.browse() as browser:
            browser.get(link)
            if 'action="/pay/page"' not in browser.page.text:
                return
            browser.http.follow_redirects = False
            answer = browser.post("/pay/page")
            page = answer.response.headers.get("location", "")
            if answer.status == 303 and page.startswith(self.world.sandbox.url):
                target = self.world.sandbox.fill_in(page, number)
                if comes_back and target.startswith(self.world.url):
                    browser.get(target)

    @rule(who=WHO)
    def pays_with_the_card_on_record(self, who: int) -> None:
        links = [link for mail in self.world.letters(email_of(who)) for link in mail.links if "/pay/" in link]
        if links:
            self.touched = True
            with self.world.browse() as browser:
                browser.get(links[-1])
                if 'action="/pay"' in browser.page.text:
                    browser.post("/pay")

    @rule(who=WHO, months=st.integers(1, 3))
    def pauses(self, who: int, months: int) -> None:
        services, subscription = self.world.services, self.newest(who)
        if subscription is not None:
            self._choose(
                lambda session: pause.request_pause(TransactionContext(session, services.site, self.world.now, ReaderActor('r')), subscription, months, reason="a story", most=3
                )
            )  # fmt: skip

    @rule(who=WHO)
    def goes_on_after_all(self, who: int) -> None:
        services, subscription = self.world.services, self.newest(who)
        if subscription is not None and self._choose(
            lambda session: pause.undo(
                TransactionContext(session, services.site, self.world.now, ReaderActor("r")),
                subscription,
                reason="a story",
            )
        ):
            self._attempt(lambda: run_for(services.run_context, subscription, self.world.now))

    @rule(who=WHO, plan=st.sampled_from(["monthly", "yearly"]))
    def switches(self, who: int, plan: str) -> None:
        services, subscription = self.world.services, self.newest(who)
        if subscription is not None:
            self._choose(
                lambda session: change_plan.choose_plan(
                    TransactionContext(session, services.site, self.world.now, ReaderActor("r")),
                    subscription,
                    plan,
                    reason="a story",
                )
            )

    @rule(who=WHO, day=st.sampled_from(["1", "15", "28", "last"]))
    def chooses_the_day_of_the_charge(self, who: int, day: str) -> None:
        services, subscription, now = self.world.services, self.newest(who), self.world.now
        if subscription is not None and self._choose(
            lambda session: charge_day.choose(
                TransactionContext(session, services.site, now, ReaderActor("r")),
                subscription,
                LAST if day == "last" else int(day),
                reason="a story",
            )
        ):
            self.known[subscription].chosen.append((now, day))

    @rule(who=WHO)
    def takes_the_day_back(self, who: int) -> None:
        services, subscription = self.world.services, self.newest(who)
        if subscription is not None:
            self.known[subscription].chosen.clear()  # a cut may hide whether it was taken back
            self._choose(
                lambda session: charge_day.undo(
                    TransactionContext(session, services.site, self.world.now, ReaderActor("r")),
                    subscription,
                    reason="a story",
                )
            )

    @rule(who=WHO)
    def asks_by_the_form(self, who: int) -> None:
        self._choose(
            lambda session: requests.record_request(
                TransactionContext(session, self.world.services.site, self.world.now, WORKER),
                requests.RequestSender(None, email_of(who), "196.25.1.9", "Test"),
                RequestKind.CANCEL,
                "Please stop this.",
            )
        )

    # staff

    @rule(who=WHO, days=st.integers(1, 20))
    def is_given_days(self, who: int, days: int) -> None:
        self.of_the_newest(who, "extend", days=days, reason="A story.")

    @rule(who=WHO)
    def reads_for_nothing(self, who: int) -> None:
        found = self.world.rows("SELECT id FROM reader WHERE email = :email", email=email_of(who))
        if found:
            self.call(f"/v1/readers/{found[0]['id']}/grants", {"days": 9, "reason": "A story."})

    @rule(newest=st.integers(0, 2), cents=st.sampled_from([None, 1, 2500, 7500]))
    def is_refunded(self, newest: int, cents: int | None) -> None:
        payments = self.world.rows("SELECT id FROM payment ORDER BY paid_at DESC, id DESC LIMIT 3")
        if newest < len(payments):
            body = {"reason": "A story."} | ({"amount": cents} if cents else {})
            self.call(f"/v1/payments/{payments[newest]['id']}/refunds", body)

    # the clock

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self._attempt(lambda: self._advance(self.world.now + span))

    def _advance(self, end: datetime) -> None:
        """A held clock doesn't stop where the books are compared. While Stripe fails it must: a worker tries again minutes later, and
        one try at the end of a day's leap would leave the books late."""
        while self.stormy and (due := self._comparison_due()) is not None and self.world.now < due <= end:
            self.world.advance_to(due)
        self.world.advance_to(end)

    def _comparison_due(self) -> datetime | None:
        with self.world.services.database.transaction() as session:
            return instant(session, schedule.NEXT_DUE)

    @rule(span=SPANS)
    def no_worker_for(self, span: timedelta) -> None:
        self.world.sandbox.faults()  # Stripe's own trouble is over by then: with both, books are late, and the doctor is right
        self.world.skip_to(self.world.now + span)
        self._attempt(self.world.settle)

    # Stripe

    @rule(effect=st.sampled_from(sorted(faults.EFFECTS)), call=CALLS, times=st.integers(1, 6))
    def stripe_fails(self, effect: str, call: str, times: int) -> None:
        method, _, path = call.partition(" ")
        self.stormy = True
        self.world.sandbox.faults(
            {"effect": effect, "method": method, "path": path, "times": times, "seconds": 0.05}
        )

    @rule(effect=st.sampled_from(sorted(webhook_faults.EFFECTS)), kind=EVENTS, times=st.integers(1, 6))
    def news_goes_astray(self, effect: str, kind: str, times: int) -> None:
        self.world.sandbox.trouble({"effect": effect, "type": kind, "times": times, "seconds": 50_000})

    @rule(who=WHO, reason=DECLINES)
    def the_bank_says(self, who: int, reason: str | None) -> None:
        found = self.world.rows(
            "SELECT m.gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email = :email"
            " ORDER BY m.saved_at DESC, m.id DESC LIMIT 1",
            email=email_of(who),
        )
        if found:
            self.touched = True
            self.world.sandbox.decline(found[0]["gateway_ref"], reason)

    @rule(who=WHO)
    def the_network_replaces_a_card(self, who: int) -> None:
        found = self.world.rows(
            "SELECT m.gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email = :email"
            " ORDER BY m.saved_at DESC, m.id DESC LIMIT 1",
            email=email_of(who),
        )
        if found:
            self.touched = True
            self.world.sandbox.replace(found[0]["gateway_ref"])

    @rule(inquiry=st.booleans())
    def a_charge_is_disputed(self, inquiry: bool) -> None:
        charges = [each for each in self.world.charges() if not each["disputed"] and not each["refunded"]]
        if charges:
            self.touched = True
            self.world.sandbox.banks("dispute", charge=charges[-1]["id"], inquiry=inquiry)

    @rule(won=st.booleans())
    def a_dispute_is_decided(self, won: bool) -> None:
        open_ones = [
            each
            for each in self.world.sandbox.disputes()
            if not each["status"].endswith(("won", "lost", "closed"))
        ]
        if open_ones:
            self.touched = True
            self.world.sandbox.banks("win" if won else "lose", dispute=open_ones[0]["id"])

    # power

    @rule(points=st.integers(1, 60))
    def the_power_will_be_cut(self, points: int) -> None:
        self.power.cut_after(points)


@pytest.fixture(scope="module")
def ground(databases: Databases) -> Iterator[World]:
    """Where they happen."""
    with databases.fresh() as url, World(url, local(2027, 1, 4, 10), charge_concurrency=2) as world:
        yield world
        world.sandbox.exchanges.clear()


def run_stories(ground: World, shard: int, stories: int) -> None:
    """So many stories, other ones in each shard."""

    class ThisStory(AnyStory):
        pass

    ThisStory.ground = ground
    run_state_machine_as_test(
        seed(SEED * 1000 + shard)(ThisStory),
        settings=settings(
            max_examples=stories,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )


@pytest.mark.prove
@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_happens_every_promise_holds(ground: World, shard: int) -> None:
    run_stories(ground, shard, max(1, STORIES // SHARDS))
