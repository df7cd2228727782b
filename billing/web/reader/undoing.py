"""Undoing a cancellation, a pause or a change of plan. Each page names the next charge and its day first."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.billing_run.run import run_for
from billing.changes import change_plan, charge_after_undo, pause
from billing.changes.charge_after_undo import ChargeAhead
from billing.payments.models import PaymentMethod
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.staff.cancellations import undo_for_reader
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.view_rows import card_of
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import way
from billing.web.reader.agreement import Shown, differences, shown_charge, words_of_card
from billing.web.reader.guard import running, signed_in
from billing.web.views.undo import UndoAct, UndoPage

router = APIRouter(include_in_schema=False)
Agreed = Annotated[str, Form()]


def undo_page(
    visit: Visit,
    ctx: TransactionContext,
    subscription: Subscription,
    act: UndoAct,
    charge: ChargeAhead | None,
) -> UndoPage:
    """What an undo leads to."""
    email = signed_in(visit).email
    method = ctx.session.get(PaymentMethod, str(subscription.payment_method_id))
    card = card_of(method) if method is not None and charge is not None else None
    if charge is None:
        shown = Shown(act=act, email=email, price="")
    else:
        pays_with = words_of_card(card)
        shown = shown_charge(act, email, charge.plan, charge.price.money, charge.on, card=pays_with)
    return UndoPage(
        email=email,
        act=act,
        amount=charge.price.money if charge else None,
        every=shown.period,
        on=charge.on if charge else None,
        card=card,
        agreed=shown.token(visit.services.site.tokens),
    )


def changed_undo(visit: Visit, view: UndoPage, agreed: str) -> Response | None:
    """The page again, where it differs from what was agreed to."""
    changed = differences(visit.services.site.tokens, agreed, view.agreed)
    return visit.page(replace(view, changed=changed), 409) if changed else None


def _resume_page(visit: Visit, ctx: TransactionContext, subscription: Subscription) -> UndoPage:
    return undo_page(visit, ctx, subscription, "resume", charge_after_undo.of_cancellation(ctx, subscription))


@router.get("/account/resume")
def ask_resume(visit: Visiting) -> Response:
    """The next charge if the cancellation is undone. Raises RedirectReader, NothingToUndo, DisputeOpen."""
    if visit.reader is None:
        return way.sign_in_first(visit, visit.path)
    with visit.read() as ctx:
        return visit.page(_resume_page(visit, ctx, running(visit, ctx.session)))


@router.post("/account/resume")
def resume(visit: Guarded, agreed: Agreed = "") -> Response:
    """Undo a cancellation. Raises RedirectReader, NothingToUndo, DisputeOpen."""
    with visit.begin() as ctx:
        subscription = lock(ctx.session, running(visit, ctx.session).id)
        changed = changed_undo(visit, _resume_page(visit, ctx, subscription), agreed)
        if changed is None:
            undo_for_reader(ctx, subscription.id)
    return changed or visit.go("/account", "resumed")


def _plan_page(visit: Visit, ctx: TransactionContext, subscription: Subscription) -> UndoPage:
    return undo_page(visit, ctx, subscription, "plan kept", charge_after_undo.of_plan(ctx, subscription))


@router.get("/account/plan/undo")
def ask_undo_plan(visit: Visiting) -> Response:
    """The next charge without the change of plan. Raises RedirectReader, NoSwitch."""
    with visit.read() as ctx:
        return visit.page(_plan_page(visit, ctx, running(visit, ctx.session)))


@router.post("/account/plan/undo")
def undo_plan(visit: Guarded, agreed: Agreed = "") -> Response:
    """Undo the change of plan. Raises RedirectReader, NoSwitch."""
    with visit.begin() as ctx:
        subscription = lock(ctx.session, running(visit, ctx.session).id)
        changed = changed_undo(visit, _plan_page(visit, ctx, subscription), agreed)
        if changed is None:
            change_plan.undo(ctx, subscription.id, reason="taken back")
    return changed or visit.go("/account", "plan-kept")


def _pause_page(visit: Visit, ctx: TransactionContext, subscription: Subscription) -> UndoPage:
    act: UndoAct = "pause ended" if subscription.state is State.PAUSED else "pause undone"
    return undo_page(visit, ctx, subscription, act, charge_after_undo.of_pause(ctx, subscription))


@router.get("/account/pause/undo")
def ask_undo_pause(visit: Visiting, article: str = "") -> Response:
    """The next charge without the pause: today, where it runs. `article`: whose wall the reader comes from, and goes back to. Raises
    RedirectReader, NotPaused."""
    way.arrive(visit, article)
    with visit.read() as ctx:
        return visit.page(_pause_page(visit, ctx, running(visit, ctx.session)))


@router.post("/account/pause/undo")
@may_call_gateway
def undo_pause(visit: Guarded, agreed: Agreed = "") -> Response | GatewayCall:
    """Undo the pause; one that runs ends now, and the next period begins with its charge. Raises RedirectReader, NotPaused."""
    with visit.begin() as ctx:
        subscription = lock(ctx.session, running(visit, ctx.session).id)
        changed = changed_undo(visit, _pause_page(visit, ctx, subscription), agreed)
        if changed is not None:
            return changed
        pause.undo(ctx, subscription.id, reason="taken back")
        on = way.back(visit, ctx)
    done = partial(visit.go, on, "pause-over")

    def charge() -> Response:
        run_for(visit.services.run_context, subscription.id, visit.at)
        return done()

    return GatewayCall(visit, charge, when_full=done)  # the worker charges what is due as well
