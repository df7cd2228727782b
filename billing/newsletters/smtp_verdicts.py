"""The meaning of the relay's answers for a recipient and for the whole issue (S3, S5, S6)."""

from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from billing.mail.bounces import BounceKind, kind_in, status_in
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
    """The mail itself is refused by policy, so sending more would do harm."""
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
            # Not STOP: it may be the policy of this recipient's provider alone.
            return SmtpVerdict.REFUSED if kind_in(reply) is BounceKind.POLICY else SmtpVerdict.BOUNCED
        case RelayRefused(step=step, reply=reply):
            is_policy = bool(step) and (status_in(reply) or "").startswith("5.7.")
            return SmtpVerdict.STOP if is_policy else SmtpVerdict.REFUSED
        case _:
            return SmtpVerdict.UNKNOWN


@dataclass
class CircuitBreaker:
    """Sees the answers of all connections. Opens when the issue or the relay is the problem, not the recipients.

    `excused`: the deliveries whose refusals opened it. They count against no recipient."""

    opened_by: str | None = None
    stalled: str | None = None
    excused: set[int] = field(default_factory=set)
    _refused: list[int] = field(default_factory=list)
    _bounced: list[int] = field(default_factory=list)
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
        verdict = verdict_on(outcome)
        answer = f"{getattr(outcome, 'code', '')} {getattr(outcome, 'reply', '')}"
        with self._lock:
            self._answered |= verdict is not SmtpVerdict.STALLED
            match verdict:
                case SmtpVerdict.TAKEN:
                    self._refused, self._bounced, self._stalls = [], [], 0
                case SmtpVerdict.STOP:
                    self._open(f"The relay refuses it: {answer}", [*self._refused, number])
                case SmtpVerdict.REFUSED:
                    self._refused.append(number)
                    if (count := len(self._refused)) >= REFUSALS_IN_A_ROW:
                        self._open(f"The relay refused {count} in a row: {answer}", self._refused)
                case SmtpVerdict.BOUNCED:
                    self._bounced.append(number)
                    if (count := len(self._bounced)) >= BOUNCES_IN_A_ROW:
                        reason = f"The relay knows none of {count} recipients in a row: {answer}"
                        self._open(reason, self._bounced)
                case SmtpVerdict.STALLED:
                    self._stalls += 1
                    self._last_stall = answer.strip()
                    if self._stalls >= STALLS_IN_A_ROW:
                        self.stalled = self._last_stall
        return verdict

    def finish_batch(self) -> None:
        """End the batch. A relay that gave no answer at all counts as away, however small the batch."""
        if self._stalls and not self._answered:
            self.stalled = self._last_stall

    def _open(self, reason: str, numbers: list[int]) -> None:
        self.opened_by = self.opened_by or reason[:300]
        self.excused.update(numbers)
