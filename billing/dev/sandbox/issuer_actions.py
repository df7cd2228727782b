"""Acts of banks, of Stripe, and of the merchant's staff in Stripe's dashboard, on demand.

They dispute, decide and warn; settle refunds; make, list and return payouts; debit and correct the balance; remove a card, delete a
customer, restrict charges, and take permissions from restricted keys."""

from collections.abc import Callable
from typing import Any

from billing.dev.sandbox import (
    balance,
    customers,
    disputes,
    methods,
    payouts,
    permissions,
    refunds,
    restrictions,
    settlement,
    warnings,
)
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

Details = dict[str, Any]


def _dispute(world: SandboxWorld, details: Details) -> Row:
    """`charge`; optional: `reason`, `amount` in cents of the charge's currency, `inquiry`, `settled` (the dispute is in the account's
    currency)."""
    charge = world.find("charge", str(details.get("charge")))
    return disputes.begin(
        world,
        charge,
        reason=str(details.get("reason", "fraudulent")),
        amount=details.get("amount"),
        inquiry=bool(details.get("inquiry", False)),
        settled=bool(details.get("settled", False)),
    )


def _decide_dispute(won: bool) -> Callable[[SandboxWorld, Details], Row]:
    return lambda world, details: disputes.decide(
        world, world.find("dispute", str(details.get("dispute"))), won=won
    )


def _warn(world: SandboxWorld, details: Details) -> Row:
    return warnings.warn(world, world.find("charge", str(details.get("charge"))))


def _settle_refund(succeeds: bool) -> Callable[[SandboxWorld, Details], None]:
    return lambda world, details: refunds.decide(
        world, world.find("refund", str(details.get("refund"))), succeeds=succeeds
    )


def _refunds(world: SandboxWorld, details: Details) -> None:
    """Set the behaviour of all refunds: `as`, or null."""
    behaviour = details.get("as") or None
    if behaviour is not None and behaviour not in refunds.BEHAVIOURS:
        raise ValueError(f"as must be {', '.join(refunds.BEHAVIOURS)} or null")
    refunds.behave(world, behaviour)


def _fail_payout(world: SandboxWorld, details: Details) -> Row:
    return payouts.fail(world, world.find("payout", str(details.get("payout"))))


def _payouts(world: SandboxWorld, details: Details) -> None:
    """Set the behaviour of payouts: `schedule` and `listing`."""
    schedule, listing = str(details.get("schedule", "automatic")), str(details.get("listing", "completed"))
    if schedule not in payouts.SCHEDULES or listing not in payouts.LISTINGS:
        raise ValueError("schedule must be automatic or manual, and listing completed or in_progress")
    payouts.behave(world, schedule, listing)


def _list_payout(world: SandboxWorld, details: Details) -> Row:
    return payouts.list_now(world, world.find("payout", str(details.get("payout"))))


def _pay_out(world: SandboxWorld, details: Details) -> Row:
    """A manual payout: `method` is standard or instant, the latter optionally with a separate fee (`fee_apart`). `amount` is in cents of
    `currency`; the defaults are the whole balance and the settlement currency."""
    amount = details.get("amount")
    method, currency = str(details.get("method", "standard")), str(details.get("currency", ""))
    cents, separate_fee = int(amount) if amount else None, bool(details.get("fee_apart"))
    return payouts.by_hand(world, method, currency, cents, fee_apart=separate_fee)


def _debit(world: SandboxWorld, _details: Details) -> Row:
    return payouts.debit(world)


def _settle_in(world: SandboxWorld, details: Details) -> None:
    """Set the settlement `currency`, and its `rate` for one unit of the charged currency."""
    currency, rate = str(details.get("currency", "zar")).lower(), float(details.get("rate", 1))
    if not (len(currency) == 3 and currency.isalpha() and rate > 0):
        raise ValueError("currency must be three letters, and rate a number above 0")
    settlement.settle_in(world, currency, rate)


def _correct(world: SandboxWorld, details: Details) -> Row:
    """`amount` in cents; negative to debit."""
    amount = details.get("amount")
    if not isinstance(amount, int) or amount == 0:
        raise ValueError("amount must be cents other than 0")
    return balance.of_nothing(world, amount, str(details.get("description", "A correction")))


def _remove_card(world: SandboxWorld, details: Details) -> Row:
    method = world.find("payment_method", str(details.get("payment_method")))
    if method["customer"] is None:
        raise ValueError("the card is saved for nobody")
    return methods.detach_from(world, method)


def _delete_customer(world: SandboxWorld, details: Details) -> Row:
    return customers.remove(world, world.find("customer", str(details.get("customer"))))


def _restrict(world: SandboxWorld, details: Details) -> None:
    """Refuse charges with one `payment_method`, or all, at most `times` times; `off` ends that."""
    method = details.get("payment_method")
    if method is not None:
        world.find("payment_method", str(method))
    times = details.get("times")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ValueError("times must be a whole number from 1")
    restrictions.set_to(world, None if details.get("off") else str(method or restrictions.ALL), times)


def _restrict_key(world: SandboxWorld, details: Details) -> None:
    """Take permissions from restricted keys: `lacking` lists their names."""
    permissions.take(world, [str(name) for name in details.get("lacking", [])])


DO: dict[str, Callable[[SandboxWorld, Details], Row | None]] = {
    "dispute": _dispute,
    "win": _decide_dispute(True),
    "lose": _decide_dispute(False),
    "warn": _warn,
    "refund_succeeds": _settle_refund(True),
    "refund_fails": _settle_refund(False),
    "refunds": _refunds,
    "payouts": _payouts,
    "pay_out": _pay_out,
    "payout_listed": _list_payout,
    "payout_fails": _fail_payout,
    "debit": _debit,
    "settle_in": _settle_in,
    "correct": _correct,
    "remove_card": _remove_card,
    "delete_customer": _delete_customer,
    "restrict": _restrict,
    "restrict_key": _restrict_key,
}


def do(world: SandboxWorld, details: Details) -> Row | None:
    """Perform the act named by `details["do"]`; raises StripeError or ValueError."""
    act = DO.get(str(details.get("do")))
    if act is None:
        raise ValueError(f"do must be one of {', '.join(DO)}")
    return act(world, details)
