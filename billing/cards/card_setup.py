"""Save a card through the hosted page: open it, and finish once, by the reader's return or the webhook, whichever is first."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select

from billing.acquirer.answers import (
    CardPage,
    CardPageRequest,
    CustomerGone,
    NoSuchObject,
    SavedCard,
    SetupExpired,
    SetupOpen,
    Unknown,
)
from billing.acquirer.registry import Acquirers
from billing.cards import ownership_proof
from billing.cards.saved_cards import HasEnded, change_card, keep_card, last_good_day
from billing.notices.trial import trial_started
from billing.payments.customers import with_customer
from billing.payments.dispute_limits import DisputeOpen, refuse_while_open
from billing.payments.models import CardSetup, PaymentMethod, SetupPurpose, SetupState
from billing.platform import ids
from billing.platform.actors import WORKER, Actor, ReaderActor
from billing.platform.context import TransactionContext
from billing.platform.db import Database, lock_one
from billing.platform.errors import NotFound, Unavailable
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.readers.models import Consent
from billing.readers.register import register
from billing.rules.backoff import again_at
from billing.subscriptions import origins
from billing.subscriptions.find import AnyPrice
from billing.subscriptions.models import Plan, Price, Subscription
from billing.subscriptions.origins import NOWHERE, CameFrom
from billing.subscriptions.start import AlreadySubscribed, Starting, TrialUsed, start_paid, start_trial

PAGE_LIFE = timedelta(hours=23)
"""No acquirer keeps a page open for longer than 24 hours."""
CARD_USED = "card_used"
"""The refusal of a visit whose card, not its address, has had its trial."""


class UnknownSetup(NotFound):
    """There is no such visit to the card page."""

    code = "unknown_setup"


@dataclass(frozen=True, slots=True)
class CardPageVisit:
    """An open visit to the card page, and the page's address."""

    setup_id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupRequest:
    """The purpose of a card, its reader, and the browser."""

    acquirer: str
    purpose: SetupPurpose
    email: str
    price: AnyPrice
    browser_hash: str
    reader_id: str | None
    consent_id: str | None = None
    browser_known: bool = False
    """Whether it is the reader's (see `CardSetup.browser_known_at`)."""
    subscription_id: str | None = None
    method_ref: str | None = None
    came_from: CameFrom = NOWHERE


def begin(ctx: TransactionContext, request: SetupRequest) -> CardSetup:
    """Insert the visit. Commit, then `open_page`."""
    setup = CardSetup(
        id=ids.new("set", ctx.at),
        purpose=request.purpose,
        state=SetupState.OPEN,
        email=request.email,
        reader_id=request.reader_id,
        consent_id=request.consent_id,
        price_id=request.price.id,
        subscription_id=request.subscription_id,
        browser_hash=request.browser_hash,
        language=ctx.language,
        browser_known_at=ctx.at if request.browser_known else None,
        acquirer=request.acquirer,
        method_ref=request.method_ref,
        origin_article_id=request.came_from.article_id,
        origin_section=request.came_from.section,
        origin_issue_id=request.came_from.issue_id,
        created_at=ctx.at,
        expires_at=ctx.at + PAGE_LIFE,
        next_poll_at=ctx.at + PAGE_LIFE,
    )
    ctx.session.add(setup)
    ctx.session.flush()
    return setup


def open_page(
    database: Database, acquirers: Acquirers, site: Site, setup_id: str, *, words: str, back: str
) -> CardPageVisit:
    """Open the hosted page of a committed visit. `back` is the path for a reader who turns back. Raises Unavailable when the
    acquirer can't be reached; nothing is lost then."""
    with database.transaction() as session:
        setup = session.get_one(CardSetup, setup_id)
        known = _known_customer(session, setup)
    gateway = acquirers.named(setup.acquirer)

    def open_for(customer_ref: str) -> tuple[str, CardPage] | CustomerGone | Unknown:
        request = CardPageRequest(
            setup_id=setup.id,
            subscription_id=setup.subscription_id,
            customer_ref=customer_ref,
            words=words,
            success_url=site.page(f"/subscribe/back?setup={setup.id}"),
            cancel_url=site.page(back),
            expires_at=setup.expires_at,
            key=f"card-page-{setup.id}" + (f"-{customer_ref}" if known not in (None, customer_ref) else ""),
        )
        page = gateway.open_card_page(request)
        return (customer_ref, page) if isinstance(page, CardPage) else page

    opened = with_customer(
        gateway,
        known,
        reader_id=setup.reader_id or setup.id,
        email=setup.email,
        key=f"customer-{setup.id}",
        call=open_for,
    )
    if isinstance(opened, Unknown):
        raise Unavailable
    customer_ref, page = opened
    with database.transaction() as session:
        setup = session.get_one(CardSetup, setup_id)
        setup.session_ref = page.session_ref
        setup.customer_ref = customer_ref
    return CardPageVisit(setup_id, page.url)


def _known_customer(session: Session, setup: CardSetup) -> str | None:
    if setup.reader_id is None:
        return None
    return session.exec(
        select(PaymentMethod.customer_ref)
        .where(PaymentMethod.reader_id == setup.reader_id, PaymentMethod.acquirer == setup.acquirer)
        .order_by(col(PaymentMethod.saved_at).desc())
    ).first()


class SetupToFinish(NamedTuple):
    """A visit whose card may have been saved."""

    setup_id: str
    session_ref: str | None = None
    """From a webhook, which knows the page also where a crash lost our note of it."""
    mails: bool = True
    """Whether an address that must be proved gets a link by mail."""


