"""Back from the card page: the start is finished once, whoever comes first; what happens now, and when."""

from contextlib import suppress
from datetime import timedelta

from fastapi import APIRouter
from sqlmodel import Session
from starlette.responses import Response

from billing.acquirer import breaker
from billing.billing_run.run import run_for
from billing.cards import card_setup as setups
from billing.cards import ownership_proof
from billing.http import cookies
from billing.payments import charge, return_polls
from billing.payments.dispute_limits import DisputeOpen
from billing.payments.models import AttemptState, CardSetup, PaymentMethod, SetupPurpose, SetupState
from billing.readers import sessions, sign_in
from billing.readers.register import by_id
from billing.rules.lifecycle import State
from billing.subscriptions.find import NotOffered, live_of, terms_of
from billing.subscriptions.models import Subscription
from billing.subscriptions.offer import Offer, offer_of, offer_today
from billing.subscriptions.start import AlreadySubscribed, TrialUsed
from billing.web.kit.access_request import carry_over
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.view_rows import card_of
from billing.web.kit.visit import Visit, Visiting
from billing.web.reader.newsletters import boxes, proved_person
from billing.web.reader.start_shared import Why, count_return, refused_page, remembered
from billing.web.views.account import SignInSentPage
from billing.web.views.newsletters import NewsletterBox
from billing.web.views.start import CardDeclinedPage, StartedPage, StartPendingPage

router = APIRouter(include_in_schema=False)
WAY_BACK = timedelta(hours=1)


@router.get("/subscribe/back")
@may_wait
def back(visit: Visiting, setup: str = "") -> Response | Waits:
    """The reader returns from the card page: finish, if the webhook hasn't. Counted, as its page asks again by itself."""
    setup_id = setup or visit.cookie(cookies.SETUP)
    with visit.begin() as ctx:
        count_return(visit, ctx.session)
        known = ctx.session.get(CardSetup, setup_id)
        ours = known is not None and visit.owns(known.browser_hash)
        if ours and visit.reader is not None:
            ownership_proof.hand_over(
                ctx, ownership_proof.hold(ctx.session, setup_id, visit.browser_hashes), visit.reader
            )
        asks = known is not None and ours and _may_ask(known)
        asks = asks and return_polls.claim(ctx, CardSetup, setup_id)
    if known is None or not ours:
        raise setups.UnknownSetup
    return (
        Waits(visit, lambda: _ask(visit, setup_id), lambda: _skip(visit, known))
        if asks
        else arrive(visit, known)
    )


def _may_ask(setup: CardSetup) -> bool:
    """Whether the acquirer can have news of it, or a charge to make for it."""
    return setup.state is SetupState.OPEN or _charges(setup)


def _charges(setup: CardSetup) -> bool:
    """Whether something may be due with the card that was given; a trial has nothing due."""
    return setup.state is SetupState.DONE and setup.purpose is not SetupPurpose.TRIAL


def _ask(visit: Visit, setup_id: str) -> Response:
    services = visit.services
    asked = setups.SetupToFinish(setup_id)
    found = setups.finish(services.database, services.acquirers, services.site, asked, visit.at, by=None)
    charge_at_once(visit, found)
    _asked(visit, setup_id)
    return arrive(visit, found)


def _skip(visit: Visit, setup: CardSetup) -> Response:
    """There is no room to ask: the page asks again by itself."""
    _asked(visit, setup.id)
    return arrive(visit, setup)


def _asked(visit: Visit, setup_id: str) -> None:
    with visit.begin() as ctx:
        return_polls.done(ctx, CardSetup, setup_id, visit.services.settings.return_poll_seconds)


def charge_at_once(visit: Visit, setup: CardSetup) -> None:
    """Charge what is due with the card that was given. Calls the gateway."""
    if _charges(setup):
        run_for(visit.services.run_context, str(setup.subscription_id), visit.at)


def arrive(visit: Visit, setup: CardSetup) -> Response:
    """The page that follows from how the visit to the card page ended."""
    match setup.state:
        case SetupState.OPEN:
            return visit.page(StartPendingPage(again_url=f"/subscribe/back?setup={setup.id}"))
        case SetupState.EXPIRED:
            return visit.go("/subscribe/review")
        case SetupState.AWAITS_PROOF:
            if ownership_proof.is_over(setup, visit.at):
                return visit.go("/subscribe")
            with visit.begin() as ctx:
                mailed = sign_in.is_mailed(ctx, setup.email, visit.browser_hashes)
            return visit.page(SignInSentPage(email=setup.email, mailed=mailed))
        case SetupState.REFUSED:
            return _refused(visit, setup)
        case SetupState.DONE:
            return _welcome(visit, setup)


_WHY: dict[str | None, Why] = {
    AlreadySubscribed.code: "already_subscribed",
    DisputeOpen.code: "dispute_open",
    TrialUsed.code: "trial_used",
    setups.CARD_USED: "card_used",
}


def _refused(visit: Visit, setup: CardSetup) -> Response:
    """Nothing may start; or the subscription ended while its reader was giving another card."""
    if setup.purpose is not SetupPurpose.CARD:
        with visit.services.database.transaction() as session:
            return refused_page(visit, _WHY[setup.refusal], _offer_again(visit, session))
    with visit.services.database.transaction() as session:
        live = live_of(session, str(setup.reader_id))
    another = live is not None and live.id != setup.subscription_id
    return visit.go("/account", "card-of-another" if another else "card-too-late")


