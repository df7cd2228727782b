"""What a reader agrees to is what the page has shown. The form returns that, signed; anything that differs by then refuses it.

A price, a day or a plan can change while a page is open: at midnight, in another tab, by the publisher. Then nothing is
recorded, and the page comes again, with what has changed in sentences."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Literal, Self

from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.readers.consents import Terms
from billing.rules.money import Money
from billing.subscriptions.find import AnyPlan
from billing.web.views.frame import Card
from billing.web.views.undo import UndoAct
from emails.languages import ENGLISH, NO_WORDS, Language, Text, full_day, load_text, named, say, store_text

PURPOSE = "agreed"
Act = Literal["trial", "paid", "switch", "day", "pause", "pay"] | UndoAct
NOT_SHOWN = say(
    "We can’t check what this page showed before you pressed the button. This is how it stands now."
)
OTHERWISE = say("Something on this page has changed. Please read it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows before its reader agrees to a charge, as it is written there. Empty: the page doesn't show that.

    `plan` is its id, `then` the price after a fixed term, `free` the length of a trial, `days` all days but that of the charge,
    `words` the sentence beside the box in the page's `language`, `documents` the versions of the terms there."""

    act: Act
    price: str
    email: str = ""
    plan: str = ""
    period: str = ""
    charge_on: str = ""
    vat: str = ""
    then: str = ""
    free: str = ""
    days: str = ""
    card: str = ""
    words: str = ""
    documents: str = ""
    language: str = ENGLISH.code

    def token(self, tokens: Tokens) -> str:
        """The signed copy for the form."""
        packed = {field.name: _packed(getattr(self, field.name)) for field in fields(self)}
        return tokens.token(PURPOSE, base64.urlsafe_b64encode(json.dumps(packed).encode()).decode())

    @classmethod
    def of(cls, tokens: Tokens, token: str) -> Self | None:
        """What the token is a copy of; None for one that is missing, forged, or made by another release."""
        packed = tokens.subject_of(PURPOSE, token)
        if packed is None:
            return None
        found = json.loads(base64.urlsafe_b64decode(packed))
        if set(found) != {field.name for field in fields(cls)}:
            return None
        values: dict[str, Any] = {
            name: load_text(value) if isinstance(value, dict) else value for name, value in found.items()
        }
        return cls(**values)


def shown_charge(act: Act, email: str, plan: AnyPlan, price: Money, on: date, **more: str) -> Shown:
    """What a page shows of the charge that it is about, by its plan and on its day. `more`: what it shows besides."""
    return Shown(
        act=act,
        email=email,
        plan=plan.id,
        period=plan.period_label,
        price=words_of_money(price),
        charge_on=words_of_day(on),
        **more,
    )


def signed_review(tokens: Tokens, shown: Shown, terms: Terms) -> Callable[[Language], str]:
    """Makes the signed copy of a review, with the sentence beside its box, in the language in which the page is rendered."""
    return lambda language: replace(
        shown, words=terms.in_language(language).shown, language=language.code
    ).token(tokens)


def _packed(value: str) -> str | dict[str, Any]:
    return store_text(value) if isinstance(value, Text) else value


def language_shown(site: Site, agreed: str) -> Language:
    """The language of the page that was agreed to, whatever has been chosen since: its words are what is recorded."""
    shown = Shown.of(site.tokens, agreed)
    if shown is None or shown.language == ENGLISH.code:
        return ENGLISH
    return site.languages.of(shown.language)


def words_of_card(card: Card | None) -> Text:
    """A card as pages name it, or nothing."""
    return say("%(brand)s ending in %(last4)s", brand=card.brand, last4=card.last4) if card else NO_WORDS


def words_of_money(money: Money | None) -> Text:
    """A sum as pages name it, or nothing."""
    return say("%(amount)s incl. VAT", amount=money) if money else NO_WORDS


def words_of_day(day: date) -> Text:
    """A day as pages name it."""
    return full_day(day)


def differences(tokens: Tokens, agreed: str, page: str) -> tuple[Text, ...]:
    """What differs between the page that was agreed to and the page as it is now, in sentences; empty where nothing does. Both are
    given as the signed copy in their forms."""
    was, now = Shown.of(tokens, agreed), Shown.of(tokens, page)
    if was is None or now is None:
        return (NOT_SHOWN,)
    if was == now:
        return ()
    if was.act != now.act and not {was.act, now.act} <= _STARTS:
        return (NOT_SHOWN,)
    return tuple(_sentences(was, now)) or (OTHERWISE,)


_STARTS = {"trial", "paid"}


def _sentences(was: Shown, now: Shown) -> Iterator[Text]:
    if was.email != now.email:
        yield say(
            "The email address is now %(now)s instead of %(was)s: it was changed in another tab.",
            now=now.email,
            was=was.email,
        )
    if now.act == "pay" and was.days != now.days:
        yield say("This is another payment: it is for %(now)s, not for %(was)s.", now=now.days, was=was.days)
    if was.act != now.act:
        if now.act == "trial":
            yield say("The subscription now starts with a free trial.")
        else:
            yield say("The subscription now starts at once, without a free trial.")
    if was.plan != now.plan:
        period = named("period", now.period)
        yield say(
            "The plan is now the one paid by the %(period)s: it was changed in another tab.", period=period
        )
    if was.price != now.price:
        yield say("The price is now %(now)s instead of %(was)s.", now=now.price, was=was.price)
    elif was.vat != now.vat:
        yield say("The VAT in the price is now %(now)s instead of %(was)s.", now=now.vat, was=was.vat)
    if was.plan == now.plan and was.then != now.then:
        yield say("After the year, a month is now %(now)s instead of %(was)s.", now=now.then, was=was.then)
    yield from _days(was, now)
    if was.card != now.card:
        yield _card(was, now)
    if was.documents != now.documents:
        yield say("Our terms have changed since you opened this page. Please read them again.")


def _days(was: Shown, now: Shown) -> Iterator[Text]:
    if was.free != now.free and was.act == now.act:
        yield say("The free trial is now %(now)s instead of %(was)s.", now=now.free, was=was.free)
    if was.charge_on == now.charge_on:
        return
    alike = (was.act, was.free, was.plan) == (now.act, now.free, now.plan)
    if now.act not in _STARTS:
        yield say(
            "The next charge is now on %(now)s instead of %(was)s.", now=now.charge_on, was=was.charge_on
        )
    elif alike:
        yield say("The first charge is now on %(day)s, because a new day has begun.", day=now.charge_on)
    else:
        yield say(
            "The first charge is now on %(now)s instead of %(was)s.", now=now.charge_on, was=was.charge_on
        )


def _card(was: Shown, now: Shown) -> Text:
    if not now.card:
        return say("%(card)s is not charged any more: you give a card on the next page.", card=was.card)
    if was.card:
        return say("The card is now %(now)s instead of %(was)s.", now=now.card, was=was.card)
    return say("The card is now %(card)s, which you gave before.", card=now.card)
