"""A dispute in the ledger. What the bank has taken stands in `disputes` until it is decided."""

from datetime import datetime

from sqlmodel import Session

from billing.office import Office
from billing.payments import ledger
from billing.payments.dispute_models import Dispute, DisputeState
from billing.payments.ledger_models import Account


def book(session: Session, office: Office, dispute: Dispute, at: datetime) -> None:
    """Post what has happened so far; an inquiry moves no money. Safe to repeat.

    A lost one stays a cost in full: VAT comes back only with a credit note (VAT-10), and who lost to a bank has given none."""
    if dispute.inquiry:
        return
    cents = dispute.amount
    _post(session, office, dispute, "dispute", {Account.DISPUTES: cents, Account.GATEWAY: -cents}, at)
    if dispute.state is DisputeState.WON:
        _post(session, office, dispute, "dispute_won", {Account.GATEWAY: cents, Account.DISPUTES: -cents}, at)
    if dispute.state is DisputeState.LOST:
        _post(
            session, office, dispute, "dispute_lost", {Account.REFUNDS: cents, Account.DISPUTES: -cents}, at
        )


def _post(
    session: Session, office: Office, dispute: Dispute, kind: str, lines: dict[Account, int], at: datetime
) -> None:
    ledger.post(session, kind=kind, source_id=dispute.id, at=at, on=office.today(at), lines=lines)
