"""A refund waits for our balance, or for an answer."""

from datetime import datetime, timedelta

from billing.acquirer.answers import Unknown
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.refunds import shortage
from billing.rules.backoff import again_at

A_DAY = timedelta(days=1)
"""How often a pending refund is looked up, since the webhook that ends it may be lost. How often a refund for which our balance
was too low is tried."""


def for_balance(ctx: TransactionContext, refund: Refund, reason: str) -> None:
    """The refund isn't given up: tomorrow our balance may be enough."""
    since = refund.awaiting_balance_since or ctx.at
    refund.failure, refund.awaiting_balance_since, refund.next_poll_at = reason, since, ctx.at + A_DAY
    shortage.open_case_about(ctx, refund.id, refund.amount, since=since, reason=reason)


def take_another_key(refund: Refund) -> None:
    """The acquirer repeats a refusal under its key, so the next request needs another. That one stays until it is answered."""
    refund.poll_count += 1
    refund.idempotency_key = f"refund-{refund.id}-{refund.poll_count}"
    refund.keyed_at, refund.key_unusable = refund.next_poll_at, False


def for_answer(refund: Refund, doubt: Unknown, at: datetime) -> None:
    """Look it up later, and keep what the doubt says about its key and its absence."""
    refund.poll_count += 1
    refund.failure = doubt.reason
    refund.key_unusable = refund.key_unusable or doubt.key_unusable
    refund.unlisted_since = doubt.unlisted_since
    earliest = at if doubt.unlisted_since else again_at(refund.poll_count, at)
    refund.next_poll_at = earliest + (doubt.wait or timedelta())
