"""What a reader chooses on the account: another plan from the next charge on, a pause. `undoing` takes either back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.brand import legal
from billing.brand.models import LegalDocument
from billing.changes import change_plan, charge_day, pause
from billing.changes.change_plan import Switch
from billing.notices.charge_day import day_in_words
from billing.payments import vat_rates
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal, allows
from billing.readers import consents
from billing.rules import tax
from billing.rules.lifecycle import State
from billing.subscriptions.change import lock
from billing.subscriptions.find import OnOffer, terms_on
from billing.subscriptions.models import Subscription, TermsChangeReason
from billing.subscriptions.offer import offer_of
from billing.subscriptions.schedule import pause_is_ahead
from billing.web.kit.problems import words_of
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader.agreement import (
    differences,
    language_shown,
    shown_charge,
    signed_review,
    words_of_day,
)
from billing.web.reader.guard import running, signed_in
from billing.web.views.charge_day import DayPage
from billing.web.views.choices import Choices, PausePage, PlanOption, PlanPage
from emails import LegalLink
from emails.languages import Text, amount, named, say

router = APIRouter(include_in_schema=False)
PLAN_ID = r"^[a-z0-9-]{0,40}$"


def choices(
    ctx: TransactionContext, subscription: Subscription | None, offered: Sequence[OnOffer]
) -> Choices | None:
    """For the account page, among these plans on offer; None without a running subscription."""
    s = subscription
    if s is None or s.state is State.PAST_DUE or s.cancels_at is not None:
        return None
    # one chosen within the last twelve months is refused on its page, with the day from which another is possible
    can_choose, can_undo = allows(charge_day.refuse, ctx, s), allows(charge_day.refuse_undo, ctx, s)
    found = Choices(
        ahead=_ahead(ctx, s),
        can_undo_plan=allows(change_plan.refuse_undo, s),
        plans=_options(ctx, s, offered),
        plan_stays=_plan_stays(s, offered),
        charge_day=day_in_words(s.charge_on.day) if can_choose or can_undo else None,
        can_choose_day=can_choose and not can_undo,
        can_undo_day=can_undo,
        can_pause=allows(pause.preview, ctx.site, s, 1, ctx.at, most=ctx.site.policy.pause_months),
        pause="running" if s.state is State.PAUSED else "ahead" if pause_is_ahead(s) else "none",
    )
    return None if s.state is State.TRIALING and found == _NOTHING else found


_NOTHING = Choices(ahead=None, can_undo_plan=False, plans=(), can_pause=False, pause="none")


def _is_switching(s: Subscription) -> bool:
    return s.next_terms_because is TermsChangeReason.SWITCH


def _plan_stays(s: Subscription, offered: Sequence[OnOffer]) -> Text | None:
    """Why no plan can be chosen although there are several: the first charge has been announced."""
    if len(offered) < 2:
        return None
    try:
        change_plan.refuse_announced(s)
    except Refusal as refusal:
        return words_of(refusal)
    return None


def _ahead(ctx: TransactionContext, s: Subscription) -> Text | None:
    if s.next_terms_on is None:
        return None
    plan, price = terms_on(ctx.session, s, s.next_terms_on)
    begins_on = max(s.next_terms_on, s.period_end_on or s.next_terms_on)  # more days came after the notice
    return say(
        "From %(day)s you pay %(amount)s incl. VAT a %(period)s.",
        day=begins_on,
        amount=price.money,
        period=named("period", plan.period_label),
    )


def _options(ctx: TransactionContext, s: Subscription, offered: Sequence[OnOffer]) -> tuple[PlanOption, ...]:
    """The plans to change to. Where a change is ahead, the plan before it comes back by undoing that, at its own price."""
    undone = change_plan.plan_without_switch(ctx.session, s) if _is_switching(s) else None
    try:
        found = change_plan.previews(ctx, s, offered)
        return tuple(_option(switch) for switch in found if switch.plan.id != undone)
    except Refusal:
        return ()


def _option(switch: Switch) -> PlanOption:
    return PlanOption(
        plan_id=switch.plan.id,
        every=switch.plan.period_label,
        amount=switch.price.money,
        on=switch.on,
        is_fixed_term=switch.plan.then_plan_id is not None,
        undo_until=switch.undo_until,
    )


@router.get("/account/plan")
def ask_plan(visit: Visiting, to: Annotated[str, Query(pattern=PLAN_ID)] = "") -> Response:
    """What another plan costs, and from when, before it is chosen. Raises RedirectReader, and as `change_plan.preview`."""
    with visit.read() as ctx:
        switch = change_plan.preview(ctx, running(visit, ctx.session), to)
        return visit.page(_plan_page(visit, ctx, switch, visit.services.publisher.house.documents))


def _terms(ctx: TransactionContext, switch: Switch) -> consents.Terms:
    offer = offer_of(ctx, (switch.plan, switch.price))
    return consents.for_switch(offer.amount, offer.plan.period_label, switch.on, offer.then_amount)


def _plan_page(
    visit: Visit, ctx: TransactionContext, switch: Switch, documents: Sequence[LegalDocument | LegalLink]
) -> PlanPage:
    email, terms = signed_in(visit).email, _terms(ctx, switch)
    vat = tax.split(switch.price.money, vat_rates.rate_on(ctx.session, switch.on)).vat
    more = {"vat": amount(str(vat)), "documents": legal.shown(documents)}
    shown = shown_charge("switch", email, switch.plan, switch.price.money, switch.on, **more)
    return PlanPage(
        email=email,
        option=_option(switch),
        vat=vat,
        consent_text=terms.words,
        agreed=signed_review(visit.services.site.tokens, shown, terms),
    )


def unless_agreed(visit: Visit, view: PlanPage | DayPage, agreed: str, consent: str) -> Response | None:
    """The review again: its box isn't ticked, or what it shows has changed since `agreed`. None where the reader agrees to it."""
    tokens, language = visit.services.site.tokens, language_shown(visit.services.site, agreed)
    view = replace(view, changed=differences(tokens, agreed, view.agreed(language)))
    if consent != "yes":
        words = say("Please tick the box to agree, or go back: nothing has changed.")
        return visit.page(replace(view, error=words), 422)
    return visit.page(view, 409) if view.changed else None


