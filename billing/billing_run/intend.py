"""From what is to be charged to the intent: the invoice, the attempt, the subscription marked. Any number at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from billing.billing_run.handle_decline import card_limit_reached
from billing.billing_run.skip_reason import Skip
from billing.changes.outcome import ActionOutcome
from billing.payments.attempt_history import card_usage
from billing.payments.intend_charge import Intent, intend_charges
from billing.payments.invoices import Drawn, Wanted, draw_up, drawn
from billing.payments.models import Invoice
from billing.platform.context import TransactionContext
from billing.rules import dunning
from billing.rules.periods import Period
from billing.subscriptions.change import look_again, mark_all
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription

CARD_ANSWERS = timedelta(minutes=1)
"""How long a charge waits for what else its card is being asked."""


@dataclass(frozen=True, slots=True)
class ToCharge:
    """What a locked subscription's card is to be charged for: a period, invoiced first, or an invoice that is open."""

    subscription: Subscription
    owed: Period | Invoice
    by_reader: bool = False


def intend(ctx: TransactionContext, charges: Sequence[ToCharge]) -> list[ActionOutcome | Skip]:
    """Write the intents down; for each, DUE, or why it was skipped. A card that has refused as often as it may in 30 days isn't asked for
    another period (RET-6): the reader is. Where it might still refuse as often, because some attempts are unanswered, the
    charge waits for their answers. A retry with a card that this batch asks already stays due, and is decided after that."""
    if not charges:
        return []
    invoices = _invoices(ctx, charges)
    cards = card_usage(ctx, [_card(one) for one in charges])
    outcomes: list[ActionOutcome | Skip] = []
    intents = []
    counted = {card.fingerprint: card.counted for card in cards.values()}
    asked: set[str] = set()  # two subscriptions of a batch may be charged to one card
    for one, owed in zip(charges, invoices, strict=True):
        card, fingerprint = cards[_card(one)], cards[_card(one)].fingerprint
        full = isinstance(one.owed, Period) and counted[fingerprint] >= dunning.MAX_CARD_ATTEMPTS
        if full and card.refused >= dunning.MAX_CARD_ATTEMPTS:
            invoice = ctx.session.get_one(Invoice, owed.id)
            outcomes.append(card_limit_reached(ctx, one.subscription, invoice))
        elif full:
            look_again(one.subscription, ctx.at + CARD_ANSWERS)
            ctx.session.add(one.subscription)
            outcomes.append(Skip.CARD_IN_HAND)
        elif isinstance(one.owed, Invoice) and fingerprint in asked:
            outcomes.append(Skip.CARD_IN_HAND)
        else:
            counted[fingerprint] += 1
            asked.add(fingerprint)
            intents.append(Intent(one.subscription, owed, by_reader=one.by_reader))
            outcomes.append(ActionOutcome.DUE)
    intend_charges(ctx, intents)
    mark_all(ctx, [one.subscription for one in intents], charging_since=ctx.at)
    return outcomes


def _card(one: ToCharge) -> str:
    return str(one.subscription.payment_method_id)


def _invoices(ctx: TransactionContext, charges: Sequence[ToCharge]) -> list[Drawn]:
    wanted = [
        Wanted(one.subscription, *terms_of(ctx.session, one.subscription), one.owed)
        for one in charges
        if isinstance(one.owed, Period)
    ]
    made = iter(draw_up(ctx, wanted, today=ctx.today))
    return [drawn(one.owed) if isinstance(one.owed, Invoice) else next(made) for one in charges]
