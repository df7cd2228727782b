"""Admins change what is sold: plans, whom they are offered to, what they open, prices and trials. `vat` has the forms of VAT."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.changes.announce_price import planned_prices
from billing.payments import vat_rates
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.typed import read_day, read_rand
from billing.rules import periods, price_notice, tax, trial
from billing.rules.money import Money
from billing.staff import plan_features
from billing.staff import plans as changes
from billing.staff.roles import Permission
from billing.subscriptions import find
from billing.subscriptions.models import OfferedTo, Plan, Price
from billing.subscriptions.plans import UnknownPlan, live_holders
from billing.web.kit.typed import whole_number
from billing.web.staff import typed_forms
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.plans import (
    PlanPriceRow,
    PlanRow,
    PriceForEveryone,
    StaffPlansPage,
    VatRateRow,
)
from billing.web.views.typed_form import TypedForm

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.PLANS)]
Acting = Annotated[StaffVisit, needs(Permission.PLANS, acts=True, fresh=True)]
ROOM = "/staff/plans"
Short = Annotated[str, Form(max_length=60)]
Words = Annotated[str, Form(max_length=300)]
Ticked = Annotated[list[str] | None, Form(max_length=300)]
MOST_POSITION = 1000


class BadPlanNumber(Invalid):
    """Months, days and places are whole numbers."""

    code = "bad_number"


class _AskFirst(Exception):
    """What was typed can be done; nothing is done yet, and the page asks whether it is meant."""


@router.get(ROOM)
def show(visit: Seeing) -> Response:
    """Every plan, with its prices and the forms to change it."""
    return page(visit)


@router.post(ROOM)
def add(
    visit: Acting,
    plan: Short = "",
    name: Words = "",
    months: Short = "",
    period: Short = "",
    days: Short = "",
    then: Short = "",
    opens: Ticked = None,
    reason: Words = "",
) -> Response:
    """Add a plan, offered to nobody yet."""
    features = " ".join(opens or ())
    typed = {
        "plan": plan,
        "name": name,
        "months": months,
        "period": period,
        "days": days,
        "then": then,
        "opens": features,
        "reason": reason,
    }

    def do(ctx: TransactionContext) -> None:
        row = Plan(
            id=plan.strip(),
            name=name.strip(),
            months=_number(months, periods.MOST_MONTHS),
            period_label=period.strip(),
            trial_days=_number(days, trial.LONGEST),
            then_plan_id=then or None,
            features=features.split(),
        )
        changes.add_plan(ctx, row, reason=reason)

    return save(visit, "", "add", typed, do)


@router.post(f"{ROOM}/{{plan_id}}/offer")
def offer(visit: Acting, plan_id: str, to: Short = "", place: Short = "", reason: Words = "") -> Response:
    """Offer it to everyone, to staff alone, or to nobody any more."""

    def do(ctx: TransactionContext) -> None:
        if to not in list(OfferedTo):
            raise Invalid("Choose whom it is offered to.")
        position = _number(place, MOST_POSITION, least=0)
        changes.offer_plan(ctx, plan_id, OfferedTo(to), position, reason=reason)

    return save(visit, plan_id, "offer", {"to": to, "place": place, "reason": reason}, do)


@router.post(f"{ROOM}/{{plan_id}}/trial")
def set_trial(visit: Acting, plan_id: str, days: Short = "", reason: Words = "") -> Response:
    """The free days of who starts from now on."""

    def do(ctx: TransactionContext) -> None:
        changes.set_trial(ctx, plan_id, _number(days, trial.LONGEST), reason=reason)

    return save(visit, plan_id, "trial", {"days": days, "reason": reason}, do)


@router.post(f"{ROOM}/{{plan_id}}/features")
def open_features(visit: Acting, plan_id: str, opens: Ticked = None, reason: Words = "") -> Response:
    """Let it open these features besides reading, from now on and for all who have it."""
    features = " ".join(opens or ())

    def do(ctx: TransactionContext) -> None:
        changes.open_features(ctx, plan_id, features.split(), reason=reason)

    return save(visit, plan_id, "features", {"opens": features, "reason": reason}, do)


@router.post(f"{ROOM}/{{plan_id}}/price")
def price(
    visit: Acting,
    plan_id: str,
    rand: Short = "",
    first_day: Short = "",
    whom: Short = "",
    reason: Words = "",
    seen: Annotated[int, Form(ge=0)] = 0,
    sure: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Another price: of new readers, or of everyone, which is asked once more."""
    typed = {"rand": rand, "first_day": first_day, "whom": whom, "reason": reason}
    for_everyone = whom == "everyone"

    def do(ctx: TransactionContext) -> None:
        changes.set_price(
            ctx,
            plan_id,
            read_rand(rand),
            read_day(first_day),
            for_everyone=for_everyone,
            reason=reason,
            seen=seen,
        )
        if for_everyone and not sure:
            raise _AskFirst

    try:
        return save(visit, plan_id, "price", typed, do)
    except _AskFirst:
        return page(visit, TypedForm(of=plan_id, name="price", values=typed), asks=True)


