"""What a reader chooses on the account: another plan from the next period on, a pause; and taking either back."""

from datetime import timedelta
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.billing_run.run import run_for
from billing.changes import change_plan, pause
from billing.platform.actors import ReaderActor
from billing.platform.errors import Refusal
from billing.readers import consents
from billing.rules import tax
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.subscriptions.find import live_of, on_sale, plans_on_offer, terms_on
from billing.subscriptions.models import Plan, Price, Subscription, TermsChangeReason
from billing.subscriptions.schedule import pause_is_ahead
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.views.choices import Choices, PauseOption, PausePage, PlanOption, PlanPage

router = APIRouter(include_in_schema=False)
PLAN_ID = r"^[a-z0-9-]{0,40}$"
Chosen = Annotated[str, Form(max_length=40)]
ToPlan = Annotated[str, Form(pattern=PLAN_ID)]


def money(price: Price) -> Money:
    """A price as an amount."""
    return Money(price.amount, price.currency)


def month_after(visit: Visit, session: Session, plan: Plan) -> Money | None:
    """What a month costs once a plan's year is over; None for a plan that goes on as it is."""
    if plan.then_plan_id is None:
        return None
    return money(on_sale(session, visit.services.site.today(visit.at), plan.then_plan_id)[1])


def choices(visit: Visit, session: Session, subscription: Subscription | None) -> Choices | None:
    """For the account page; None without a running subscription."""
    s = subscription
    if s is None or s.state not in (State.ACTIVE, State.PAUSED) or s.cancels_at is not None:
        return None
    running: Literal["none", "ahead", "running"] = "none"
    if s.state is State.PAUSED:
        running = "running"
    elif pause_is_ahead(s):
        running = "ahead"
    return Choices(
        ahead=_ahead(session, s),
        can_undo_plan=s.next_terms_reason is TermsChangeReason.SWITCH,
        plans=tuple(_options(visit, session, s)),
        can_pause=_can_pause(visit, s),
        pause=running,
    )


def _ahead(session: Session, s: Subscription) -> str | None:
    if s.next_terms_on is None:
        return None
    plan, price = terms_on(session, s, s.next_terms_on)
    begins_on = max(s.next_terms_on, s.period_end_on or s.next_terms_on)  # more days came after the notice
    on = f"{begins_on:%A} {begins_on.day} {begins_on:%B %Y}"
    return f"From {on} you pay {money(price).with_vat_words()} a {plan.period_label}."


def _options(visit: Visit, session: Session, s: Subscription) -> list[PlanOption]:
    site, found = visit.services.site, []
    for plan, _ in plans_on_offer(session, site.today(visit.at)):
        try:
            seen = change_plan.preview(visit.context(session), s, plan.id)
        except Refusal:
            continue
        found.append(_option(seen))
    return found


def _option(seen: change_plan.Switch) -> PlanOption:
    return PlanOption(
        plan_id=seen.plan.id,
        every=seen.plan.period_label,
        amount=money(seen.price),
        on=seen.on,
        is_fixed_term=seen.plan.then_plan_id is not None,
    )


def _can_pause(visit: Visit, s: Subscription) -> bool:
    site = visit.services.site
    try:
        pause.preview(site, s, 1, visit.at, most=site.policy.pause_months)
    except Refusal:
        return False
    return True


def _live(visit: Visit, session: Session) -> Subscription | None:
    return live_of(session, visit.reader.id) if visit.reader else None


def _home(visit: Visit) -> Response:
    return visit.go("/account" if visit.reader else "/sign-in")


@router.get("/account/plan")
def ask_plan(visit: Visiting, to: Annotated[str, Query(pattern=PLAN_ID)] = "") -> Response:
    """What another plan costs, and from when, before it is chosen."""
    return _plan_page(visit, to)


def _terms(visit: Visit, session: Session, seen: change_plan.Switch) -> consents.Terms:
    then = month_after(visit, session, seen.plan)
    return consents.for_switch(money(seen.price), seen.plan.period_label, seen.on, then)


