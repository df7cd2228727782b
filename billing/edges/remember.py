"""Remembers Masthead's answers for the time when it is away, so that no payer is locked out.

A reader with a trial or a subscription reads on, every article. An article that was open to everybody, or to this reader, stays
open until its `until`. Everybody else is AWAY.

An answer expires after an hour at most, so it ends at most an hour after a reader token's end."""

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
    """Keeps `most` answers that let a visitor in, for `seconds` (an hour at most). Thread-safe."""

    def __init__(self, seconds: float, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.most, self.monotonic = min(seconds, HOUR), most, monotonic
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Answer]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, article: str, who: Who, answer: Answer) -> None:
        """Remember this answer. A refusal ends the reader's earlier ones for a trial or a subscription."""
        if not answer.allowed:
            self.forget(who)
            return
        span = self.seconds
        if answer.until and answer.reason not in HOLDERS:  # a late charge must lock no payer out
            span = min(span, datetime.fromisoformat(answer.until).timestamp() - time.time())
        with self._lock:
            key = _key(article, who, answer.reason)
            self._kept[key] = (self.monotonic() + span, answer)
            self._kept.move_to_end(key)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)

    def forget(self, who: Who) -> None:
        """Forget this reader's trial or subscription."""
        if any(who.name):
            with self._lock:
                self._kept.pop(("", *who.name), None)

    def recall(self, article: str, who: Who) -> Answer:
        """The best remembered answer for this visitor and article, or AWAY."""
        for reason in ("free", "subscription", "registered"):  # one for each form of `_key`
            until, answer = self._kept.get(_key(article, who, reason), (0.0, AWAY))
            is_known = reason in EVERYBODY or any(who.name)
            if is_known and self.monotonic() < until and not (who.ahead and answer.reason in COUNTED):
                return answer
        return AWAY


def _key(article: str, who: Who, reason: str) -> tuple[str, ...]:
    if reason in EVERYBODY:
        return (article,)
    return ("" if reason in HOLDERS else article, *who.name)
