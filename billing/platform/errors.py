"""Refusals: the docstring of each is its message, and its family decides the HTTP status."""

from collections.abc import Callable
from typing import ClassVar, ParamSpec

from emails.languages import Text

P = ParamSpec("P")


class Refusal(Exception):
    """We can't do that."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = ""
    """Heading of its page, where the family's doesn't fit."""
    retry_after: ClassVar[int | None] = None
    """Seconds after which a retry may succeed, where that is known."""

    def __init__(self, detail: str | None = None, **facts: object) -> None:
        words = detail or " ".join((self.__doc__ or "").split())
        self.detail = words if isinstance(words, Text) else Text(words)
        """A sentence that pages translate, if it is one of the code's messages."""
        self.facts = facts
        super().__init__(self.detail)


def allows(check: Callable[P, object], *given: P.args, **named: P.kwargs) -> bool:
    """Whether a check that raises a Refusal raises none now: whether a page offers what it checks."""
    try:
        check(*given, **named)
    except Refusal:
        return False
    return True


class Malformed(Refusal):
    """The request can't be read."""

    status = 400
    code = "malformed"


class Unauthenticated(Refusal):
    """Say who you are: send a valid API key as `Authorization: Bearer …`."""

    status = 401
    code = "unauthenticated"


class PaymentRefused(Refusal):
    """The card was declined."""

    status = 402
    code = "card_declined"


class Forbidden(Refusal):
    """You may not do that."""

    status = 403
    code = "forbidden"


class NotFound(Refusal):
    """There is nothing here by that name."""

    status = 404
    code = "not_found"


class Conflict(Refusal):
    """That clashes with what is already so."""

    status = 409
    code = "conflict"


class Invalid(Refusal):
    """Something in the request isn't valid."""

    status = 422
    code = "invalid"


class TooMany(Refusal):
    """Too many tries. Wait a few minutes and try again."""

    status = 429
    code = "too_many"
    retry_after = 660


class Unavailable(Refusal):
    """The card company can't be reached right now. Nothing was charged; please try again in a minute."""

    status = 503
    code = "unavailable"
    retry_after = 60


class RefusesToStart(Exception):
    """A setting is unsafe or missing; the message says which and what to do."""
