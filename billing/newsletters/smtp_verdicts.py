"""What an answer of the relay means: for the recipient, for the issue, for both or neither (S3, S5, S6)."""

from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from billing.mail.bounces import BounceKind, kind_of, status_in
from billing.mail.smtp import Accepted, Deferred, Outcome, Refused

REFUSALS_IN_A_ROW = 5
BOUNCES_IN_A_ROW = 20
STALLS_IN_A_ROW = 3


class Meaning(StrEnum):
    """In words that stand on the progress page and in tests."""

    TAKEN = "taken"
    LATER = "later"
    """The relay wants this one later."""
    STALLED = "stalled"
    """The relay can't be talked to at all: says nothing about the recipient."""
    BOUNCED = "bounced"
    """The relay doesn't know the recipient."""
    REFUSED = "refused"
    """Refused for a reason that isn't the recipient's."""
    STOP = "stop"
    """A refusal by policy of the mail itself: more of the same would only harm."""
    UNKNOWN = "unknown"
    """Nobody knows whether it was taken."""


def meaning(outcome: Outcome) -> Meaning:
    """What one answer means by itself."""
    match outcome:
        case Accepted():
            return Meaning.TAKEN
        case Deferred(step=""):
            return Meaning.STALLED
        case Deferred():
            return Meaning.LATER
        case Refused(step="rcpt", reply=reply):
            policy = kind_of(status_in(reply) or "5.0.0") is BounceKind.POLICY
            return Meaning.REFUSED if policy else Meaning.BOUNCED
        case Refused(step="mail" | "data" | "dot", reply=reply) if (status_in(reply) or "").startswith(
            "5.7."
        ):
            return Meaning.STOP
        case Refused():
            return Meaning.REFUSED
        case _:
            return Meaning.UNKNOWN


@dataclass
class Circuit:
    """Sees the answers of all connections, and opens when they speak against the issue or the relay, not the recipients.

    What opened it is not held against the recipients: `pardoned` names their deliveries."""

    open_because: str | None = None
    stalled: str | None = None
    pardoned: set[int] = field(default_factory=set)
    _streak: list[int] = field(default_factory=list)
    _bounces: list[int] = field(default_factory=list)
    _stalls: int = 0
    _last_stall: str = ""
    _answered: bool = False
    _lock: Lock = field(default_factory=Lock)

    @property
    def closed(self) -> bool:
        """Whether sending may go on."""
        return self.open_because is None and self.stalled is None

    def hears(self, number: int, outcome: Outcome) -> Meaning:
        """Take note of an answer, from whichever thread."""
        found = meaning(outcome)
        words = getattr(outcome, "reply", "")
        code = getattr(outcome, "code", "")
        with self._lock:
            self._answered |= found is not Meaning.STALLED
            if found is Meaning.TAKEN:
                self._streak, self._bounces, self._stalls = [], [], 0
            elif found is Meaning.STOP:
                self._opens(f"The relay refuses it: {code} {words}", [*self._streak, number])
            elif found is Meaning.REFUSED:
                self._streak.append(number)
                if len(self._streak) >= REFUSALS_IN_A_ROW:
                    self._opens(
                        f"The relay refused {len(self._streak)} in a row: {code} {words}", self._streak
                    )
            elif found is Meaning.BOUNCED:
                self._bounces.append(number)
                if len(self._bounces) >= BOUNCES_IN_A_ROW:
                    self._opens(
                        f"The relay knows none of {len(self._bounces)} recipients in a row: {code} {words}",
                        self._bounces,
                    )
            elif found is Meaning.STALLED:
                self._stalls += 1
                self._last_stall = f"{code} {words}".strip()
                if self._stalls >= STALLS_IN_A_ROW:
                    self.stalled = self._last_stall
        return found

    def ends(self) -> None:
        """The batch is over. A relay that answered nobody is away, however few it was asked for."""
        if self._stalls and not self._answered:
            self.stalled = self._last_stall

    def _opens(self, why: str, numbers: list[int]) -> None:
        self.open_because = self.open_because or why[:300]
        self.pardoned.update(numbers)
