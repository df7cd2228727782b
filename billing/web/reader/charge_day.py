"""The day of the month on which a reader pays: the days to choose from, the review of one, and its undo."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.changes import charge_after_undo, charge_day
from billing.changes.charge_day import ChosenDay
from billing.notices.charge_day import day_in_words
from billing.payments import vat_rates
from billing.platform.context import TransactionContext
from billing.readers import consents
from billing.rules import tax
from billing.rules.charge_day import choosable_from
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader.agreement import language_shown, shown_charge, signed_review, words_of_day
from billing.web.reader.choices import unless_agreed
from billing.web.reader.guard import running, signed_in
from billing.web.reader.undoing import Agreed, changed_undo, undo_page
from billing.web.views.charge_day import DayOption, DayPage, DaysPage
from billing.web.views.undo import UndoPage
from emails.languages import amount

router = APIRouter(include_in_schema=False)
NONE = 0
"""No day was chosen yet: no month has it."""


@router.get("/account/charge-day")
def ask_charge_day(visit: Visiting, day: Annotated[int, Query(ge=0, le=31)] = NONE) -> Response:
    """The days to choose from; with a day, what it means. Raises RedirectReader, and as `charge_day.preview`."""
    with visit.read() as ctx:
        subscription = running(visit, ctx.session)
        if day:
            return visit.page(_review(visit, ctx, charge_day.preview(ctx, subscription, day)))
        found = charge_day.previews(ctx, subscription)
        return visit.page(
            DaysPage(
                email=signed_in(visit).email,
                last_day=charge_day.refuse(ctx, subscription) - timedelta(days=1),
                now=day_in_words(subscription.charge_on.day),
                options=tuple(_option(chosen) for chosen in found),
            )
        )


def _option(chosen: ChosenDay) -> DayOption:
    return DayOption(day=chosen.day, words=day_in_words(chosen.day), on=chosen.on, free_days=chosen.free_days)


def _terms(chosen: ChosenDay) -> consents.Terms:
    return consents.for_charge_day(chosen.price.money, day_in_words(chosen.day), chosen.on)


def _review(visit: Visit, ctx: TransactionContext, chosen: ChosenDay) -> DayPage:
    email, terms = signed_in(visit).email, _terms(chosen)
    vat = tax.split(chosen.price.money, vat_rates.rate_on(ctx.session, chosen.on)).vat
    more = {"vat": amount(str(vat)), "days": words_of_day(chosen.before)}
    shown = shown_charge("day", email, chosen.plan, chosen.price.money, chosen.on, **more)
    return DayPage(
        email=email,
        option=_option(chosen),
        amount=chosen.price.money,
        vat=vat,
        last_day=chosen.before - timedelta(days=1),
        free_from=chosen.before,
        again_on=choosable_from(ctx.today),
        consent_text=terms.words,
        agreed=signed_review(visit.services.site.tokens, shown, terms),
    )


@router.post("/account/charge-day")
def choose_charge_day(
    visit: Guarded,
    day: Annotated[int, Form(ge=0, le=31)] = NONE,
    consent: Annotated[str, Form(max_length=40)] = "",
    agreed: Annotated[str, Form()] = "",
) -> Response:
    """Choose it: the consent is kept with its words, the price and the day of the next charge. Raises as `ask_charge_day`."""
    with visit.begin() as ctx:
        subscription, reader = lock(ctx.session, running(visit, ctx.session).id), signed_in(visit)
        chosen = charge_day.preview(ctx, subscription, day)
        again = unless_agreed(visit, _review(visit, ctx, chosen), agreed, consent)
        if again is not None:
            return again
        given_by = consents.GivenBy(reader.email, reader.id, visit.ip, visit.device)
        terms = _terms(chosen).in_language(language_shown(visit.services.site, agreed))
        consents.record(ctx, given_by, "charge-day", terms, chosen.price.money, chosen.on)
        charge_day.choose(ctx, subscription.id, day, reason="chosen on the account page")
    return visit.go("/account", "charge-day")


def _undo_page(visit: Visit, ctx: TransactionContext, subscription: Subscription) -> UndoPage:
    return undo_page(visit, ctx, subscription, "day kept", charge_after_undo.of_day(ctx, subscription))


@router.get("/account/charge-day/undo")
def ask_undo_day(visit: Visiting) -> Response:
    """The next charge without the new day. Raises RedirectReader, and as `charge_day.refuse_undo`."""
    with visit.read() as ctx:
        return visit.page(_undo_page(visit, ctx, running(visit, ctx.session)))


@router.post("/account/charge-day/undo")
def undo_day(visit: Guarded, agreed: Agreed = "") -> Response:
    """Undo the choice of the day. Raises as `ask_undo_day`."""
    with visit.begin() as ctx:
        subscription = lock(ctx.session, running(visit, ctx.session).id)
        changed = changed_undo(visit, _undo_page(visit, ctx, subscription), agreed)
        if changed is None:
            charge_day.undo(ctx, subscription.id, reason="taken back")
    return changed or visit.go("/account", "day-kept")
