"""Back from the card page: the start is finished once, by the reader's return or by the webhook. What happens now, and when."""

from contextlib import suppress
from datetime import timedelta
from functools import partial

from fastapi import APIRouter
from starlette.responses import Response

from billing.acquirer import breaker
from billing.billing_run.run import run_for
from billing.cards import card_setup, ownership_proof
from billing.http import cookies
from billing.payments import charge, return_polls
from billing.payments.models import AttemptState, CardSetup, PaymentMethod, SetupPurpose, SetupState
from billing.platform.context import TransactionContext
from billing.readers import sessions, sign_in
from billing.readers.register import by_id
from billing.rules.lifecycle import State
from billing.subscriptions.find import NotOffered, live_of, terms_of
from billing.subscriptions.models import Subscription
from billing.subscriptions.offer import Offer, offer_of, offer_today
from billing.web.kit.access_request import carry_over
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.view_rows import card_of
from billing.web.kit.visit import Visit, Visiting
from billing.web.reader import way
from billing.web.reader.newsletters import boxes, proved_person
from billing.web.reader.start_shared import count_return, refused_page, remembered
from billing.web.views.account import SignInSentPage
from billing.web.views.newsletters import NewsletterBox
from billing.web.views.start import CardDeclinedPage, StartedPage, StartPendingPage
from emails.languages import say

router = APIRouter(include_in_schema=False)
WAY_BACK = timedelta(hours=1)
"""How long after the card page the way back may sign a new reader in."""


@router.get("/subscribe/back")
@may_call_gateway
def back(visit: Visiting, setup: str = "") -> Response | GatewayCall:
    """The reader returns from the card page: finish the setup, if the webhook hasn't. Counted, as the waiting page polls it.
    Raises UnknownSetup, TooMany."""
    setup_id = setup or visit.cookie(cookies.SETUP)
    with visit.begin() as ctx:
        count_return(visit, ctx)
        known = ctx.session.get(CardSetup, setup_id)
        if known is not None and not visit.owns(known.browser_hash):
            known = None
        if known is not None and visit.reader is not None:
            locked = ownership_proof.lock_visit(ctx.session, setup_id, visit.browser_hashes)
            ownership_proof.hand_over(ctx, locked, visit.reader)
        polls = known is not None and _may_poll(known) and return_polls.claim(ctx, CardSetup, setup_id)
    if known is None:
        raise card_setup.UnknownSetup  # after the commit: the return is counted in any case
    if not polls:
        return arrive(visit, known)
    return GatewayCall(visit, partial(_poll, visit, setup_id), partial(_arrive_later, visit, known))


def _may_poll(setup: CardSetup) -> bool:
    """Whether the acquirer can have news of it, or a charge to make for it."""
    return setup.state is SetupState.OPEN or _charges(setup)


def _charges(setup: CardSetup) -> bool:
    """Whether a charge may be due with the new card. A trial has none due."""
    return setup.state is SetupState.DONE and setup.purpose is not SetupPurpose.TRIAL


def _poll(visit: Visit, setup_id: str) -> Response:
    services = visit.services
    to_finish = card_setup.SetupToFinish(setup_id)
    setup = card_setup.finish(
        services.database, services.acquirers, services.site, to_finish, visit.at, by=None
    )
    charge_at_once(visit, setup)
    return _arrive_later(visit, setup)


def _arrive_later(visit: Visit, setup: CardSetup) -> Response:
    """Release the claim; also without a poll, where the bulkhead is full: the page polls again by itself."""
    with visit.begin() as ctx:
        return_polls.done(ctx, CardSetup, setup.id, visit.services.settings.return_poll_seconds)
    return arrive(visit, setup)


def charge_at_once(visit: Visit, setup: CardSetup) -> None:
    """Charge what is due with the card that was given. Calls the gateway."""
    if _charges(setup):
        run_for(visit.services.run_context, str(setup.subscription_id), visit.at)


def arrive(visit: Visit, setup: CardSetup) -> Response:
    """The page that follows from how the visit to the card page ended."""
    match setup.state:
        case SetupState.OPEN:
            return _pending(visit, setup)
        case SetupState.EXPIRED:
            return visit.go("/subscribe/review")
        case SetupState.AWAITS_PROOF:
            if ownership_proof.is_over(setup, visit.at):
                return visit.go("/subscribe")
            with visit.read() as ctx:
                mailed = sign_in.is_mailed(ctx, setup.email, visit.browser_hashes)
            return visit.page(SignInSentPage(email=setup.email, mailed=mailed))
        case SetupState.REFUSED:
            return _refused(visit, setup)
        case SetupState.DONE:
            return _done(visit, setup)


def _pending(visit: Visit, setup: CardSetup) -> Response:
    return visit.page(StartPendingPage(again_url=f"/subscribe/back?setup={setup.id}"))


