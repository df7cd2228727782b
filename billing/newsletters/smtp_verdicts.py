"""What the relay's answers mean for a recipient and for the whole issue (S3, S5, S6)."""

from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from billing.mail.bounces import BounceKind, kind_of, status_in
from billing.mail.smtp import Accepted, Deferred, Outcome, RelayRefused

REFUSALS_IN_A_ROW = 5
BOUNCES_IN_A_ROW = 20
STALLS_IN_A_ROW = 3


class SmtpVerdict(StrEnum):
    """The meaning of one answer."""

    TAKEN = "taken"
    LATER = "later"
    """The relay wants this one later."""
    STALLED = "stalled"
    """The relay can't be reached; nothing is known about the recipient."""
    BOUNCED = "bounced"
    """The relay doesn't know the recipient."""
    REFUSED = "refused"
    """Refused for a reason other than the recipient."""
    STOP = "stop"
    """The mail itself is refused by policy: sending more would only do harm."""
    UNKNOWN = "unknown"
    """It may have been accepted or not."""


def verdict_on(outcome: Outcome) -> SmtpVerdict:
    """The verdict on one answer by itself."""
    match outcome:
        case Accepted():
            return SmtpVerdict.TAKEN
        case Deferred(step=""):
            return SmtpVerdict.STALLED
        case Deferred():
            return SmtpVerdict.LATER
        case RelayRefused(step="rcpt", reply=reply):
            policy = kind_of(status_in(reply) or "5.0.0") is BounceKind.POLICY
            return SmtpVerdict.REFUSED if policy else SmtpVerdict.BOUNCED
        case RelayRefused(step="mail" | "data" | "dot", reply=reply) if (status_in(reply) or "").startswith(
            "5.7."
        ):
            return SmtpVerdict.STOP
        case RelayRefused():
            return SmtpVerdict.REFUSED
        case _:
            return SmtpVerdict.UNKNOWN


@dataclass
class CircuitBreaker:
    """Sees the answers of all connections, and opens when they speak against the issue or the relay rather than recipients.

    `excused`: the deliveries whose refusals opened it, and which therefore count against no recipient."""

    opened_by: str | None = None
    stalled: str | None = None
    excused: set[int] = field(default_factory=set)
    _streak: list[int] = field(default_factory=list)
    _bounces: list[int] = field(default_factory=list)
    _stalls: int = 0
    _last_stall: str = ""
    _answered: bool = False
    _lock: Lock = field(default_factory=Lock)

    @property
    def is_closed(self) -> bool:
        """Whether sending may continue."""
        return self.opened_by is None and self.stalled is None

    def record(self, number: int, outcome: Outcome) -> SmtpVerdict:
        """Record an answer. Thread-safe."""
        found = verdict_on(outcome)
        words = getattr(outcome, "reply", "")
        code = getattr(outcome, "code", "")
        with self._lock:
            self._answered |= found is not SmtpVerdict.STALLED
            if found is SmtpVerdict.TAKEN:
                self._streak, self._bounces, self._stalls = [], [], 0
            elif found is SmtpVerdict.STOP:
                self._opens(f"The relay refuses it: {code} {words}", [*self._streak, number])
            elif found is SmtpVerdict.REFUSED:
                self._streak.append(number)
                if len(self._streak) >= REFUSALS_IN_A_ROW:
                    self._opens(
                        f"The relay refused {len(self._streak)} in a row: {code} {words}", self._streak
                    )
            elif found is SmtpVerdict.BOUNCED:
                self._bounces.append(number)
                if len(self._bounces) >= BOUNCES_IN_A_ROW:
                    self._opens(
                        f"The relay knows none of {len(self._bounces)} recipients in a row: {code} {words}",
                        self._bounces,
                    )
            elif found is SmtpVerdict.STALLED:
                self._stalls += 1
                self._last_stall = f"{code} {words}".strip()
                if self._stalls >= STALLS_IN_A_ROW:
                    self.stalled = self._last_stall
        return found

    def finish_batch(self) -> None:
        """End the batch. A relay that gave no answer at all counts as away, however small the batch."""
        if self._stalls and not self._answered:
            self.stalled = self._last_stall

    def _opens(self, reason: str, numbers: list[int]) -> None:
        self.opened_by = self.opened_by or reason[:300]
        self.excused.update(numbers)
