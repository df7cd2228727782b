"""Take a sale back for a reader about whose withdrawal staff decide."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from billing.office import Office
from billing.payments import numbers
from billing.renewals import withdraw
from billing.renewals.withdraw import Earlier, Withdrawal
from billing.staff import requests
from billing.staff.acts.shape import Desk, Preview, day, moment, rand
from billing.staff.audit import Actor
from billing.staff.models import RequestKind
from billing.staff.roles import May
from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.find import latest_of
from billing.subscriptions.models import Subscription


def is_offered(
    session: Session, office: Office, reader_id: str, subscription: Subscription | None, at: datetime
) -> bool:
    """Whether the sale can be taken back: now, or as of the moment the reader asked."""
    return withdraw.offered(session, office, subscription, _asked_at(session, reader_id, at)) is not None


def _asked_at(session: Session, reader_id: str, at: datetime) -> datetime:
    request = requests.first_of(session, reader_id, RequestKind.WITHDRAW)
    return request.received_at if request else at


@dataclass(frozen=True)
class Withdraw:
    """As of the moment the reader asked, by an open request to withdraw; else now."""

    reader_id: str
    what = May.REFUND

    def preview(self, desk: Desk, /) -> Preview:
        """What goes back, and what the reader withdrew from before. Raises CoolingOffOver, UnknownSubscription."""
        subscription = self._subscription(desk)
        asked_at = _asked_at(desk.session, self.reader_id, desk.at)
        found = withdraw.offered(desk.session, desk.office, subscription, asked_at)
        if found is None:
            raise withdraw.CoolingOffOver
        words = [
            f"It counts from {moment(desk.office, asked_at)}.",
            *(_before(self.reader_id, one) for one in found.earlier),
            *_goes_back(desk, found),
            "Reading ends now, and nothing more is charged. A mail says so.",
        ]
        return Preview(tuple(words), f"Withdraw and give back {rand(found.cents)}", cents=found.cents)

    def do(self, desk: Desk, actor: Actor, why: str, /) -> str | None:
        """Take it back; the reader's open requests to withdraw are answered by it."""
        subscription = self._subscription(desk)
        withdraw.withdraw(
            desk.session,
            desk.office,
            subscription.id,
            asked_at=_asked_at(desk.session, self.reader_id, desk.at),
            at=desk.at,
            by=actor.by,
            why=why,
            decided=True,
        )
        requests.close_to_withdraw(desk.session, desk.office, self.reader_id, by=actor.by, at=desk.at)
        return subscription.id

    def _subscription(self, desk: Desk) -> Subscription:
        found = latest_of(desk.session, self.reader_id)
        if found is None:
            raise UnknownSubscription("This reader has never had a subscription.")
        return found


def _before(reader_id: str, one: Earlier) -> str:
    whose = "The reader" if one.reader_id == reader_id else "Another reader with the same card"
    return f"{whose} withdrew on {day(one.on)} already, and {rand(one.cents)} went back."


def _goes_back(desk: Desk, found: Withdrawal) -> list[str]:
    return [
        f"{rand(one.cents)} goes back, charged on {day(desk.office.today(one.payment.paid_at))}"
        f" ({numbers.invoice_number(one.invoice.number or 0)}). A credit note follows by mail."
        for one in (found.first, *found.later)
    ]
