"""Move a held clock. Everything that falls due in between happens, in its order, before the clock stands still again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import sqlalchemy as sa

from billing.container import Services
from billing.platform.clock import CannotTurnBack, HeldClock
from billing.platform.db import advisory_key
from billing.platform.errors import Conflict, Invalid, Unavailable
from billing.platform.installation import refuse_copy
from billing.platform.time_limits import Work, doing
from billing.timetable import tick

PATIENCE_SECONDS = 60
STUCK_AFTER_SECONDS = 150
"""Longer than a gateway call whose answer is lost takes with its repeats: another worker may be waiting for that."""
FARTHEST = timedelta(days=5 * 366)


class NotHeld(Conflict):
    """The clock can be moved only where it is held: in the demo and in tests."""

    code = "clock_not_held"


class TooFar(Invalid):
    """The clock moves at most five years at once."""

    code = "too_far"


class Stuck(Unavailable):
    """Something that is due isn't getting done, so the clock can't move on. The worker's log says what."""

    code = "stuck"


def advance(
    services: Services,
    to: datetime | timedelta,
    reached: Callable[[datetime, datetime], None] = lambda *_: None,
) -> datetime:
    """Move the clock to an instant, or by so much, stopping at each instant at which something is due and doing it; returns the new present.

    One advance at a time; others wait, and count "by so much" from when their turn comes. `reached` is told of each instant, and of
    where it ends, before what is due then is done. Raises NotHeld, NotAdopted, CannotTurnBack, TooFar, Stuck."""
    clock = _held(services)
    refuse_copy(services.database)
    with (
        doing(Work.IN_TURN),
        services.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        key = {"key": advisory_key("advance the clock")}
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), key)
        try:
            now = clock.now()
            end = _end(now, to)
            reached(now, end)
            while (due := _drain(services, now)) is not None and due <= end:
                now = max(due, now)
                move(services, now)
                reached(now, end)
            if now < end:
                move(services, end)
                _drain(services, end)
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), key)
    return end


def _end(now: datetime, to: datetime | timedelta) -> datetime:
    ahead = to - now if isinstance(to, datetime) else to
    if ahead < timedelta():
        raise CannotTurnBack
    if ahead > FARTHEST:
        raise TooFar
    return now + ahead


def _held(services: Services) -> HeldClock:
    if not isinstance(services.clock, HeldClock):
        raise NotHeld
    return services.clock


def move(services: Services, at: datetime) -> None:
    """Let it be `at`, here and in the sandbox in one moment, and do nothing about what is due then.

    Raises NotHeld, CannotTurnBack."""
    with doing(Work.IN_TURN):  # the clock's row is locked while the sandbox is told
        _held(services).move_to(at, along=lambda: _set_twin(services, at))


def follow(services: Services) -> None:
    """Set the sandbox's clock to ours, so that its charges and signatures carry the same time."""
    _set_twin(services, services.clock.now())


def _set_twin(services: Services, at: datetime) -> None:
    _twin(services, "clock", {"now": int(at.timestamp())})


def _drain(services: Services, now: datetime) -> datetime | None:
    """Work until nothing is due, here or in another worker's hands, and no webhook is on its way. When the next thing is due:
    one of ours, or one that the twin does of its own (a refund arrives, a dispute runs out, a payout leaves)."""
    monotonic = services.monotonic
    deadline = monotonic.seconds() + STUCK_AFTER_SECONDS
    while True:
        delivered, seen = _twin(services, "settle", {}), dict[str, datetime]()
        done = tick(services, seen=seen)
        due = min(seen.values(), default=None)
        if delivered is not None and not done and (due is None or due > now):
            twins = datetime.fromtimestamp(delivered["next"], UTC) if delivered.get("next") else None
            return min((at for at in (due, twins) if at is not None), default=None)
        if done:
            deadline = monotonic.seconds() + STUCK_AFTER_SECONDS
        elif monotonic.seconds() > deadline:
            raise Stuck
        else:
            monotonic.sleep(0.02)


def _twin(services: Services, what: str, body: dict[str, int]) -> dict[str, Any] | None:
    """Its answer; None when the sandbox has so many webhooks under way that it must be asked again."""
    url = f"{services.settings.stripe_api_base}/_sandbox/{what}"
    try:
        answer = _line().post(url, json=body)
        if answer.status_code != httpx.codes.GATEWAY_TIMEOUT:
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(f"The sandbox doesn't answer at {url}: {error}") from error
    return dict(answer.json()) if answer.is_success else None


@cache
def _line() -> httpx.Client:
    """Made once: each new client reads every certificate authority of the machine, some 15 ms. It keeps nothing open."""
    return httpx.Client(timeout=PATIENCE_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))
