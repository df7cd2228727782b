"""Apply a signal: fetch the object that it names, and settle it as it is now. The outcome is a word for operators."""

from datetime import datetime
from typing import assert_never

from sqlmodel import select

from billing.acquirer.answers import CardGone, NoSuchObject, Unknown
from billing.acquirer.port import Gateway
from billing.acquirer.signals import Signal
from billing.billing_run import pay_in_person
from billing.billing_run.outcome import PageOutcome, SettleOutcome, Unattributed
from billing.billing_run.take_in import take_in
from billing.cards import card_setup, saved_cards
from billing.disputes import settle as disputes
from billing.disputes import warn
from billing.payments import balance_mirror, payment_page
from billing.payments.models import Attempt, CardSetup, SetupState
from billing.payments.payment_page import HostedPage
from billing.platform.actors import Acquirer
from billing.platform.errors import Unavailable
from billing.refunds import refund, unexplained_charges
from billing.rules.absence import LISTED_WITHIN
from billing.webhooks.context import WebhookContext
from billing.webhooks.models import InboundEvent


def apply_signal(run: WebhookContext, event: InboundEvent, at: datetime) -> str:
    """Raises Unavailable where the acquirer can't say yet."""
    gateway = run.acquirers.named(event.acquirer)
    match event.signal:
        case None:
            return "not for us"
        case Signal.CHARGE_SUCCEEDED | Signal.CHARGE_CHANGED:
            return _charge(run, event, gateway, at)
        case Signal.PAGE_CHANGED:
            return _card_page(run, event, at) or _pay_page(run, event, gateway, at)
        case Signal.REFUND_CHANGED:
            return _refund(run, event, gateway, at)
        case Signal.CARD_CHANGED:
            return _card(run, event, gateway, at)
        case Signal.CUSTOMER_CHANGED:
            return _customer(run, event, gateway, at)
        case Signal.DISPUTE_CHANGED:
            dispute = disputes.settle_dispute(run.database, gateway, run.site, event.object_ref, at)
            return _absent(event, at, dispute) if dispute is disputes.Unresolved.ABSENT else dispute
        case Signal.FRAUD_WARNED:
            warning = warn.settle_warning(run.database, gateway, run.site, event.object_ref, at)
            return _absent(event, at, warning) if warning is warn.WarningOutcome.ABSENT else warning
        case Signal.PAID_OUT:
            payout = balance_mirror.keep_payout(run.database, gateway, run.site, event.object_ref, at)
            return _absent(event, at, payout) if payout is balance_mirror.PayoutOutcome.ABSENT else payout
    assert_never(event.signal)


def _absent(event: InboundEvent, at: datetime, word: str) -> str:
    """The word for an object that the acquirer doesn't have: another account's, or a removed one. It may deny an object for
    minutes after the event and have it later, so that isn't believed at once. Raises Unavailable."""
    if at - event.received_at < LISTED_WITHIN:
        raise Unavailable("The acquirer has no such object, though its webhook named it just now.")
    return word


def _charge(run: WebhookContext, event: InboundEvent, gateway: Gateway, at: datetime) -> str:
    claim, outcome = gateway.fetch_charge(event.object_ref)
    if isinstance(outcome, Unknown):
        raise Unavailable(outcome.reason)
    if isinstance(outcome, NoSuchObject):
        return _absent(event, at, "no such charge")
    if claim is None:  # another installation's, on the same account
        return Unattributed.NOT_OURS
    with run.database.begin(run.site, at, Acquirer(event.acquirer)) as ctx:
        return take_in(ctx, event.acquirer, claim, outcome)


def _card_page(run: WebhookContext, event: InboundEvent, at: datetime) -> str | None:
    """Finish the visit to a card page, unless the reader's return has. None where it is no card page of ours."""
    with run.database.transaction() as session:
        by_ref = select(CardSetup.id).where(
            CardSetup.session_ref == event.object_ref, CardSetup.acquirer == event.acquirer
        )
        setup_id = session.exec(by_ref).first()
        # after a crash the page's reference may be missing here, so the page names its visit too
        if setup_id is None and event.setup_id and session.get(CardSetup, event.setup_id):
            setup_id = event.setup_id
    if setup_id is None:
        return None
    found = card_setup.finish(
        run.database,
        run.acquirers,
        run.site,
        card_setup.SetupToFinish(setup_id, event.object_ref),
        at,
        by=Acquirer(event.acquirer),
    )
    if found.state is SetupState.OPEN:
        raise Unavailable("The acquirer sent a webhook about this page, and doesn't say yet how it ended.")
    return found.state


def _pay_page(run: WebhookContext, event: InboundEvent, gateway: Gateway, at: datetime) -> str:
    with run.database.transaction() as session:
        attempt_id = payment_page.by_ref(session, event.acquirer, event.object_ref)
        if attempt_id is None and event.attempt_id and session.get(Attempt, event.attempt_id):
            attempt_id = event.attempt_id
    if attempt_id is None:
        return "not our page"
    page = HostedPage(attempt_id, event.object_ref)
    word = pay_in_person.check_page(run.database, gateway, run.site, page, at, by=Acquirer(event.acquirer))
    if word is SettleOutcome.UNKNOWN:
        raise Unavailable("The outcome of the page isn't known yet.")
    return _absent(event, at, word) if word is PageOutcome.ABSENT else word


def _refund(run: WebhookContext, event: InboundEvent, gateway: Gateway, at: datetime) -> str:
    refund_id, answer = gateway.fetch_refund(event.object_ref)
    if isinstance(answer, Unknown):
        raise Unavailable(answer.reason)
    if isinstance(answer, NoSuchObject):
        return _absent(event, at, "no such refund")
    with run.database.begin(run.site, at, Acquirer(event.acquirer)) as ctx:
        ours = refund.find_own(ctx.session, event.acquirer, refund_id, event.object_ref)
        if ours is not None:
            refund.settle(ctx, ours, answer)
        elif not unexplained_charges.record_refund(ctx, event.acquirer, event.object_ref, answer):
            return "not our refund"
    return answer.state


def _card(run: WebhookContext, event: InboundEvent, gateway: Gateway, at: datetime) -> str:
    """The network replaced a card in place (STR-12), or the card was removed."""
    card = gateway.fetch_card(event.object_ref)
    if isinstance(card, Unknown):
        raise Unavailable(card.reason)
    if isinstance(card, NoSuchObject):
        _absent(event, at, "no such card")  # raises at first; later the card counts as removed
    with run.database.begin(run.site, at, Acquirer(event.acquirer)) as ctx:
        if isinstance(card, CardGone | NoSuchObject):
            ours = saved_cards.removed(ctx, event.acquirer, [event.object_ref])
            return "card removed" if ours else "not our card"
        ours = saved_cards.renewed(ctx, event.acquirer, card)
        return "card refreshed" if ours else "not our card"


def _customer(run: WebhookContext, event: InboundEvent, gateway: Gateway, at: datetime) -> str:
    """A customer was removed with all its cards. No acquirer promises a webhook for each card."""
    found = gateway.fetch_customer(event.object_ref)
    if isinstance(found, Unknown):
        raise Unavailable(found.reason)
    if found is None:
        return "still there"
    with run.database.begin(run.site, at, Acquirer(event.acquirer)) as ctx:
        refs = saved_cards.of_customer(ctx.session, event.acquirer, event.object_ref)
        return "cards removed" if saved_cards.removed(ctx, event.acquirer, refs) else "not our customer"