def _refused(visit: Visit, setup: CardSetup) -> Response:
    """Nothing may start; or the subscription ended while its reader was giving another card."""
    with visit.read() as ctx:
        again = _offer_again(visit, ctx) if setup.purpose is not SetupPurpose.CARD else None
        live = live_of(ctx.session, str(setup.reader_id)) if again is None else None
    if again is not None:
        return refused_page(visit, str(setup.refusal), again)
    another = live is not None and live.id != setup.subscription_id
    return visit.go("/account", "card-of-another" if another else "card-too-late")


def _offer_again(visit: Visit, ctx: TransactionContext) -> Offer:
    """The plan chosen in this browser, or the first plan where that isn't offered any more."""
    choice = remembered(visit)
    with suppress(NotOffered):
        return offer_today(ctx, choice.plan_id if choice else None)
    return offer_today(ctx)


_CARD_FLASH = {AttemptState.CHARGED: "paid", AttemptState.DECLINED: "not-paid"}

_ADVICE = say("You can also use another card.")
NOT_ASKED = say(
    "We did not ask your bank: this card was refused for several payments in the last 30 days, and the rules for cards do not"
    " let us ask again so soon. Please try another card."
)


def _done(visit: Visit, setup: CardSetup) -> Response:
    """What became of the card. The browser is signed in where it has just made the account."""
    subscription_id = str(setup.subscription_id)
    with visit.begin() as ctx:
        subscription = ctx.session.get_one(Subscription, subscription_id)
        attempt = charge.last_since(ctx.session, subscription_id, setup.created_at)
        cause = charge.cause_since(ctx.session, subscription_id, setup.created_at)
        if visit.reader is None and setup.new_reader:
            _sign_in_first_time(visit, ctx, subscription.reader_id, setup)
        paused = breaker.paused(ctx.session) is not None
    is_charging = subscription.charging_since is not None
    if is_charging and paused and setup.purpose is SetupPurpose.CARD:
        return visit.go("/account", "card-waits")
    if is_charging or _unpaid(setup, subscription):
        return _pending(visit, setup)
    if setup.purpose is SetupPurpose.CARD:
        if attempt is None and subscription.state is State.PAST_DUE and subscription.retry_on is None:
            return visit.go("/account", "same-card")
        return visit.go("/account", _CARD_FLASH.get(attempt, "card") if attempt else "card")
    if subscription.state is not State.ENDED:
        return visit.go("/subscribe/started")
    if setup.purpose is SetupPurpose.TRIAL or subscription.period_number > 0:
        return visit.go("/account")  # it did start, and ended before they came back
    advice = _ADVICE if attempt else NOT_ASKED
    return visit.page(CardDeclinedPage(advice=advice, bank_asked=attempt is not None, cause=cause), 402)


def _unpaid(setup: CardSetup, subscription: Subscription) -> bool:
    """Whether it began without a trial and its first charge is still to be made: the acquirer wouldn't make it yet, or the card
    is being charged for another reader first."""
    began = setup.purpose is SetupPurpose.PAID and subscription.state is State.ACTIVE
    return began and subscription.period_number == 0


def _sign_in_first_time(visit: Visit, ctx: TransactionContext, reader_id: str, setup: CardSetup) -> None:
    """Only until the address is proved by a mailed link: from then on a link is the way in.

    And only on the way back from the card page. Later, or after signing out, the page's address in the browser's history opens
    nothing."""
    reader = by_id(ctx.session, reader_id)
    late = setup.finished_at is None or visit.at - setup.finished_at > WAY_BACK
    if reader.address_proved_at is None and not late and not sessions.ever_ended(ctx.session, reader.id):
        secret = sessions.open_session(ctx, reader.id, visit.browser, email_verified=False)
        carry_over(visit, ctx.session, reader.id)
        visit.give(cookies.SESSION, secret, sessions.ABSOLUTE)


@router.get("/subscribe/started")
def started(visit: Visiting) -> Response:
    """What happens now, and when, for the browser that started it."""
    with visit.read() as ctx:
        setup = ctx.session.get(CardSetup, visit.cookie(cookies.SETUP))
        if setup is None or not visit.owns(setup.browser_hash) or setup.state is not SetupState.DONE:
            return visit.go("/account")
        subscription = ctx.session.get_one(Subscription, setup.subscription_id)
        if _unpaid(setup, subscription):
            return visit.go("/account")
        taken = offer_of(ctx.moved_to(setup.created_at), terms_of(ctx.session, subscription))
        method = ctx.session.get_one(PaymentMethod, setup.payment_method_id)
        newsletters, article = _newsletters(visit, ctx), way.read_on(visit, ctx)
    view = StartedPage(
        email=setup.email,
        offer=taken,
        dates=taken.dates if setup.purpose is SetupPurpose.TRIAL else None,
        next_charge_on=subscription.period_end_on or subscription.charge_on,
        card=card_of(method),
        newsletters=newsletters,
        read_on=article,
    )
    return visit.page(view)


def _newsletters(visit: Visit, ctx: TransactionContext) -> tuple[NewsletterBox, ...]:
    """Those that a signed-in reader hasn't chosen yet; all of them while the address isn't proved, as the choice is private."""
    if visit.reader is None:
        return ()
    return tuple(box for box in boxes(ctx, proved_person(visit)) if not box.chosen and not box.pending)
