"""What a reader agreed to, word for word, kept as evidence (CARD-1, CPA-1)."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.readers.models import Consent, ConsentText
from billing.rules.money import Money
from emails.languages import ENGLISH, Language, Text, date_only, named, say


@dataclass(frozen=True, slots=True)
class Terms:
    """The sentence beside a box, and the version of its wording: another wording needs another version. `language` is that of its page.

    `beside` names the versions of the legal documents that were shown with it (`brand.legal.agreed_words`)."""

    version: str
    words: Text
    beside: str = ""
    language: Language = ENGLISH

    def in_language(self, language: Language) -> Self:
        """The same on a page in that language, whose version has a name of its own: "trial-2026-11-af"."""
        version = self.version if language.code == ENGLISH.code else f"{self.version}-{language.code}"
        return replace(self, version=version, language=language)

    @property
    def shown(self) -> str:
        """The sentence, word for word as the page shows it."""
        return self.language.text(self.words)

    @property
    def recorded(self) -> str:
        """All that was agreed to, as it is kept."""
        return f"{self.shown}\n{self.beside}" if self.beside else self.shown


def for_trial(price: Money, period: str, days: int, first_charge_on: date, then: Money | None) -> Terms:
    """To start a trial of a plan paid each `period`. `then`: the price of a month, if months follow a year (CPA-2)."""
    on = date_only(first_charge_on)
    if then is None:
        words = say(
            "Yes, start my %(days)s days free. From %(day)s charge my card %(amount)s incl. VAT every %(period)s until I cancel."
            " If I cancel before then, I pay nothing.",
            days=days,
            day=on,
            amount=price,
            period=named("period", period),
        )
        return Terms("trial-2026-11", words)
    words = say(
        "Yes, start my %(days)s days free. On %(day)s charge my card %(amount)s incl. VAT for a year. It never becomes another year"
        " by itself: it goes on at %(then)s incl. VAT every month until I cancel. If I cancel before the first charge, I pay nothing.",
        days=days,
        day=on,
        amount=price,
        then=then,
    )
    return Terms("trial-year-2026-11", words)


def for_paid(price: Money, period: str, then: Money | None) -> Terms:
    """To start without a trial."""
    if then is None:
        words = say(
            "Yes, charge my card %(amount)s incl. VAT today and every %(period)s until I cancel.",
            amount=price,
            period=named("period", period),
        )
        return Terms("paid-2026-11", words)
    words = say(
        "Yes, charge my card %(amount)s incl. VAT today for a year. It never becomes another year by itself: it goes on at %(then)s"
        " incl. VAT every month until I cancel.",
        amount=price,
        then=then,
    )
    return Terms("paid-year-2026-11", words)


def for_switch(price: Money, period: str, on: date, then: Money | None) -> Terms:
    """To pay by another period, from a day on."""
    if then is None:
        words = say(
            "Yes, on %(day)s charge my card %(amount)s incl. VAT, and the same every %(period)s until I cancel.",
            day=date_only(on),
            amount=price,
            period=named("period", period),
        )
        return Terms("switch-2026-11", words)
    words = say(
        "Yes, on %(day)s charge my card %(amount)s incl. VAT for a year. It never becomes another year by itself: it goes on at"
        " %(then)s incl. VAT every month until I cancel.",
        day=date_only(on),
        amount=price,
        then=then,
    )
    return Terms("switch-year-2026-11", words)


def for_charge_day(price: Money, day: Text, on: date) -> Terms:
    """To be charged on another day of each month, from the day `on`. `day` as in "the 25th"."""
    words = say(
        "Yes, on %(on)s charge my card %(amount)s incl. VAT, and the same on %(day)s of every month until I cancel.",
        on=date_only(on),
        amount=price,
        day=day,
    )
    return Terms("charge-day-2026-11", words)


@dataclass(frozen=True, slots=True)
class GivenBy:
    """The person who agrees, and the network address and device that they use."""

    email: str
    reader_id: str | None
    ip: str
    device: str


def record(
    ctx: TransactionContext, by: GivenBy, kind: str, terms: Terms, price: Money, first_charge_on: date
) -> Consent:
    """Keep the consent: its words by version and hash, price, time, network address and device."""
    text_hash = hashlib.sha256(terms.recorded.encode()).hexdigest()
    text = insert(ConsentText).values(
        text_hash=text_hash, text_version=terms.version, words=terms.recorded, first_used_at=ctx.at
    )
    ctx.session.execute(text.on_conflict_do_nothing(index_elements=["text_hash"]))
    consent = Consent(
        id=ids.new("con", ctx.at),
        email=by.email,
        reader_id=by.reader_id,
        kind=kind,
        text_version=terms.version,
        text_hash=text_hash,
        amount=price.amount,
        currency=price.currency,
        first_charge_on=first_charge_on,
        accepted_at=ctx.at,
        ip=by.ip[:64],
        device=by.device[:300],
    )
    ctx.session.add(consent)
    ctx.session.flush()
    to = f"{kind}/{terms.version}"
    log_event(ctx.session, "consent kept", consent=consent.id, to=to, reader=by.reader_id)
    return consent


def given_by(session: Session, reader_id: str) -> list[tuple[Consent, ConsentText]]:
    """All that a reader agreed to about subscriptions, oldest first, with its words."""
    found = (
        select(Consent, ConsentText)
        .join(ConsentText, col(ConsentText.text_hash) == Consent.text_hash)
        .where(Consent.reader_id == reader_id)
        .order_by(col(Consent.accepted_at), col(Consent.id))
    )
    return list(session.exec(found))