def _plan_page(visit: Visit, to: str, error: str | None = None, status: int = 200) -> Response:
    with visit.begin() as ctx:
        subscription = _live(visit, ctx.session)
        if subscription is None or visit.reader is None:
            return _home(visit)
        seen = change_plan.preview(ctx, subscription, to)
        terms = _terms(visit, ctx.session, seen)
    vat = tax.split(money(seen.price), tax.rate_on(visit.services.site.today(visit.at))).vat
    view = PlanPage(
        email=visit.reader.email, option=_option(seen), vat=vat, consent_text=terms.words, error=error
    )
    return visit.page(view, status)


@router.post("/account/plan")
def choose_plan(visit: Guarded, to: ToPlan = "", consent: Chosen = "") -> Response:
    """Choose it: the consent is kept with its words, the price and the day (CPA-1)."""
    if consent != "yes":
        return _plan_page(visit, to, "Please tick the box to agree, or go back: nothing has changed.", 422)
    with visit.begin() as ctx:
        subscription = _live(visit, ctx.session)
        if subscription is None or visit.reader is None:
            return _home(visit)
        seen = change_plan.preview(ctx, subscription, to)
        consents.record(
            ctx,
            consents.GivenBy(visit.reader.email, visit.reader.id, visit.ip, visit.device),
            "switch",
            _terms(visit, ctx.session, seen),
            money(seen.price),
            seen.on,
        )
        change_plan.ask(
            ctx.acting_as(ReaderActor(subscription.reader_id)),
            subscription.id,
            to,
            reason="chosen on the account page",
        )
    return visit.go("/account", "plan")


@router.post("/account/plan/undo")
def undo_plan(visit: Guarded) -> Response:
    """Take the change of plan back."""
    with visit.begin() as ctx:
        subscription = _live(visit, ctx.session)
        if subscription is None:
            return _home(visit)
        change_plan.undo(
            ctx.acting_as(ReaderActor(subscription.reader_id)),
            subscription.id,
            reason="taken back",
        )
    return visit.go("/account", "plan-kept")


@router.get("/account/pause")
def ask_pause(visit: Visiting) -> Response:
    """How long, and what happens then."""
    site = visit.services.site
    with visit.services.database.transaction() as session:
        subscription = _live(visit, session)
        if subscription is None or visit.reader is None:
            return _home(visit)
        seen = [
            pause.preview(site, subscription, months, visit.at, most=site.policy.pause_months)
            for months in range(1, max(1, site.policy.pause_months) + 1)
        ]
        amount = money(terms_on(session, subscription, seen[0].resumes_on)[1])
    view = PausePage(
        email=visit.reader.email,
        last_day=seen[0].start_on - timedelta(days=1),
        amount=amount,
        options=tuple(PauseOption(months=one.months, resumes_on=one.resumes_on) for one in seen),
    )
    return visit.page(view)


@router.post("/account/pause")
def choose_pause(visit: Guarded, months: Annotated[int, Form()] = 1) -> Response:
    """Pause from the end of what is paid."""
    site = visit.services.site
    with visit.begin() as ctx:
        subscription = _live(visit, ctx.session)
        if subscription is None:
            return _home(visit)
        pause.ask(
            ctx.acting_as(ReaderActor(subscription.reader_id)),
            subscription.id,
            months,
            reason="asked for on the account page",
            most=site.policy.pause_months,
        )
    return visit.go("/account", "paused")


@router.post("/account/pause/undo")
@may_wait
def undo_pause(visit: Guarded) -> Response | Waits:
    """Take the pause back; one that runs ends now, and the next period begins with its charge."""
    with visit.begin() as ctx:
        subscription = _live(visit, ctx.session)
        if subscription is None:
            return _home(visit)
        pause.undo(
            ctx.acting_as(ReaderActor(subscription.reader_id)),
            subscription.id,
            reason="taken back",
        )
    over = partial(visit.go, "/account", "pause-over")

    def charge() -> Response:
        run_for(visit.services.run_context, subscription.id, visit.at)
        return over()

    return Waits(visit, charge, over)  # what is due is charged by the worker too
