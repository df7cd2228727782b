"""API keys: listed with what was done with them, made, limited, rotated, revoked. For admins."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.errors import Invalid
from billing.rules.ceilings import MOST, Ceilings, Spent
from billing.rules.scopes import SCOPES
from billing.staff import api_keys
from billing.staff.api_keys import Listed
from billing.staff.roles import May
from billing.web import views
from billing.web.staff.guard import StaffVisit, needs

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(May.KEYS)]
Acting = Annotated[StaffVisit, needs(May.KEYS, acts=True, fresh=True)]
Revoking = Annotated[StaffVisit, needs(May.KEYS, acts=True)]
"""It takes rights away, and may be urgent."""
ROOM = "/staff/keys"
CEILINGS = (
    ("cents", "Cents given back"),
    ("days", "Days given to readers"),
    ("starts", "Subscriptions started"),
    ("readers", "Different readers read of"),
)
LONGEST_LIFE_DAYS = 3660
Typed = Annotated[str, Form(max_length=20)]


class NotANumber(Invalid):
    """Days, hours and ceilings are whole numbers."""

    code = "bad_number"


def _number(typed: str, most: int) -> int:
    text = typed.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= most):
        raise NotANumber
    return int(text)


def _ceilings(*typed: str) -> Ceilings:
    return Ceilings(*(_number(each, MOST) for each in typed))


def _rows(ceilings: Ceilings, spent: Spent) -> tuple[views.CeilingRow, ...]:
    return tuple(
        views.CeilingRow(field=name, words=words, most=getattr(ceilings, name), used=getattr(spent, name))
        for name, words in CEILINGS
    )


def _row(visit: StaffVisit, one: Listed) -> views.KeyRow:
    key, previous = one.key, one.key.previous_until
    return views.KeyRow(
        key_id=key.id,
        name=key.name,
        scopes=tuple(key.scopes),
        made_at=key.created_at,
        last_used_at=one.last_used_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        previous_until=previous if previous is not None and previous > visit.at else None,
        works=api_keys.works(key, visit.at),
        ceilings=_rows(key.ceilings, one.spent),
    )


def _page(
    visit: StaffVisit,
    *,
    name: str = "",
    chosen: tuple[str, ...] = (),
    days: str = "365",
    error: Invalid | None = None,
) -> Response:
    with visit.parts.database.transaction() as session:
        rows = tuple(_row(visit, one) for one in api_keys.everything(session, visit.at))
    view = views.StaffKeys(
        rows=rows,
        scopes=tuple(SCOPES.items()),
        ceilings=_rows(Ceilings(), Spent()),
        name=name,
        chosen=chosen,
        days=days,
        error=error.detail if error else None,
    )
    return visit.page(view, error.status if error else 200)


@router.get(ROOM)
def everything(visit: Seeing) -> Response:
    """The list, and the form for another."""
    return _page(visit)


@router.post(ROOM)
def make(
    visit: Acting,
    name: Annotated[str, Form(max_length=200)] = "",
    scope: Annotated[list[str] | None, Form()] = None,
    expires: Typed = "",
    cents: Typed = "",
    days: Typed = "",
    starts: Typed = "",
    readers: Typed = "",
) -> Response:
    """Make a key; the answer shows its secret, once."""
    chosen = tuple(scope or ())
    try:
        life = timedelta(days=_number(expires, LONGEST_LIFE_DAYS)) if expires.strip() else None
        with visit.parts.database.transaction() as session:
            secret = api_keys.make(
                session,
                visit.parts.office.tokens,
                name.strip(),
                chosen,
                actor=visit.actor,
                at=visit.at,
                ceilings=_ceilings(cents, days, starts, readers),
                expires_at=visit.at + life if life is not None else None,
            )
    except Invalid as refusal:
        return _page(visit, name=name[:100], chosen=chosen, days=expires, error=refusal)
    return visit.page(views.StaffKeyMade(name=name.strip(), secret=secret))


@router.post(f"{ROOM}/{{key_id}}/rotate")
def rotate(visit: Acting, key_id: str, hours: Typed = "", expires: Typed = "") -> Response:
    """Another secret; the answer shows it, once."""
    try:
        grace = timedelta(hours=_number(hours, 24 * api_keys.LONGEST_GRACE.days))
        life = timedelta(days=_number(expires, LONGEST_LIFE_DAYS)) if expires.strip() else None
        with visit.parts.database.transaction() as session:
            secret = api_keys.rotate(
                session,
                visit.parts.office.tokens,
                key_id,
                grace,
                actor=visit.actor,
                at=visit.at,
                expires_at=visit.at + life if life is not None else None,
            )
            name = api_keys.the_one(session, key_id, visit.at).name
    except Invalid as refusal:
        return _page(visit, error=refusal)
    until = visit.at + grace if grace else None
    return visit.page(views.StaffKeyMade(name=name, secret=secret, previous_until=until))


@router.post(f"{ROOM}/{{key_id}}/limit")
def limit(
    visit: Acting,
    key_id: str,
    cents: Typed = "",
    days: Typed = "",
    starts: Typed = "",
    readers: Typed = "",
) -> Response:
    """Other ceilings of a day."""
    try:
        ceilings = _ceilings(cents, days, starts, readers)
    except Invalid as refusal:
        return _page(visit, error=refusal)
    with visit.parts.database.transaction() as session:
        api_keys.limit(session, key_id, ceilings, actor=visit.actor, at=visit.at)
    return visit.go(ROOM, "staff-saved")


@router.post(f"{ROOM}/{{key_id}}/revoke")
def revoke(visit: Revoking, key_id: str) -> Response:
    """It stops working, at once and for ever."""
    with visit.parts.database.transaction() as session:
        api_keys.revoke(session, key_id, actor=visit.actor, at=visit.at)
    return visit.go(ROOM, "staff-saved")
