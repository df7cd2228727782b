"""What a reader agrees to is what the page has shown. The form returns that, signed; anything that differs by then refuses it.

A price, a day or a plan can change while a page is open: at midnight, in another tab, by the publisher. Then nothing is
recorded, and the page comes again, with what has changed in sentences."""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Literal, Self

from billing.platform.tokens import Tokens
from billing.rules.money import Money
from billing.web.views.choices import UndoAct
from billing.web.views.frame import Card

PURPOSE = "agreed"
Act = Literal["trial", "paid", "switch", "day", "pause", "pay"] | UndoAct
NOT_SHOWN = "We can’t check what this page showed before you pressed the button. This is how it stands now."
OTHERWISE = "Something on this page has changed. Please read it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows before its reader agrees to a charge, as it is written there. Empty: the page doesn't show that.

    `plan` is its id, `then` the price after a fixed term, `free` the length of a trial, `days` all days but that of the charge,
    `words` the sentence beside the box, `documents` the versions of the terms there."""

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

    def token(self, tokens: Tokens) -> str:
        """The signed copy for the form."""
        return tokens.token(PURPOSE, base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode())

    @classmethod
    def of(cls, tokens: Tokens, token: str) -> Self | None:
        """What the token is a copy of; None for one that is missing, forged, or made by another release."""
        packed = tokens.subject_of(PURPOSE, token)
        if packed is None:
            return None
        found = json.loads(base64.urlsafe_b64decode(packed))
        return cls(**found) if set(found) == {field.name for field in fields(cls)} else None


def words_of_card(card: Card | None) -> str:
    """A card as pages name it, or nothing."""
    return f"{card.brand} ending in {card.last4}" if card else ""


def words_of_money(money: Money | None) -> str:
    """A sum as pages name it, or nothing."""
    return money.with_vat_words() if money else ""


def words_of_day(day: date) -> str:
    """A day as pages name it."""
    return f"{day:%A %-d %B %Y}"


def differences(tokens: Tokens, agreed: str, page: str) -> tuple[str, ...]:
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


def _sentences(was: Shown, now: Shown) -> Iterator[str]:
    if was.email != now.email:
        yield f"The email address is now {now.email} instead of {was.email}: it was changed in another tab."
    if now.act == "pay" and was.days != now.days:
        yield f"This is another payment: it is for {now.days}, not for {was.days}."
    if was.act != now.act:
        trial = "with a free trial" if now.act == "trial" else "at once, without a free trial"
        yield f"The subscription now starts {trial}."
    if was.plan != now.plan:
        yield f"The plan is now the one paid by the {now.period}: it was changed in another tab."
    if was.price != now.price:
        yield f"The price is now {now.price} instead of {was.price}."
    elif was.vat != now.vat:
        yield f"The VAT in the price is now {now.vat} instead of {was.vat}."
    if was.plan == now.plan and was.then != now.then:
        yield f"After the year, a month is now {now.then} instead of {was.then}."
    yield from _days(was, now)
    if was.card != now.card:
        yield _card(was, now)
    if was.documents != now.documents:
        yield "Our terms have changed since you opened this page. Please read them again."


def _days(was: Shown, now: Shown) -> Iterator[str]:
    if was.free != now.free and was.act == now.act:
        yield f"The free trial is now {now.free} instead of {was.free}."
    if was.charge_on == now.charge_on:
        return
    charge = "first charge" if now.act in _STARTS else "next charge"
    alike = (was.act, was.free, was.plan) == (now.act, now.free, now.plan)
    if now.act in _STARTS and alike:
        yield f"The {charge} is now on {now.charge_on}, because a new day has begun."
    else:
        yield f"The {charge} is now on {now.charge_on} instead of {was.charge_on}."


def _card(was: Shown, now: Shown) -> str:
    if not now.card:
        return f"{was.card} is not charged any more: you give a card on the next page."
    return (
        f"The card is now {now.card}{f' instead of {was.card}' if was.card else ', which you gave before'}."
    )
