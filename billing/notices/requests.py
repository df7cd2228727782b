"""What readers are told of a request to cancel that came by form with their address, and waits for an answer."""

from datetime import date, datetime

from sqlmodel import Session

from billing.notices.subscription import moment, queue
from billing.platform.site import Office
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge
from emails import CancelRequested, ChargeHeld


def cancel_requested(session: Session, office: Office, subscription: Subscription, at: datetime) -> None:
    """A request came with this address: how to confirm it, and how to keep the subscription. At most one mail a day."""
    charge = next_charge(subscription, office.zone)
    on = charge.on if charge else None
    words = CancelRequested(
        asked_text=moment(office, at),
        amount=terms_on(session, subscription, on)[1].amount,
        charge_on=on.isoformat() if on else None,
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    key = f"cancel-requested:{subscription.id}:{office.today(at).isoformat()}"
    queue(session, subscription, words, key, at)


def charge_held(
    session: Session, office: Office, subscription: Subscription, until: date, at: datetime
) -> None:
    """The charge that was due is put off to the day `until`, because the request hasn't been answered."""
    words = ChargeHeld(
        asked_text=moment(office, subscription.cancel_request_at or at),
        amount=terms_on(session, subscription, until)[1].amount,
        charge_on=until.isoformat(),
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    queue(session, subscription, words, f"charge-held:{subscription.id}:{until.isoformat()}", at)
