"""A dispute in the ledger. What the bank has taken stands in `disputes` until it is decided."""

from datetime import datetime

from sqlmodel import Session

from billing.acquirer.balance_port import DisputeState
from billing.ledger import post
from billing.ledger.models import Account
from billing.payments import refunds_owed
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment
from billing.platform.site import Office


def book(session: Session, office: Office, dispute: Dispute, at: datetime) -> None:
    """Post what has happened so far; an inquiry moves no money. Safe to repeat.

    A lost one stays a cost in full: VAT comes back only with a credit note (VAT-10), and who lost to a bank has given none; or it pays
    what a refund that bounced had left owing."""
    if dispute.inquiry:
        return
    cents = dispute.amount
    _post(session, office, dispute, "dispute", {Account.DISPUTES: cents, Account.GATEWAY: -cents}, at)
    if dispute.state is DisputeState.WON:
        _post(session, office, dispute, "dispute_won", {Account.GATEWAY: cents, Account.DISPUTES: -cents}, at)
    if dispute.state is DisputeState.LOST:
        debt = _debt_it_pays(session, dispute)
        lost = {Account.REFUNDS: cents - debt, Account.REFUNDS_OWED: debt, Account.DISPUTES: -cents}
        _post(session, office, dispute, "dispute_lost", lost, at)


def _debt_it_pays(session: Session, dispute: Dispute) -> int:
    """Cents that a refund which bounced had left owing, and that the bank has returned instead."""
    payment = session.get_one(Payment, dispute.payment_id)
    return sum(
        row.amount for row in refunds_owed.returned_by_bank(session, payment) if row.bounced_at is not None
    )


def _post(
    session: Session, office: Office, dispute: Dispute, kind: str, lines: dict[Account, int], at: datetime
) -> None:
    post.post(session, kind=kind, source_id=dispute.id, at=at, on=office.today(at), lines=lines)
