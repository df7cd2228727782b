"""How `billing check` and the web process recognise each other through whatever is between them: both have the secret key."""

from pydantic import BaseModel

from billing.platform.tokens import Tokens

ADDRESS = "/v1/reached"
HEADER = "X-Masthead-Check"
ASKS, ANSWERS = "reach", "reached"
"""Purposes of the secret key."""


class Reached(BaseModel):
    """What the web process saw of the request."""

    caller: str
    """The network address that limits count under."""
    forwarded: list[str]
    """All of X-Forwarded-For."""
    proof: str


def question(tokens: Tokens, nonce: str) -> str:
    """The header's value."""
    return tokens.token(ASKS, nonce)


def nonce_of(tokens: Tokens, value: str) -> str | None:
    """The nonce of a question; None where it isn't one."""
    return tokens.subject_of(ASKS, value)


def proof(tokens: Tokens, nonce: str) -> str:
    """Proves that the answer comes from a process with the same secret key."""
    return tokens.token(ANSWERS, nonce)


def is_proved(tokens: Tokens, nonce: str, answer: Reached) -> bool:
    """Whether it does."""
    return tokens.is_token(ANSWERS, nonce, answer.proof)
