"""What a reader agreed to, word for word: kept as evidence (CARD-1, CPA-1)."""

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

TRIAL_TERMS = "trial-2026-11"
PAID_TERMS = "paid-2026-11"
TRIAL_YEAR_TERMS = "trial-year-2026-11"
PAID_YEAR_TERMS = "paid-year-2026-11"
SWITCH_TERMS = "switch-2026-11"
SWITCH_YEAR_TERMS = "switch-year-2026-11"


@dataclass(frozen=True, slots=True)
class Terms:
    """The sentence beside a box, and the version of its wording."""

    version: str
    words: str


def for_trial(price: Money, period: str, days: int, first_charge_on: date, then: Money | None) -> Terms:
    """To start a trial of a plan paid each `period`; with `then`, the price of a month, that is a year, and months follow (CPA-2)."""
    if then is None:
        return Terms(TRIAL_TERMS, trial_words(price, period, days, first_charge_on))
    words = (
        f"Yes, start my {days} days free. On {first_charge_on:%-d %B %Y} charge my card {price.with_vat_words()} for a year. "
        f"{_after_a_year(then)} If I cancel before the first charge, I pay nothing."
    )
    return Terms(TRIAL_YEAR_TERMS, words)


def for_paid(price: Money, period: str, then: Money | None) -> Terms:
    """To start without a trial."""
    if then is None:
        return Terms(PAID_TERMS, paid_words(price, period))
    words = f"Yes, charge my card {price.with_vat_words()} today for a year. {_after_a_year(then)}"
    return Terms(PAID_YEAR_TERMS, words)


def for_switch(price: Money, period: str, on: date, then: Money | None) -> Terms:
    """To pay by another period, from a day on."""
    begin = f"Yes, on {on:%-d %B %Y} charge my card {price.with_vat_words()}"
    if then is None:
        return Terms(SWITCH_TERMS, f"{begin}, and the same every {period} until I cancel.")
    return Terms(SWITCH_YEAR_TERMS, f"{begin} for a year. {_after_a_year(then)}")


def _after_a_year(then: Money) -> str:
    return f"It never becomes another year by itself: it goes on at {then.with_vat_words()} every month until I cancel."


def trial_words(price: Money, period: str, days: int, first_charge_on: date) -> str:
    """The sentence beside the box that starts a trial."""
    return (
        f"Yes, start my {days} days free. From {first_charge_on:%-d %B %Y} charge my card {price.with_vat_words()} "
        f"every {period} until I cancel. If I cancel before then, I pay nothing."
    )


def paid_words(price: Money, period: str) -> str:
    """The sentence beside the box that starts without a trial."""
    return f"Yes, charge my card {price.with_vat_words()} today and every {period} until I cancel."


def record(
    ctx: TransactionContext,
    *,
    email: str,
    reader_id: str | None,
    kind: str,
    text_version: str,
    words: str,
    price: Money,
    first_charge_on: date,
    ip: str,
    device: str,
) -> Consent:
    """Keep the consent: its words, by version and hash, price, time, network address and device."""
    text_hash = hashlib.sha256(words.encode()).hexdigest()
    kept = insert(ConsentText).values(
        text_hash=text_hash, text_version=text_version, words=words, first_used_at=ctx.at
    )
    ctx.session.execute(kept.on_conflict_do_nothing(index_elements=["text_hash"]))
    consent = Consent(
        id=ids.new("con", ctx.at),
        email=email,
        reader_id=reader_id,
        kind=kind,
        text_version=text_version,
        text_hash=text_hash,
        amount=price.amount,
        currency=price.currency,
        first_charge_on=first_charge_on,
        accepted_at=ctx.at,
        ip=ip[:64],
        device=device[:300],
    )
    ctx.session.add(consent)
    ctx.session.flush()
    log_event(ctx.session, "consent kept", consent=consent.id, to=f"{kind}/{text_version}", reader=reader_id)
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