def _offer_again(visit: Visit, session: Session) -> Offer:
    """What was chosen in this browser, or the first plan where that isn't offered any more."""
    choice = remembered(visit)
    with suppress(NotOffered):
        return offer_today(visit.context(session), choice.plan_id if choice else None)
    return offer_today(visit.context(session))


_CARD_FLASH = {AttemptState.CHARGED: "paid", AttemptState.DECLINED: "not-paid"}

_ADVICE = "Nothing was charged and nothing has started. Please try another card, or ask your bank."
NOT_ASKED = (
    "We did not ask your bank: this card was refused for several payments in the last 30 days, and the rules for cards do not"
    " let us ask again so soon. Please try another card."
)


def _welcome(visit: Visit, setup: CardSetup) -> Response:
    """What became of it; the browser is signed in where it has just made the account."""
    subscription_id = str(setup.subscription_id)
    with visit.services.database.transaction() as session:
        subscription = session.get_one(Subscription, subscription_id)
        tried = charge.last_since(session, subscription_id, setup.created_at)
        if visit.reader is None and setup.new_reader:
            _sign_in_first_time(visit, session, subscription.reader_id, setup)
        waits = breaker.paused(session) is not None
    if subscription.charging_since is not None and waits and setup.purpose is SetupPurpose.CARD:
        return visit.go("/account", "card-waits")
    if subscription.charging_since is not None or _unpaid(setup, subscription):
        return visit.page(StartPendingPage(again_url=f"/subscribe/back?setup={setup.id}"))
    if setup.purpose is SetupPurpose.CARD:
        if tried is None and subscription.state is State.PAST_DUE and subscription.retry_on is None:
            return visit.go("/account", "same-card")
        return visit.go("/account", _CARD_FLASH.get(tried, "card") if tried else "card")
    if subscription.state is State.ENDED and (
        setup.purpose is SetupPurpose.TRIAL or subscription.period_number > 0
    ):
        return visit.go("/account")  # it did start, and ended before they came back
    if subscription.state is State.ENDED:
        advice = _ADVICE if tried else NOT_ASKED
        return visit.page(CardDeclinedPage(advice=advice, bank_asked=tried is not None), 402)
    if subscription.state is State.ACTIVE and subscription.period_number == 0:
        # what its card is asked for other readers is answered first
        return visit.page(StartPendingPage(again_url=f"/subscribe/back?setup={setup.id}"))
    return visit.go("/subscribe/started")


def _unpaid(setup: CardSetup, subscription: Subscription) -> bool:
    """Whether it began without a trial, and its first charge is still to be made: the acquirer wouldn't make it yet."""
    began = setup.purpose is SetupPurpose.PAID and subscription.state is State.ACTIVE
    return began and subscription.period_number == 0


def _sign_in_first_time(visit: Visit, session: Session, reader_id: str, setup: CardSetup) -> None:
    """Only while nobody has proved the address by a mailed link: from then on a link is the way in.

    And only on the way back from the card page: later, or after signing out, this address in the history opens nothing."""
    reader = by_id(session, reader_id)
    late = setup.finished_at is None or visit.at - setup.finished_at > WAY_BACK
    if reader.address_proved_at is None and not late and not sessions.ever_ended(session, reader.id):
        ctx = visit.context(session)
        secret = sessions.open_session(ctx, reader.id, visit.browser, email_verified=False)
        carry_over(visit, session, reader.id)
        visit.give(cookies.SESSION, secret, sessions.ABSOLUTE)


@router.get("/subscribe/started")
def started(visit: Visiting) -> Response:
    """What happens now, and when; for the browser that started it."""
    with visit.begin() as ctx:
        setup = ctx.session.get(CardSetup, visit.cookie(cookies.SETUP))
        if setup is None or not visit.owns(setup.browser_hash) or setup.state is not SetupState.DONE:
            return visit.go("/account")
        subscription = ctx.session.get_one(Subscription, setup.subscription_id)
        if _unpaid(setup, subscription):
            return visit.go("/account")
        then = ctx.moved_to(setup.created_at)
        taken = offer_of(then, terms_of(ctx.session, subscription))
        method = ctx.session.get_one(PaymentMethod, setup.payment_method_id)
        offered = _newsletters(visit, ctx.session)
    view = StartedPage(
        email=setup.email,
        price=taken.amount,
        period=taken.plan.period_label,
        then=taken.then_amount,
        dates=taken.dates if setup.purpose is SetupPurpose.TRIAL else None,
        next_charge_on=subscription.period_end_on or subscription.charge_on,
        card=card_of(method),
        newsletters=offered,
    )
    return visit.page(view)


def _newsletters(visit: Visit, session: Session) -> tuple[NewsletterBox, ...]:
    """Those that a signed-in reader hasn't chosen yet; all of them, where the browser may not know what was chosen."""
    if visit.reader is None:
        return ()
    found = boxes(session, proved_person(visit))
    return tuple(each for each in found if not each.chosen and not each.pending)
