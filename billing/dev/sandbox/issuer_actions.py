"""What banks, Stripe and the merchant's staff in Stripe's dashboard do of their own, on demand: dispute, decide, warn, settle
refunds, pay out and debit by hand, return payouts, correct the balance; remove a card, delete a customer, make no charges."""

from collections.abc import Callable
from typing import Any

from billing.dev.sandbox import (
    balance,
    customers,
    disputes,
    methods,
    payouts,
    refunds,
    restrictions,
    settlement,
    warnings,
)
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

Asked = dict[str, Any]


def _dispute(world: SandboxWorld, asked: Asked) -> Row:
    """`charge`; and `reason`, `amount` in cents of the charge's currency, `inquiry`, `settled` (the dispute is in the account's
    currency), where they matter."""
    charge = world.find("charge", str(asked.get("charge")))
    return disputes.begin(
        world,
        charge,
        reason=str(asked.get("reason", "fraudulent")),
        amount=asked.get("amount"),
        inquiry=bool(asked.get("inquiry", False)),
        settled=bool(asked.get("settled", False)),
    )


def _decide_dispute(won: bool) -> Callable[[SandboxWorld, Asked], Row]:
    return lambda world, asked: disputes.decide(
        world, world.find("dispute", str(asked.get("dispute"))), won=won
    )


def _warn(world: SandboxWorld, asked: Asked) -> Row:
    return warnings.warn(world, world.find("charge", str(asked.get("charge"))))


def _settle_refund(succeeds: bool) -> Callable[[SandboxWorld, Asked], None]:
    return lambda world, asked: refunds.decide(
        world, world.find("refund", str(asked.get("refund"))), succeeds=succeeds
    )


def _refunds(world: SandboxWorld, asked: Asked) -> None:
    """How all refunds behave from now on: `as`, or null."""
    how = asked.get("as") or None
    if how is not None and how not in refunds.BEHAVIOURS:
        raise ValueError(f"as must be {', '.join(refunds.BEHAVIOURS)} or null")
    refunds.behave(world, how)


def _fail_payout(world: SandboxWorld, asked: Asked) -> Row:
    return payouts.fail(world, world.find("payout", str(asked.get("payout"))))


def _payouts(world: SandboxWorld, asked: Asked) -> None:
    """How payouts behave from now on: `schedule` and `listing`."""
    schedule, listing = str(asked.get("schedule", "automatic")), str(asked.get("listing", "completed"))
    if schedule not in payouts.SCHEDULES or listing not in payouts.LISTINGS:
        raise ValueError("schedule must be automatic or manual, and listing completed or in_progress")
    payouts.behave(world, schedule, listing)


def _list_payout(world: SandboxWorld, asked: Asked) -> Row:
    return payouts.list_now(world, world.find("payout", str(asked.get("payout"))))


def _pay_out(world: SandboxWorld, asked: Asked) -> Row:
    """By hand: `method` is standard or instant, the latter with its `fee_apart` or not; `amount` in cents of `currency`, or all that can be paid out so; without a
    currency, of the one that the account settles in."""
    amount = asked.get("amount")
    method, currency = str(asked.get("method", "standard")), str(asked.get("currency", ""))
    cents, apart = int(amount) if amount else None, bool(asked.get("fee_apart"))
    return payouts.by_hand(world, method, currency, cents, fee_apart=apart)


def _debit(world: SandboxWorld, _asked: Asked) -> Row:
    return payouts.debit(world)


def _settle_in(world: SandboxWorld, asked: Asked) -> None:
    """`currency` in which the account settles from now on, and `rate` of it for one unit of what is charged."""
    currency, rate = str(asked.get("currency", "zar")).lower(), float(asked.get("rate", 1))
    if not (len(currency) == 3 and currency.isalpha() and rate > 0):
        raise ValueError("currency must be three letters, and rate a number above 0")
    settlement.settle_in(world, currency, rate)


def _correct(world: SandboxWorld, asked: Asked) -> Row:
    """`amount` in cents, below zero to take."""
    amount = asked.get("amount")
    if not isinstance(amount, int) or amount == 0:
        raise ValueError("amount must be cents other than 0")
    return balance.of_nothing(world, amount, str(asked.get("description", "A correction")))


def _remove_card(world: SandboxWorld, asked: Asked) -> Row:
    method = world.find("payment_method", str(asked.get("payment_method")))
    if method["customer"] is None:
        raise ValueError("the card is saved for nobody")
    return methods.detach_from(world, method)


def _delete_customer(world: SandboxWorld, asked: Asked) -> Row:
    return customers.remove(world, world.find("customer", str(asked.get("customer"))))


def _restrict(world: SandboxWorld, asked: Asked) -> None:
    """No charge is made from now on, or so many `times`: of one `payment_method`, or at all; with `off` they are made again."""
    method = asked.get("payment_method")
    if method is not None:
        world.find("payment_method", str(method))
    times = asked.get("times")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ValueError("times must be a whole number from 1")
    restrictions.set_to(world, None if asked.get("off") else str(method or restrictions.ALL), times)


DO: dict[str, Callable[[SandboxWorld, Asked], Row | None]] = {
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
}


def do(world: SandboxWorld, asked: Asked) -> Row | None:
    """Do what `asked["do"]` names; raises Refusal or ValueError with what is wrong."""
    act = DO.get(str(asked.get("do")))
    if act is None:
        raise ValueError(f"do must be one of {', '.join(DO)}")
    return act(world, asked)
