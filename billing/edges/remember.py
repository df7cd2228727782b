"""What Masthead said before, for when it is away: then no payer is locked out. Whoever held a trial or a subscription reads
on, every article; what was open to everybody, or to this reader, stays so until its `until`; everybody else is AWAY.

An hour after it was said nothing of it holds, so nothing holds longer than an hour after a reader token's end."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from .who import AWAY, Answer, Who

HOUR = 3600.0
HOLDERS = frozenset({"trial", "subscription", "grace", "complimentary"})
EVERYBODY = frozenset({"free", "open"})
COUNTED = frozenset({"meter", "gift"})


class Memory:
    """Answers that let somebody in, for `seconds` (an hour at most), `most` of them; any number of threads may ask at once."""

    def __init__(self, seconds: float, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.most, self.monotonic = min(seconds, HOUR), most, monotonic
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Answer]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, article: str, who: Who, answer: Answer) -> None:
        """Remember this answer; a refusal ends what the reader held."""
        if not answer.allowed:
            return self.forget(who)
        span = self.seconds
        if answer.until and answer.reason not in HOLDERS:  # a payer's late charge locks nobody out
            span = min(span, datetime.fromisoformat(answer.until).timestamp() - time.time())
        with self._lock:
            place = _place(article, who, answer.reason)
            self._kept[place] = (self.monotonic() + span, answer)
            self._kept.move_to_end(place)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return None

    def forget(self, who: Who) -> None:
        """What this reader held holds no more."""
        if any(who.name):
            with self._lock:
                self._kept.pop(("", *who.name), None)

    def recall(self, article: str, who: Who) -> Answer:
        """The best that was said to them of this article, or AWAY."""
        for reason in ("free", "subscription", "registered"):
            until, answer = self._kept.get(_place(article, who, reason), (0.0, AWAY))
            named = reason in EVERYBODY or any(who.name)
            if named and self.monotonic() < until and not (who.ahead and answer.reason in COUNTED):
                return answer
        return AWAY


def _place(article: str, who: Who, reason: str) -> tuple[str, ...]:
    if reason in EVERYBODY:
        return (article,)
    return ("" if reason in HOLDERS else article, *who.name)
