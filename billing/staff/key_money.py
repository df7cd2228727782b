"""How much money an admin alone may let API keys give back: what a member may give back alone in a day (SEC-6).

A key knows no second member. So all keys whose secret one admin has seen, or whose ceiling they have set, count together. Above
the limit another admin approves the ceiling. Commands on the machine count as the second member."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import col, select

from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.rules.ceilings import Ceilings
from billing.rules.scopes import MONEY, grants
from billing.staff import api_keys, approvals, key_limits
from billing.staff.acts.limits import lock_member
from billing.staff.key_models import ApiKey
from billing.staff.models import AuditLine
from billing.staff.notices import money_key_made

IN_HAND = ("key_create", "key_limit", "key_rotate")
"""Acts by which a member saw a key's secret, or set its ceilings."""


class NeedsCommand(Conflict):
    """One admin alone could give back too much with this secret. Rotate the key by `billing keys rotate` on the server, which counts as the second person."""

    code = "needs_second_person"
    title = "This key needs a second person"


@dataclass(frozen=True, slots=True)
class Made:
    """A new key's secret, which is shown once. `waits`: another admin has yet to approve its ceiling of money."""

    secret: str
    waits: bool


def make(
    ctx: TransactionContext,
    name: str,
    scopes: list[str],
    *,
    ceilings: Ceilings,
    expires_at: datetime | None,
    reason: str = "",
) -> Made:
    """Make a key, and notify the other admins where it may give money back. It works at once, up to what one admin may allow.
    Raises as `api_keys.make`, ActNeedsReason."""
    most = _most_alone(ctx)
    wanted, waits = ceilings.cents, False
    if MONEY in scopes and most is not None and wanted > most:
        ceilings, waits = replace(ceilings, cents=most), True
    key, secret = api_keys.make(ctx, name, scopes, ceilings=ceilings, expires_at=expires_at)
    if waits:
        approvals.ask_for_key(ctx, key, wanted, reason=reason)
    if grants(key.scopes, MONEY):
        money_key_made(ctx, key)
    return Made(secret, waits)


def limit(ctx: TransactionContext, key_id: str, ceilings: Ceilings, *, reason: str) -> bool:
    """Set the ceilings of a day; whether the one of money waits for another admin. Raises UnknownKey, ActNeedsReason, AlreadyAsked."""
    key = api_keys.lock(ctx, key_id)
    most = _most_alone(ctx, but=key.id)
    rises = grants(key.scopes, MONEY) and ceilings.cents > key.cents_a_day
    waits = rises and most is not None and ceilings.cents > most
    if waits:
        approvals.ask_for_key(ctx, key, ceilings.cents, reason=reason)
        ceilings = replace(ceilings, cents=key.cents_a_day)
    if ceilings != key.ceilings:
        api_keys.limit(ctx, key.id, ceilings)
    return waits


def rotate(
    ctx: TransactionContext, key_id: str, grace: timedelta, *, expires_at: datetime | None = None
) -> str:
    """A new secret, which this admin sees. Raises as `api_keys.rotate`, NeedsCommand."""
    key = api_keys.lock(ctx, key_id)
    most = _most_alone(ctx, but=key.id)
    if grants(key.scopes, MONEY) and most is not None and key.cents_a_day > most:
        raise NeedsCommand
    return api_keys.rotate(ctx, key.id, grace, expires_at=expires_at)


def _most_alone(ctx: TransactionContext, *, but: str = "") -> int | None:
    """Cents a day that this member may still let keys give, all keys but one; None for a command. The member's other acts wait."""
    staff_id = staff_id_of(ctx.actor)
    if staff_id is None:
        return None
    lock_member(ctx)
    touched = select(AuditLine.subject).where(AuditLine.staff_id == staff_id, col(AuditLine.act).in_(IN_HAND))
    keys = ctx.session.exec(select(ApiKey).where(col(ApiKey.id).in_(touched), ApiKey.id != but)).all()
    reach = sum(_reach(ctx, key) for key in keys if grants(key.scopes, MONEY))
    return max(0, ctx.site.staff_limits.second_person_day_limit - reach)


def _reach(ctx: TransactionContext, key: ApiKey) -> int:
    """Cents that a key may give in a day, or has given in this one: its ceiling may be lower by now."""
    spent = key_limits.within_a_day(ctx, key.id).cents
    return max(spent, key.cents_a_day if api_keys.works(key, ctx.at) else 0)
