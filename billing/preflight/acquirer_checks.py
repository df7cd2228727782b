"""The acquirers: what our key may do, the webhook endpoint, and the clocks."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from billing.acquirer.answers import Unknown
from billing.acquirer.port import Gateway
from billing.platform.clock import server_time
from billing.preflight.check_result import CheckResult, no, ok, warn
from billing.preflight.context import Preflight
from billing.rules import clocks

SKEWED = timedelta(seconds=5)
"""Answers are dated to the second, and come some time later."""


def acquirer_key(given: Preflight) -> Iterator[CheckResult]:
    """Read each kind of object that the product needs. Writing can't be tried without a change."""
    for gateway in given.gateways:
        found = gateway.account.permissions()
        if isinstance(found, Unknown):
            yield no(f"{gateway.display_name} doesn't take our key: {found.reason}")
            continue
        lacking = [
            f"{each.what} ({each.name})" if each.name else each.what for each in found if not each.granted
        ]
        if lacking:
            yield no(f"our key at {gateway.display_name} may not read {', '.join(lacking)}: allow it there")
            continue
        yield ok(f"our key at {gateway.display_name} reads all that is needed")
        yield _writing(gateway)


def _writing(gateway: Gateway) -> CheckResult:
    if gateway.account.key_is_unrestricted:
        return warn(
            f"our key may do everything in the account at {gateway.display_name}: make a restricted one"
        )
    return ok(
        f"it must also write {', '.join(gateway.account.needs_write)}, which reading can't show: compare it there"
    )


def webhooks(given: Preflight) -> Iterator[CheckResult]:
    """Whether each acquirer sends all that is needed to our address."""
    for gateway in given.gateways:
        url = given.settings.webhooks_at(gateway.name)
        found = gateway.account.webhook_endpoints(url)
        if isinstance(found, Unknown):
            yield no(f"{gateway.display_name} doesn't show its webhook endpoints: {found.reason}")
            continue
        faults = [
            *(f"{each.endpoint_ref} is disabled" for each in found if not each.enabled),
            *(f"{each.endpoint_ref} lacks {', '.join(each.lacking)}" for each in found if each.lacking),
        ]
        if not found:
            yield no(f"{gateway.display_name} has no endpoint for {url}: say `billing webhooks register`")
        elif faults:
            yield no(f"{'; '.join(faults)}: say `billing webhooks register`")
        elif len(found) > 1:
            yield warn(
                f"{gateway.display_name} has {len(found)} endpoints for {url}, and sends everything as often: delete all but one"
            )
        else:
            yield ok(f"{gateway.display_name} sends all that is needed to {url}")


def clock(given: Preflight) -> Iterator[CheckResult]:
    """Ours against the database's and the acquirers'."""
    if given.settings.held:
        yield ok("the clock is held, and moves only when it is told to")
        return
    with given.reading() as session:
        yield skew("the database", server_time(session) - given.clock.now())
    for gateway in given.gateways:
        theirs = gateway.account.time()
        if isinstance(theirs, datetime):
            yield skew(gateway.display_name, theirs - given.clock.now())
        else:
            yield warn(f"{gateway.display_name}'s clock can't be read: {theirs.reason}")


def skew(whose: str, ahead: timedelta) -> CheckResult:
    """How far another clock is ahead of ours."""
    words = f"the clock of {whose} differs by {abs(ahead).total_seconds():.0f} s from this machine's"
    if abs(ahead) >= clocks.APART:
        return no(f"{words}: webhooks would be refused. Run an NTP client on both")
    if abs(ahead) > SKEWED:
        return warn(f"{words}: run an NTP client on both")
    return ok(words)
