"""The acquirer's customer for a reader: the one that is known, or another where the acquirer has it no more."""

from collections.abc import Callable
from typing import TypeVar

from billing.acquirer.answers import CustomerGone, Unknown
from billing.acquirer.port import Gateway

Answer = TypeVar("Answer")


def with_customer(
    gateway: Gateway,
    known: str | None,
    *,
    reader_id: str,
    email: str,
    key: str,
    ask: Callable[[str], Answer | CustomerGone | Unknown],
) -> Answer | Unknown:
    """What `ask` brings for a customer: the `known` one, else one made under `key`. No transaction may be open.

    Repeated with the same key it is the same customer, so `ask` may build its own key on it."""
    if known is not None:
        answer = ask(known)
        if not isinstance(answer, CustomerGone):
            return answer
    made = gateway.create_customer(reader_id=reader_id, email=email, key=key)
    if isinstance(made, Unknown):
        return made
    answer = ask(made)
    return (
        Unknown("the customer was made, and isn't known yet") if isinstance(answer, CustomerGone) else answer
    )
