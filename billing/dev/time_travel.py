"""Move a held clock. All work that falls due on the way is done in order."""

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
"""Longer than a gateway call with a lost answer takes with its retries; another worker may be waiting for one."""
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
    """Move the clock to an instant or by a timedelta, stop at each instant with due work and do it; return the new time.

    Only one advance runs at a time; others wait, and a timedelta counts from their start. `reached` is called with each instant and
    the end, before the work due then is done. Raises NotHeld, NotAdopted, CannotTurnBack, TooFar, Stuck."""
    clock = _held(services)
    refuse_copy(services.database)
    with (
        doing(Work.IN_TURN),
        services.database.autocommit() as connection,
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
    """Set the clock to `at`, here and in the sandbox together, without doing due work. Raises NotHeld, CannotTurnBack."""
    with doing(Work.IN_TURN):  # the clock's row stays locked during the call to the sandbox
        _held(services).move_to(at, along=lambda: _set_sandbox_clock(services, at))


def follow(services: Services) -> None:
    """Set the sandbox's clock to ours, so that its charges and signatures have the same time."""
    _set_sandbox_clock(services, services.clock.now())


def _set_sandbox_clock(services: Services, at: datetime) -> None:
    _sandbox(services, "clock", {"now": int(at.timestamp())})


def _drain(services: Services, now: datetime) -> datetime | None:
    """Work until nothing is due, here or in another worker, and no webhook is under way. Return when the next work is due, ours or the
    sandbox's (a refund arrives, a dispute expires, a payout is made)."""
    monotonic = services.monotonic
    deadline = monotonic.seconds() + STUCK_AFTER_SECONDS
    while True:
        delivered, seen = _sandbox(services, "settle", {}), dict[str, datetime]()
        done = tick(services, seen=seen)
        due = min(seen.values(), default=None)
        if delivered is not None and not done and (due is None or due > now):
            at_sandbox = datetime.fromtimestamp(delivered["next"], UTC) if delivered.get("next") else None
            return min((at for at in (due, at_sandbox) if at is not None), default=None)
        if done:
            deadline = monotonic.seconds() + STUCK_AFTER_SECONDS
        elif monotonic.seconds() > deadline:
            raise Stuck
        else:
            monotonic.sleep(0.02)


def _sandbox(services: Services, what: str, body: dict[str, int]) -> dict[str, Any] | None:
    """Call a control endpoint of the sandbox; None if it timed out over pending webhooks and must be called again."""
    url = f"{services.settings.stripe_api_base}/_sandbox/{what}"
    try:
        answer = _client().post(url, json=body)
        if answer.status_code != httpx.codes.GATEWAY_TIMEOUT:
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(f"The sandbox doesn't answer at {url}: {error}") from error
    return dict(answer.json()) if answer.is_success else None


@cache
def _client() -> httpx.Client:
    """One client for all calls: each new one reads every certificate authority of the machine, 15 ms. It keeps no connection open."""
    return httpx.Client(timeout=PATIENCE_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))