def save(
    visit: StaffVisit,
    plan_id: str,
    name: str,
    typed: Mapping[str, str],
    do: Callable[[TransactionContext], object],
) -> Response:
    """Do what a form of the page asks for (see `typed_forms.save`). Raises UnknownPlan."""
    form = TypedForm(of=plan_id, name=name, values=typed)
    return typed_forms.save(visit, form, do, room=ROOM, page=page, unknown=UnknownPlan)


def _number(typed: str, most: int, least: int = 1) -> int:
    number = whole_number(typed, most, digits=4)
    if number is None or number < least:
        raise BadPlanNumber(f"Give a whole number from {least} to {most}.")
    return number


def page(
    visit: StaffVisit, typed: TypedForm | None = None, status: int = 200, *, asks: bool = False
) -> Response:
    """The page, with the form that was sent; with `asks`, the question whether its price is meant for everyone."""
    with visit.begin() as ctx:
        rows = _rows(ctx)
        rates = vat_rates.rates(ctx.session)
        features = plan_features.on_offer(ctx.session)
    vat = tuple(
        VatRateRow(rate.percent, rate.from_on, not tax.has_begun(rate, visit.today)) for rate in rates
    )
    view = StaffPlansPage(
        rows=rows, vat=vat, features=features, tomorrow=visit.today + timedelta(days=1), typed=typed
    )
    if asks and typed is not None:
        view = replace(view, confirm=_for_everyone(visit, rows, typed))
    return visit.page(view, status)


def _for_everyone(visit: StaffVisit, rows: tuple[PlanRow, ...], typed: TypedForm) -> PriceForEveryone:
    first_day = read_day(typed.values["first_day"])
    return PriceForEveryone(
        plan=next(row for row in rows if row.plan_id == typed.of),
        amount=Money(read_rand(typed.values["rand"])),
        first_day=first_day,
        pays_from=max(first_day, price_notice.earliest_start(visit.today)),
        values=typed.values,
    )


def _rows(ctx: TransactionContext) -> tuple[PlanRow, ...]:
    session = ctx.session
    every = find.plans(session)
    names = {plan.id: plan.name for plan in every}
    holders, planned = live_holders(session), planned_prices(session)
    by_plan: dict[str, list[Price]] = {plan.id: [] for plan in every}
    for price in find.prices(session):
        by_plan[price.plan_id].append(price)
    return tuple(_row(ctx, plan, by_plan[plan.id], planned, names, holders) for plan in every)


def _row(
    ctx: TransactionContext,
    plan: Plan,
    prices: Sequence[Price],
    planned: Container[str],
    names: Mapping[str, str],
    holders: Mapping[str, int],
) -> PlanRow:
    rows = [
        PlanPriceRow(amount=price.money, first_day=price.valid_from, for_everyone=price.id in planned)
        for price in prices
    ]
    begun = [row for row in rows if row.first_day <= ctx.today]
    return PlanRow(
        plan_id=plan.id,
        name=plan.name,
        months=plan.months,
        period=plan.period_label,
        offered_to=plan.offered_to.value,
        position=plan.position,
        trial_days=plan.trial_days,
        then=names.get(plan.then_plan_id or "", ""),
        opens=tuple(plan.features),
        holders=holders.get(plan.id, 0),
        price=begun[-1] if begun else None,
        coming=tuple(rows[len(begun) :]),
        past=tuple(reversed(begun[:-1])),
    )
