"""Admins list API keys with their use, and make, limit, rotate and revoke them."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from billing.platform.errors import Invalid, Refusal
from billing.platform.typed import read_rand, write_rand
from billing.rules.ceilings import MOST, Ceilings, Spent, usual
from billing.rules.money import Money
from billing.rules.scopes import SCOPES
from billing.staff import api_keys, approvals, key_money
from billing.staff.api_keys import ListedKey
from billing.staff.key_models import ApiKey
from billing.staff.roles import Permission
from billing.web.kit.typed import whole_number
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.keys import CeilingRow, KeyRow, StaffKeyMadePage, StaffKeysPage
from billing.web.views.typed_form import TypedForm

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.KEYS)]
Acting = Annotated[StaffVisit, needs(Permission.KEYS, acts=True, fresh=True)]
Revoking = Annotated[StaffVisit, needs(Permission.KEYS, acts=True)]
"""No fresh code: revoking only takes rights away, and may be urgent."""
ROOM = "/staff/keys"
CEILINGS = (
    ("cents", "rand", "Rand given back, incl. VAT"),
    ("days", "days", "Days given to readers"),
    ("starts", "starts", "Subscriptions started"),
    ("readers", "readers", "Different readers read of"),
)
"""Each ceiling, its form field, and its name in words."""
LONGEST_LIFE_DAYS = 3660
Typed = Annotated[str, Form(max_length=20)]
Why = Annotated[str, Form(max_length=300)]


class BadKeyNumber(Invalid):
    """Days, hours, and numbers of subscriptions and readers are whole numbers."""

    code = "bad_number"


@dataclass(frozen=True, slots=True)
class TypedCeilings:
    """The ceilings of a day as they were typed."""

    rand: Typed = ""
    days: Typed = ""
    starts: Typed = ""
    readers: Typed = ""

    def read(self) -> Ceilings:
        """The ceilings as numbers, money in cents. Raises NotRand, BadKeyNumber."""
        numbers = {name: _number(typed, MOST) for name, typed in asdict(self).items() if name != "rand"}
        return Ceilings(cents=read_rand(self.rand, most=MOST), **numbers)


def _number(typed: str, most: int) -> int:
    number = whole_number(typed, most, digits=10)
    if number is None:
        raise BadKeyNumber
    return number


def _expiry(visit: StaffVisit, typed: str) -> datetime | None:
    return visit.at + timedelta(days=_number(typed, LONGEST_LIFE_DAYS)) if typed.strip() else None


def _rows(ceilings: Ceilings, spent: Spent) -> tuple[CeilingRow, ...]:
    return tuple(
        CeilingRow(
            field=field,
            words=words,
            most=getattr(ceilings, name),
            used=getattr(spent, name),
            shown=write_rand(ceilings.cents) if field == "rand" else str(getattr(ceilings, name)),
        )
        for name, field, words in CEILINGS
    )


def _row(visit: StaffVisit, listed: ListedKey) -> KeyRow:
    key, previous = listed.key, listed.key.previous_until
    return KeyRow(
        key_id=key.id,
        name=key.name,
        scopes=tuple(key.scopes),
        made_at=key.created_at,
        last_used_at=listed.last_used_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        previous_until=previous if previous is not None and previous > visit.at else None,
        works=api_keys.works(key, visit.at),
        ceilings=_rows(key.ceilings, listed.spent),
    )


def _page(
    visit: StaffVisit,
    refusal: Refusal | None = None,
    form: TypedForm | None = None,
    *,
    chosen: tuple[str, ...] = (),
) -> Response:
    """The page; after a refusal, with what was typed into the form and the error there."""
    typed = replace(form, error=refusal.detail) if form is not None and refusal is not None else None
    with visit.begin() as ctx:
        rows = tuple(_row(visit, listed) for listed in api_keys.everything(ctx))
    alone = visit.services.settings.second_person_day_limit
    view = StaffKeysPage(
        rows=rows,
        scopes=tuple(SCOPES.items()),
        ceilings=_rows(usual(alone), Spent()),
        alone=Money(alone),
        chosen=chosen,
        typed=typed,
    )
    return visit.page(view, refusal.status if refusal else 200)


@router.get(ROOM)
def everything(visit: Seeing) -> Response:
    """The list, and the form for a new key."""
    return _page(visit)


@router.post(ROOM)
def make(
    visit: Acting,
    ceilings: Annotated[TypedCeilings, Depends()],
    name: Annotated[str, Form(max_length=200)] = "",
    scope: Annotated[list[str] | None, Form()] = None,
    expires: Typed = "",
    reason: Why = "",
) -> Response:
    """Make a key; the answer shows its secret, once. A high ceiling of money waits for another admin (SEC-6)."""
    chosen = tuple(scope or ())
    try:
        with visit.begin() as ctx:
            made = key_money.make(
                ctx,
                name.strip(),
                list(chosen),
                ceilings=ceilings.read(),
                expires_at=_expiry(visit, expires),
                reason=reason,
            )
    except (Invalid, api_keys.NameTaken) as refusal:
        values = {"name": name[:100], "expires": expires, "reason": reason, **asdict(ceilings)}
        return _page(visit, refusal, TypedForm(of="", name="make", values=values), chosen=chosen)
    return visit.page(StaffKeyMadePage(name=name.strip(), secret=made.secret, waits=made.waits))


@router.post(f"{ROOM}/{{key_id}}/rotate")
def rotate(visit: Acting, key_id: str, hours: Typed = "", expires: Typed = "") -> Response:
    """Give the key a new secret; the answer shows it, once."""
    try:
        grace = timedelta(hours=_number(hours, 24 * api_keys.LONGEST_GRACE.days))
        with visit.begin() as ctx:
            secret = key_money.rotate(ctx, key_id, grace, expires_at=_expiry(visit, expires))
            name = ctx.session.get_one(ApiKey, key_id).name
    except (Invalid, key_money.NeedsCommand) as refusal:
        values = {"hours": hours, "expires": expires}
        return _page(visit, refusal, TypedForm(of=key_id, name="rotate", values=values))
    until = visit.at + grace if grace else None
    return visit.page(StaffKeyMadePage(name=name, secret=secret, previous_until=until))


@router.post(f"{ROOM}/{{key_id}}/limit")
def limit(
    visit: Acting, key_id: str, ceilings: Annotated[TypedCeilings, Depends()], reason: Why = ""
) -> Response:
    """Set the ceilings of a day. A high ceiling of money waits for another admin (SEC-6)."""
    try:
        with visit.begin() as ctx:
            waits = key_money.limit(ctx, key_id, ceilings.read(), reason=reason)
    except (Invalid, approvals.AlreadyAsked) as refusal:
        values = {"reason": reason, **asdict(ceilings)}
        return _page(visit, refusal, TypedForm(of=key_id, name="limit", values=values))
    return visit.go(ROOM, "staff-key-waits" if waits else "staff-saved")


@router.post(f"{ROOM}/{{key_id}}/revoke")
def revoke(visit: Revoking, key_id: str) -> Response:
    """End the key, at once and for good."""
    with visit.begin() as ctx:
        api_keys.revoke(ctx, key_id)
    return visit.go(ROOM, "staff-saved")
