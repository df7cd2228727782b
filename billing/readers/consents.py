"""What a reader agreed to, word for word, kept as evidence (CARD-1, CPA-1)."""

import hashlib
from dataclasses import dataclass
from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.readers.models import Consent, ConsentText
from billing.rules.money import Money


@dataclass(frozen=True, slots=True)
class Terms:
    """The sentence beside a box, and the version of its wording: another wording needs another version.

    `beside` names the versions of the legal documents that were shown with it (`brand.legal.agreed_words`)."""

    version: str
    words: str
    beside: str = ""

    @property
    def recorded(self) -> str:
        """All that was agreed to, as it is kept."""
        return f"{self.words}\n{self.beside}" if self.beside else self.words


def for_trial(price: Money, period: str, days: int, first_charge_on: date, then: Money | None) -> Terms:
    """To start a trial of a plan paid each `period`. `then`: the price of a month, if months follow a year (CPA-2)."""
    if then is None:
        words = (
            f"Yes, start my {days} days free. From {first_charge_on:%-d %B %Y} charge my card {price.with_vat_words()} "
            f"every {period} until I cancel. If I cancel before then, I pay nothing."
        )
        return Terms("trial-2026-11", words)
    words = (
        f"Yes, start my {days} days free. On {first_charge_on:%-d %B %Y} charge my card {price.with_vat_words()} for a year. "
        f"{_after_a_year(then)} If I cancel before the first charge, I pay nothing."
    )
    return Terms("trial-year-2026-11", words)


def for_paid(price: Money, period: str, then: Money | None) -> Terms:
    """To start without a trial."""
    if then is None:
        words = f"Yes, charge my card {price.with_vat_words()} today and every {period} until I cancel."
        return Terms("paid-2026-11", words)
    words = f"Yes, charge my card {price.with_vat_words()} today for a year. {_after_a_year(then)}"
    return Terms("paid-year-2026-11", words)


def for_switch(price: Money, period: str, on: date, then: Money | None) -> Terms:
    """To pay by another period, from a day on."""
    begin = f"Yes, on {on:%-d %B %Y} charge my card {price.with_vat_words()}"
    if then is None:
        return Terms("switch-2026-11", f"{begin}, and the same every {period} until I cancel.")
    return Terms("switch-year-2026-11", f"{begin} for a year. {_after_a_year(then)}")


def for_charge_day(price: Money, day: str, on: date) -> Terms:
    """To be charged on another day of each month (`charge_day.in_words`), from the day `on`."""
    words = f"Yes, on {on:%-d %B %Y} charge my card {price.with_vat_words()}, and the same on {day} of every month until I cancel."
    return Terms("charge-day-2026-11", words)


def _after_a_year(then: Money) -> str:
    return f"It never becomes another year by itself: it goes on at {then.with_vat_words()} every month until I cancel."


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
