"""Start a trial with a card that an app has saved itself (`POST /v1/trials`)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from billing.db import Database, hold
from billing.errors import PaymentRefused, Unavailable
from billing.office import Office
from billing.payments import setup as setups
from billing.payments.disputed import DisputeOpen, refuse_while_open
from billing.payments.gateway import CustomerGone, Declined, Gateway, SavedCard, Unknown
from billing.payments.models import CardSetup, SetupPurpose
from billing.readers import consents
from billing.readers.models import Reader
from billing.readers.register import by_id, register
from billing.rules import trial
from billing.rules.money import Money
from billing.subscriptions.find import MONTHLY, on_sale
from billing.subscriptions.models import Subscription
from billing.subscriptions.start import AlreadySubscribed, TrialUsed, may_try, refuse_second

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Agreed:
    """The consent an app has collected: which words, when, from where."""

    text_version: str
    accepted_at: datetime
    ip: str
    device: str


def enrol(
    database: Database,
    gateway: Gateway,
    office: Office,
    *,
    email: str,
    external_id: str | None,
    method_ref: str,
    agreed: Agreed,
    at: datetime,
    by: str,
    plan_id: str = MONTHLY,
    begun: Callable[[Session, Reader, Subscription], T],
) -> T:
    """Register the reader, save the card, start the trial; what `begun` makes of it, in the transaction that starts it. Raises BadAddress, ExternalIdTaken, TrialUsed,
    AlreadySubscribed, DisputeOpen, PaymentRefused (the card said no), Unavailable (Stripe can't be reached; call again)."""
    with database.transaction() as session:
        reader, setup_id = _begin(session, office, email, external_id, agreed, plan_id, at)
    card = _save(gateway, reader, setup_id, method_ref)
    with database.transaction() as session:
        hold(session)
        setup = session.get_one(CardSetup, setup_id)
        subscription = setups.complete(session, office, setup, card, at, by=by)
        session.add(setup)
        if subscription is not None:
            return begun(session, by_id(session, reader.id), subscription)
        refusal = setup.refusal
    raise next((why for why in (AlreadySubscribed, DisputeOpen) if why.code == refusal), TrialUsed)


def _begin(
    session: Session,
    office: Office,
    email: str,
    external_id: str | None,
    agreed: Agreed,
    plan_id: str,
    at: datetime,
) -> tuple[Reader, str]:
    reader, _ = register(session, email, at=at, external_id=external_id)
    refuse_second(session, reader.id)
    refuse_while_open(session, reader.id)
    if not may_try(session, office.tokens, email=reader.email, reader_id=reader.id):
        raise TrialUsed
    today = office.today(at)
    plan, price = on_sale(session, today, plan_id)
    first_charge_on = trial.first_charge_on(today, plan.trial_days)
    money = Money(price.amount, price.currency)
    month = on_sale(session, today, plan.then_plan_id)[1] if plan.then_plan_id else None
    then = Money(month.amount, month.currency) if month else None
    consent = consents.record(
        session,
        email=reader.email,
        reader_id=reader.id,
        kind="trial",
        text_version=agreed.text_version,
        words=consents.for_trial(money, plan.trial_days, first_charge_on, then).words,
        price=money,
        first_charge_on=first_charge_on,
        at=agreed.accepted_at,
        ip=agreed.ip,
        device=agreed.device,
    )
    setup = setups.begin(
        session,
        purpose=SetupPurpose.TRIAL,
        email=reader.email,
        price=price,
        browser_hash="",
        consent_id=consent.id,
        reader_id=reader.id,
        at=at,
    )
    return reader, setup.id


def _save(gateway: Gateway, reader: Reader, setup_id: str, method_ref: str) -> SavedCard:
    customer = gateway.create_customer(reader_id=reader.id, email=reader.email, key=f"customer-{setup_id}")
    if isinstance(customer, Unknown):
        raise Unavailable
    saved = gateway.save_card(customer_ref=customer, method_ref=method_ref, key=f"save-card-{setup_id}")
    match saved:
        case Declined(evidence, _, message):
            raise PaymentRefused(message, decline_code=evidence.decline_code or evidence.code)
        case Unknown() | CustomerGone():
            raise Unavailable
        case SavedCard():
            return saved