@router.post("/account/plan")
def choose_plan(
    visit: Guarded,
    to: Annotated[str, Form(pattern=PLAN_ID)] = "",
    consent: Annotated[str, Form(max_length=40)] = "",
    agreed: Annotated[str, Form()] = "",
) -> Response:
    """Choose it: the consent to what was shown is kept with its words, the price and the day (CPA-1). Raises as `ask_plan`."""
    with visit.begin() as ctx:
        subscription, reader = lock(ctx.session, running(visit, ctx.session).id), signed_in(visit)
        switch = change_plan.preview(ctx, subscription, to)
        documents = legal.in_force(ctx.session)
        again = unless_agreed(visit, _plan_page(visit, ctx, switch, documents), agreed, consent)
        if again is not None:
            return again
        given_by = consents.GivenBy(reader.email, reader.id, visit.ip, visit.device)
        terms = replace(_terms(ctx, switch), beside=legal.agreed_words(documents))
        terms = terms.in_language(language_shown(visit.services.site, agreed))
        consents.record(ctx, given_by, "switch", terms, switch.price.money, switch.on)
        change_plan.choose_plan(ctx, subscription.id, to, reason="chosen on the account page")
    return visit.go("/account", "plan")


@router.get("/account/pause")
def ask_pause(visit: Visiting) -> Response:
    """How long, and what happens then. Raises RedirectReader, and as `pause.preview`."""
    with visit.read() as ctx:
        return visit.page(_pause_page(visit, ctx, running(visit, ctx.session)))


def _pause_page(visit: Visit, ctx: TransactionContext, subscription: Subscription) -> PausePage:
    most = ctx.site.policy.pause_months
    # where pauses aren't offered, the preview of the first month raises BadPause
    options = tuple(
        pause.preview(ctx.site, subscription, months, ctx.at, most=most)
        for months in range(1, max(1, most) + 1)
    )
    plan, price = terms_on(ctx.session, subscription, options[0].resumes_on)
    days = ", ".join(words_of_day(option.resumes_on) for option in options)
    email, first = signed_in(visit).email, options[0].resumes_on
    shown = shown_charge("pause", email, plan, price.money, first, days=days)
    return PausePage(
        email=shown.email,
        last_day=options[0].start_on - timedelta(days=1),
        amount=price.money,
        options=options,
        agreed=shown.token(visit.services.site.tokens),
    )


@router.post("/account/pause")
def choose_pause(
    visit: Guarded, months: Annotated[int, Form()] = 1, agreed: Annotated[str, Form()] = ""
) -> Response:
    """Pause from the end of what is paid, to the charge that was shown. Raises as `ask_pause`."""
    with visit.begin() as ctx:
        subscription = lock(ctx.session, running(visit, ctx.session).id)
        view = _pause_page(visit, ctx, subscription)
        changed = differences(visit.services.site.tokens, agreed, view.agreed)
        if changed:
            return visit.page(replace(view, changed=changed), 409)
        pause.request_pause(
            ctx,
            subscription.id,
            months,
            reason="asked for on the account page",
            most=ctx.site.policy.pause_months,
        )
    return visit.go("/account", "paused")
