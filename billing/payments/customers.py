"""The acquirer's customer for a reader: the known one, or a new one where the acquirer has it no more."""

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
    call: Callable[[str], Answer | CustomerGone | Unknown],
) -> Answer | Unknown:
    """The answer of `call` for the `known` customer, else for one made under `key`. No transaction may be open.

    The same key makes the same customer, so `call` may derive its own key from it."""
    if known is not None:
        answer = call(known)
        if not isinstance(answer, CustomerGone):
            return answer
    made = gateway.create_customer(reader_id=reader_id, email=email, key=key)
    if isinstance(made, Unknown):
        return made
    answer = call(made)
    if isinstance(answer, CustomerGone):
        return Unknown("the customer was made, and isn't known yet")
    return answer
