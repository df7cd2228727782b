"""Readers who start, pay and cancel, fifty a second, through the code that pages and the worker call: `python -m tests.gate.moving`.

Of each deed a line of JSON: whose, when it began, when it was committed, and by which reason the reader reads from then on."""

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from sqlmodel import Session

from billing.clock import SystemClock
from billing.db import Database
from billing.office import Office
from billing.payments.cards import keep_card, last_good_day
from billing.payments.gateway import Charged, ChargeRequest, Gateway, SavedCard
from billing.payments.models import PaymentMethod
from billing.payments.pace import Pace
from billing.renewals.cancel import When, cancel
from billing.renewals.run import run_for
from billing.renewals.till import Till
from billing.subscriptions.find import live_of, on_sale
from billing.subscriptions.start import start_paid, start_trial
from tests.bench.readers import reader_of
from tests.gate.serving import TOKENS
from tests.world import ZONE

A_SECOND = 50
AT_ONCE = 6
OFFICE = Office(ZONE, "http://127.0.0.1", TOKENS)
CLOCK = SystemClock()


class Taking:
    """A gateway in this process that takes the money at once."""

    def charge(self, request: ChargeRequest) -> Charged:
        """Yes."""
        attempt = request.attempt_id
        return Charged(f"pi_{attempt}", f"ch_{attempt}", request.amount, None, CLOCK.now())


@dataclass
class Movers:
    """`newcomers` have an account and no subscription; of all others who move, some read and some have cancelled."""

    database: Database
    newcomers: list[int]
    reading: list[int]
    gone: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def till(self) -> Till:
        return Till(self.database, cast(Gateway, Taking()), OFFICE, Pace(0), pause_after=5)

    def move(self) -> str:
        """One deed by one reader, whom nobody else moves meanwhile."""
        with self._lock:
            deed, whose = self._choose()
        began = time.monotonic()
        expected = {"start": self._start, "pay": self._pay, "cancel": self._cancel}[deed](whose)
        done = time.monotonic()
        with self._lock:
            (self.gone if deed == "cancel" else self.reading).append(whose)
        return json.dumps([whose, began, done, expected, deed])

    def _choose(self) -> tuple[str, int]:
        kinds = {"start": self.newcomers, "pay": self.gone, "cancel": self.reading}
        deed = random.choice([kind for kind, readers in kinds.items() if readers])
        readers = kinds[deed]
        return deed, readers.pop(random.randrange(len(readers)))

    def _start(self, number: int) -> str:
        with self.database.transaction() as session:
            plan, price = on_sale(session, self._today(), "monthly")
            card = self._card(session, number)
            start_trial(
                session,
                tokens=TOKENS,
                reader_id=reader_of(number),
                email=f"reader-{number}@example.com",
                price=price,
                plan=plan,
                payment_method_id=card.id,
                card_expires_on=last_good_day(card),
                fingerprint=card.fingerprint,
                at=CLOCK.now(),
                by="reader",
                zone=ZONE,
            )
        return "trial"

    def _pay(self, number: int) -> str:
        with self.database.transaction() as session:
            plan, price = on_sale(session, self._today(), "monthly")
            card = self._card(session, number)
            begun = start_paid(
                session,
                reader_id=reader_of(number),
                price=price,
                plan=plan,
                payment_method_id=card.id,
                card_expires_on=last_good_day(card),
                at=CLOCK.now(),
                by="reader",
                zone=ZONE,
            )
        run_for(self.till, begun.id, CLOCK.now())
        return "subscription"

    def _cancel(self, number: int) -> str:
        at = CLOCK.now()
        with self.database.transaction() as session:
            live = live_of(session, reader_of(number))
            assert live is not None
            cancel(
                session,
                OFFICE,
                live.id,
                asked_at=at,
                at=at,
                by="staff:a",
                why="asked by phone",
                when=When.NOW,
            )
        return "subscribe"

    def _card(self, session: Session, number: int) -> PaymentMethod:
        card = SavedCard(f"cus_{number}", f"pm_{number}", "visa", "4242", 12, 2040, f"fingerprint-{number}")
        return keep_card(session, OFFICE, reader_of(number), card, CLOCK.now())

    def _today(self) -> date:
        return OFFICE.today(CLOCK.now())


def _in_time(seconds: float) -> Iterator[None]:
    """So many deeds a second, evenly."""
    began = time.monotonic()
    for number in range(int(seconds * A_SECOND)):
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        yield


def main() -> None:
    """`moving.py URL SECONDS FIRST MOVING NEWCOMERS`: readers from FIRST on, so many who read at first, and so many who don't."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    first, moving, newcomers = map(int, sys.argv[3:])
    readers = list(range(first, first + moving + newcomers))
    movers = Movers(
        Database(url, pool_size=2 * AT_ONCE), newcomers=readers[moving:], reading=readers[:moving]
    )
    with ThreadPoolExecutor(AT_ONCE) as hands:
        under_way = [hands.submit(movers.move) for _ in _in_time(seconds)]
        for deed in under_way:
            print(deed.result(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
