"""Start a trial with a card that an app has saved itself (`POST /v1/trials`)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from sqlmodel import Session, col, select

from billing.acquirer.answers import CustomerGone, Declined, SavedCard, Unknown
from billing.acquirer.port import Gateway
from billing.cards.card_setup import SetupRequest, begin, complete
from billing.payments.customers import with_customer
from billing.payments.dispute_limits import DisputeOpen, refuse_while_open
from billing.payments.models import CardSetup, SetupPurpose, SetupState
from billing.platform.actors import Actor
from billing.platform.context import TransactionContext
from billing.platform.db import Database, keep_loaded, lock_one
from billing.platform.errors import PaymentRefused, Unavailable
from billing.platform.site import Site
from billing.readers import consents
from billing.readers.models import Consent, Reader
from billing.readers.register import by_id, lock_reader, register
from billing.subscriptions.models import Subscription
from billing.subscriptions.offer import Offer, offer_today
from billing.subscriptions.origins import NOWHERE, CameFrom
from billing.subscriptions.start import AlreadySubscribed, TrialUsed, may_try, refuse_second

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Agreed:
    """The consent that an app has collected: its text, instant and origin. `beside`: the legal documents (see `consents.Terms`)."""

    text_version: str
    accepted_at: datetime
    ip: str
    device: str
    beside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRequest:
    """A trial that an app requests for its reader."""

    email: str
    external_id: str | None
    method_ref: str
    agreed: Agreed
    plan_id: str | None
    by: Actor
    came_from: CameFrom = NOWHERE


def start_with_saved_card(
    database: Database,
    gateway: Gateway,
    site: Site,
    request: TrialRequest,
    at: datetime,
    begun: Callable[[Session, Reader, Subscription], T],
) -> T:
    """Register the reader, save the card, start the trial; the result of `begun`, called in the transaction that starts it.

    Raises BadAddress, ExternalIdTaken, ReaderMerged, TrialUsed, AlreadySubscribed, DisputeOpen, PaymentRefused (the card was declined),
    Unavailable (the acquirer can't be reached: call again, and the same address and card find the first call's visit, customer
    and key)."""
    with database.begin(site, at, request.by) as ctx:
        reader, setup_id = _begin(ctx, gateway.name, request)
    card = _save(database, gateway, reader, setup_id, request.method_ref)
    with database.begin(site, at, request.by) as ctx:
        keep_loaded(ctx.session)
        setup = lock_one(ctx.session, CardSetup, setup_id)
        if setup.state is SetupState.DONE:  # the same call was made twice at once
            raise AlreadySubscribed
        subscription = complete(ctx, setup, card, by=request.by)
        if subscription is not None:
            return begun(ctx.session, by_id(ctx.session, reader.id), subscription)
        refusal = setup.refusal
    # after the commit, which keeps the card and the visit's refusal
    raise next(
        (refused for refused in (AlreadySubscribed, DisputeOpen) if refused.code == refusal), TrialUsed
    )


def _begin(ctx: TransactionContext, acquirer: str, request: TrialRequest) -> tuple[Reader, str]:
    found, _ = register(ctx, request.email, external_id=request.external_id)
    reader = lock_reader(ctx.session, found.id)  # a merge under way may empty the account
    refuse_second(ctx.session, reader.id)
    refuse_while_open(ctx.session, reader.id)
    if not may_try(ctx, email=reader.email, reader_id=reader.id):
        raise TrialUsed
    offer = offer_today(ctx, request.plan_id, by_staff=True)
    begun = _left_open(ctx, acquirer, reader.id, request.method_ref, offer.price.id)
    if begun is not None and _agreed_before(ctx.session, begun, request.agreed, offer.dates.first_charge_on):
        return reader, begun.id
    consent = _record(ctx, reader, offer, request.agreed)
    if begun is not None:
        begun.consent_id = consent.id
        return reader, begun.id
    setup = begin(
        ctx,
        SetupRequest(
            acquirer=acquirer,
            purpose=SetupPurpose.TRIAL,
            email=reader.email,
            price=offer.price,
            browser_hash="",
            consent_id=consent.id,
            reader_id=reader.id,
            method_ref=request.method_ref,
            came_from=request.came_from,
        ),
    )
    return reader, setup.id


def _record(ctx: TransactionContext, reader: Reader, offer: Offer, agreed: Agreed) -> Consent:
    dates, period = offer.dates, offer.plan.period_label
    words = consents.for_trial(offer.amount, period, dates.days, dates.first_charge_on, offer.then_amount)
    return consents.record(
        ctx.moved_to(agreed.accepted_at),
        consents.GivenBy(reader.email, reader.id, agreed.ip, agreed.device),
        "trial",
        replace(words, version=agreed.text_version, beside=agreed.beside),
        offer.amount,
        dates.first_charge_on,
    )


def _left_open(
    ctx: TransactionContext, acquirer: str, reader_id: str, method_ref: str, price_id: str
) -> CardSetup | None:
    """Lock the unfinished visit of an earlier call for the same reader, card and price."""
    return ctx.session.exec(
        select(CardSetup)
        .where(
            CardSetup.acquirer == acquirer,
            CardSetup.reader_id == reader_id,
            CardSetup.method_ref == method_ref,
            CardSetup.price_id == price_id,
            CardSetup.state == SetupState.OPEN,
            CardSetup.expires_at > ctx.at,
        )
        .order_by(col(CardSetup.id).desc())
        .with_for_update()
    ).first()


def _agreed_before(session: Session, setup: CardSetup, agreed: Agreed, first_charge_on: date) -> bool:
    """Whether the visit has this consent already."""
    consent = session.get_one(Consent, setup.consent_id)
    given = (consent.text_version, consent.accepted_at, consent.first_charge_on)
    return given == (agreed.text_version, agreed.accepted_at, first_charge_on)


def _save(database: Database, gateway: Gateway, reader: Reader, setup_id: str, method_ref: str) -> SavedCard:
    """Save the card for its reader's customer. A card belongs to the first customer it was saved for, so that one is noted
    first."""
    with database.transaction() as session:
        setup = session.get_one(CardSetup, setup_id)
        known = setup.customer_ref or _customer_of(session, gateway.name, reader.id, method_ref)
        key = f"{setup_id}-{setup.keys_unusable + 1}" if setup.keys_unusable else setup_id

    def save_for(customer_ref: str) -> SavedCard | Declined | CustomerGone | Unknown:
        _note(database, setup_id, customer_ref)
        return gateway.save_card(
            customer_ref=customer_ref,
            method_ref=method_ref,
            # an acquirer refuses another request, as one for another customer is, under a used key
            key=f"save-card-{key}" + (f"-{customer_ref}" if known not in (None, customer_ref) else ""),
        )

    saved: SavedCard | Declined | Unknown = with_customer(
        gateway, known, reader_id=reader.id, email=reader.email, key=f"customer-{key}", call=save_for
    )
    match saved:
        case Declined(decline, _, message):
            _another_key(database, setup_id)
            raise PaymentRefused(message, decline_code=decline.code)
        case Unknown():
            if saved.key_unusable:
                _another_key(database, setup_id)
            raise Unavailable
        case SavedCard():
            return saved


def _customer_of(session: Session, acquirer: str, reader_id: str, method_ref: str) -> str | None:
    """The customer for which an earlier call tried to save this card."""
    return session.exec(
        select(CardSetup.customer_ref)
        .where(
            CardSetup.acquirer == acquirer,
            CardSetup.reader_id == reader_id,
            CardSetup.method_ref == method_ref,
            col(CardSetup.customer_ref).is_not(None),
        )
        .order_by(col(CardSetup.id).desc())
    ).first()


def _note(database: Database, setup_id: str, customer_ref: str) -> None:
    with database.transaction() as session:
        lock_one(session, CardSetup, setup_id).customer_ref = customer_ref


def _another_key(database: Database, setup_id: str) -> None:
    """The acquirer repeats this answer for the same key: the next call uses another, for the same customer (STR-5)."""
    with database.transaction() as session:
        lock_one(session, CardSetup, setup_id).keys_unusable += 1
