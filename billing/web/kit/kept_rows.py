"""Rows that are the same for every reader: what is on offer, the newest articles. A process keeps them until they change.

The triggers that keep the access cache true report each change (`access_cache/change_listener`). While they can't be believed, and on
a held clock, every page asks the database."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from billing.access import listed
from billing.access.listed import ListedArticle
from billing.access_cache.change_listener import ChangeListener
from billing.platform.clock import Clock, HeldClock
from billing.platform.context import TransactionContext
from billing.platform.read_together import Query, Rows, read_together
from billing.subscriptions import find
from billing.subscriptions.find import OnOffer
from billing.web.kit.visit import Visit

KINDS = frozenset({"plan", "price", "article", "section_policy", "public_window"})
"""The kinds of facts, as notifications name them, that the rows come from."""
MOST = 1_000
Reading = Callable[[], AbstractContextManager[TransactionContext]]


class KeptRows:
    """The rows of one process. Pages read them in their threads, the event loop drops them."""

    def __init__(self, listener: ChangeListener, clock: Clock) -> None:
        self._listener = listener
        self._is_held = isinstance(clock, HeldClock)
        self._kept: dict[object, list[Rows]] = {}

    def invalidate(self, kind: str) -> None:
        """Drop all, if they may come from facts of this kind. An empty kind stands for any."""
        if not kind or kind in KINDS:
            self._kept = {}

    def read(self, reading: Reading, *queries: Query, **parameters: Any) -> list[Rows]:
        """The rows of these queries, none of which may depend on the reader or the instant. See `read_together`.

        `reading` opens what they are read in, where they aren't kept."""
        name = queries, repr(sorted(parameters.items()))
        kept = self._kept
        found = kept.get(name)
        if found is not None and self._listener.is_fresh:
            return found
        with reading() as ctx:
            found = read_together(ctx.session, *queries, **parameters)
        if self._listener.is_fresh and not self._is_held and len(kept) < MOST:
            # Lost, if a change has been reported meanwhile: it put another dict in place of this one.
            kept[name] = found
        return found


def on_offer(visit: Visit) -> list[OnOffer]:
    """What may be started today."""
    (rows,) = _rows(visit, None, find.ON_OFFER, today=visit.today, audience=find.EVERYONE)
    return find.offered(rows)


def on_offer_and_newest(
    visit: Visit, ctx: TransactionContext | None, most: int
) -> tuple[list[OnOffer], list[ListedArticle]]:
    """The same, and the articles published last, newest first. `ctx`: of the transaction that the page has open, if it has one."""
    offers, newest = _rows(
        visit, ctx, find.ON_OFFER, listed.NEWEST, today=visit.today, audience=find.EVERYONE, most=most
    )
    return find.offered(offers), listed.listed(visit.services.site, newest, visit.at)


def _rows(visit: Visit, ctx: TransactionContext | None, *queries: Query, **parameters: Any) -> list[Rows]:
    kept: KeptRows = visit.request.app.state.kept_rows

    def reading() -> AbstractContextManager[TransactionContext]:
        return visit.read() if ctx is None else nullcontext(ctx)

    return kept.read(reading, *queries, **parameters)
