"""Write the intents of charges: the invoice, the attempt, the subscription marked. Any number at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from billing.billing_run.handle_decline import card_limit_reached
from billing.billing_run.skip_reason import Skip
from billing.changes.outcome import ActionOutcome
from billing.payments.attempt_history import card_usage
from billing.payments.intend_charge import Intent, intend_charges
from billing.payments.invoices import DrawnInvoice, InvoiceRequest, draw_up, drawn
from billing.payments.models import Invoice
from billing.platform.context import TransactionContext
from billing.rules import dunning
from billing.rules.periods import Period
from billing.subscriptions.change import mark_all, postpone_action
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription

CARD_ANSWERS = timedelta(minutes=1)
"""How long a charge waits for the answers to other charges of its card."""


@dataclass(frozen=True, slots=True)
class ToCharge:
    """What the card of a locked subscription is charged for: a period, which is invoiced first, or an open invoice."""

    subscription: Subscription
    owed: Period | Invoice
    by_reader: bool = False


def intend(ctx: TransactionContext, charges: Sequence[ToCharge]) -> list[ActionOutcome | Skip]:
    """Write the intents; DUE for each, or why it was skipped. Where a card had all its declines of 30 days, the reader is asked
    instead of the card (RET-6). Where unanswered attempts could still use them up, the charge waits for their answers. A
    retry with a card that this batch charges already stays due, and is decided afterwards."""
    if not charges:
        return []
    invoices = _invoices(ctx, charges)
    method_ids = [str(due.subscription.payment_method_id) for due in charges]
    cards = card_usage(ctx, method_ids)
    outcomes: list[ActionOutcome | Skip] = []
    intents = []
    counted = {card.fingerprint: card.counted for card in cards.values()}
    charged: set[str] = set()  # two subscriptions of a batch may share a card
    for due, invoice, method_id in zip(charges, invoices, method_ids, strict=True):
        card = cards[method_id]
        full = isinstance(due.owed, Period) and counted[card.fingerprint] >= dunning.MAX_CARD_ATTEMPTS
        if full and card.refused >= dunning.MAX_CARD_ATTEMPTS:
            row = ctx.session.get_one(Invoice, invoice.id)
            outcomes.append(card_limit_reached(ctx, due.subscription, row))
        elif full:
            postpone_action(due.subscription, ctx.at + CARD_ANSWERS)
            outcomes.append(Skip.CARD_IN_HAND)
        elif isinstance(due.owed, Invoice) and card.fingerprint in charged:
            outcomes.append(Skip.CARD_IN_HAND)
        else:
            counted[card.fingerprint] += 1
            charged.add(card.fingerprint)
            intents.append(Intent(due.subscription, invoice, by_reader=due.by_reader))
            outcomes.append(ActionOutcome.DUE)
    intend_charges(ctx, intents)
    mark_all(ctx, [intent.subscription for intent in intents], charging_since=ctx.at)
    return outcomes


def _invoices(ctx: TransactionContext, charges: Sequence[ToCharge]) -> list[DrawnInvoice]:
    periods = [
        InvoiceRequest(due.subscription, *terms_of(ctx.session, due.subscription), due.owed)
        for due in charges
        if isinstance(due.owed, Period)
    ]
    made = iter(draw_up(ctx, periods, today=ctx.today))
    return [drawn(due.owed) if isinstance(due.owed, Invoice) else next(made) for due in charges]
