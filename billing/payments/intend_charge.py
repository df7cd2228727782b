"""The first step of a charge: write down the attempt, under a name that follows from what is claimed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from billing.payments.invoices import DrawnInvoice
from billing.payments.models import Attempt, AttemptState, PaymentMethod
from billing.platform import bulk, ids
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.platform.site import Site
from billing.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class Intent:
    """A charge to come for an invoice of a locked subscription. `hosted`: its reader pays on a page, which ends at `until`."""

    subscription: Subscription
    invoice: DrawnInvoice
    by_reader: bool = False
    hosted: bool = False
    until: datetime | None = None


def intend_charges(ctx: TransactionContext, intents: Sequence[Intent]) -> list[str]:
    """Write down the attempts; their ids. Commit, then `charge.send_or_look_up`."""
    ordinals = _next_ordinals(ctx.session, [intent.invoice.id for intent in intents])
    cards = bulk.one_of(PaymentMethod.id, [str(intent.subscription.payment_method_id) for intent in intents])
    acquirers = dict(ctx.session.exec(select(PaymentMethod.id, PaymentMethod.acquirer).where(cards)).all())
    rows: list[dict[str, Any]] = [
        {
            **attempt_names(
                ctx.site, intent.subscription.id, intent.invoice.period_number, ordinals[intent.invoice.id]
            ),
            "invoice_id": intent.invoice.id,
            "payment_method_id": str(intent.subscription.payment_method_id),
            "acquirer": acquirers[str(intent.subscription.payment_method_id)],
            "amount": intent.invoice.gross,
            "state": AttemptState.OPEN,
            "intended_at": ctx.at,
            "next_poll_at": intent.until or ctx.at,
            "poll_count": 0,
            "by_reader": intent.by_reader or intent.hosted,
            "hosted": intent.hosted,
        }
        for intent in intents
    ]
    bulk.insert(ctx.session, Attempt, rows)
    for row in rows:
        log_event(
            ctx.session, "charge intended", attempt=row["id"], invoice=row["invoice_id"], cents=row["amount"]
        )
    return [row["id"] for row in rows]


def attempt_names(site: Site, subscription_id: str, period_number: int, ordinal: int) -> dict[str, Any]:
    """The columns that name an attempt. Nothing in them is random: a database that was restored from a backup makes the same
    claim under the same key, and the acquirer answers it as before (STR-5)."""
    return {
        "id": ids.derived("att", subscription_id, period_number, ordinal),
        "subscription_id": subscription_id,
        "ordinal": ordinal,
        "idempotency_key": f"{site.installation}-{subscription_id}-p{period_number}-r{ordinal}",
    }


def _next_ordinals(session: Session, invoice_ids: Sequence[str]) -> dict[str, int]:
    made = session.exec(
        select(Attempt.invoice_id, func.max(Attempt.ordinal))
        .where(bulk.one_of(Attempt.invoice_id, invoice_ids))
        .group_by(col(Attempt.invoice_id))
    )
    last = dict(made.all())
    return {invoice_id: last.get(invoice_id, 0) + 1 for invoice_id in invoice_ids}