def finish(
    database: Database,
    acquirers: Acquirers,
    site: Site,
    visit: SetupToFinish,
    at: datetime,
    *,
    by: Actor | None,
) -> CardSetup:
    """Complete the visit if its card is saved. Safe to repeat, also at the same time. `by` None: its reader, whose account may be
    made only now. Raises UnknownSetup.

    When the acquirer's answer is lost, the visit stays open, and the worker polls again soon."""
    with database.transaction() as session:
        setup = session.get(CardSetup, visit.setup_id)
        if setup is None:
            raise UnknownSetup
        ref = setup.session_ref or visit.session_ref
        if setup.state is not SetupState.OPEN or ref is None:
            return setup
    answer = acquirers.named(setup.acquirer).fetch_setup(ref)
    if isinstance(answer, SetupOpen | NoSuchObject):
        return setup  # a missing page may be there in a minute; else the visit ends with its time
    stop_point("setup.fetched")
    with database.begin(site, at, WORKER) as ctx:
        setup = lock_one(ctx.session, CardSetup, visit.setup_id)
        if setup.state is SetupState.OPEN:
            setup.session_ref = ref
            if isinstance(answer, Unknown):
                ask_again(setup, at)
            elif isinstance(answer, SetupExpired):
                setup.state, setup.finished_at = SetupState.EXPIRED, at
            else:
                complete(ctx, setup, answer, by=by, mails=visit.mails)
        return setup


def ask_again(setup: CardSetup, at: datetime) -> None:
    """The end of the visit is unknown: poll again later."""
    setup.poll_count += 1
    setup.next_poll_at = again_at(setup.poll_count, at)


def complete(
    ctx: TransactionContext, setup: CardSetup, card: SavedCard, *, by: Actor | None, mails: bool = True
) -> Subscription | None:
    """Keep the card, and start or repair the visit's subscription. None where that is refused, or waits for the proof of the
    address. The caller holds the visit's lock."""
    ctx = ctx.speaking(setup.language)
    if ownership_proof.is_needed(ctx, setup, card):
        ownership_proof.request_proof(ctx, setup, mails=mails)
        return None
    if setup.reader_id is None:
        reader, setup.new_reader = register(ctx, setup.email)
        if not setup.new_reader:  # another browser made the account in this very moment
            ownership_proof.request_proof(ctx, setup, mails=mails)
            return None
        setup.reader_id = reader.id
    method = keep_card(ctx, setup.acquirer, setup.reader_id, card)
    return complete_with(ctx.acting_as(by or ReaderActor(setup.reader_id)), setup, method)


def complete_with(ctx: TransactionContext, setup: CardSetup, method: PaymentMethod) -> Subscription | None:
    """The same with a card that is kept already. A start that isn't possible (any more) is refused, and the card stays unused."""
    setup.payment_method_id = method.id
    setup.reader_id = method.reader_id
    setup.finished_at = ctx.at
    if setup.consent_id is not None:  # given before there was an account
        ctx.session.get_one(Consent, setup.consent_id).reader_id = method.reader_id
    try:
        subscription = _use_card(ctx, setup, method)
    except (TrialUsed, AlreadySubscribed, HasEnded, DisputeOpen) as refusal:
        setup.state = SetupState.REFUSED
        setup.refusal = CARD_USED if refusal.facts.get("by") == "card" else refusal.code
        return None
    setup.state = SetupState.DONE
    setup.subscription_id = subscription.id
    origins.record(ctx, subscription, _origin_taken_from(setup))
    return subscription


def _origin_taken_from(setup: CardSetup) -> CameFrom:
    """Where the visit's reader came from. The visit stays as evidence, so it forgets that."""
    found = CameFrom(setup.origin_article_id, setup.origin_section, setup.origin_issue_id)
    setup.origin_article_id = setup.origin_section = setup.origin_issue_id = None
    return found


def card_of_refused(session: Session, setup: CardSetup | None) -> PaymentMethod | None:
    """The card of a visit that was refused a trial: it needn't be typed again."""
    if setup is None or setup.state is not SetupState.REFUSED or setup.payment_method_id is None:
        return None
    method = session.get(PaymentMethod, setup.payment_method_id)
    return method if method is not None and method.gone_at is None else None


def _use_card(ctx: TransactionContext, setup: CardSetup, method: PaymentMethod) -> Subscription:
    if setup.purpose is SetupPurpose.CARD:
        return change_card(ctx, str(setup.subscription_id), method)
    refuse_while_open(ctx.session, method.reader_id)
    price = ctx.session.get_one(Price, setup.price_id)
    agreed = Starting(
        reader_id=method.reader_id,
        plan=ctx.session.get_one(Plan, price.plan_id),
        price=price,
        payment_method_id=method.id,
        card_expires_on=last_good_day(method),
        card_fingerprint=method.fingerprint,
        first_charge_on=_agreed_first_charge(ctx, setup),
    )
    if setup.purpose is SetupPurpose.PAID:
        return start_paid(ctx, agreed)
    with ctx.session.begin_nested():  # a refusal undoes the half-started subscription, and keeps the card
        subscription = start_trial(ctx, agreed)
    trial_started(ctx, subscription)
    return subscription


def _agreed_first_charge(ctx: TransactionContext, setup: CardSetup) -> date | None:
    return (
        None if setup.consent_id is None else ctx.session.get_one(Consent, setup.consent_id).first_charge_on
    )
