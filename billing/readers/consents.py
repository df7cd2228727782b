"""What a reader agreed to, word for word: kept as evidence (CARD-1, CPA-1)."""

import hashlib
from datetime import date, datetime

from sqlmodel import Session

from billing import ids
from billing.readers.models import Consent
from billing.rules.money import Money

TRIAL_TERMS = "trial-2026-11"
PAID_TERMS = "paid-2026-11"


def trial_words(price: Money, days: int, first_charge_on: date) -> str:
    """The sentence beside the box that starts a trial."""
    return (
        f"Yes, start my {days} days free. From {first_charge_on:%-d %B %Y} charge my card {price.with_vat_words()} "
        "every month until I cancel. If I cancel before then, I pay nothing."
    )


def paid_words(price: Money) -> str:
    """The sentence beside the box that starts without a trial."""
    return f"Yes, charge my card {price.with_vat_words()} today and every month until I cancel."


def record(
    session: Session,
    *,
    email: str,
    reader_id: str | None,
    kind: str,
    text_version: str,
    words: str,
    price: Money,
    first_charge_on: date,
    at: datetime,
    ip: str,
    device: str,
) -> Consent:
    """Keep the consent: text by version and hash, price, time, network address and device."""
    consent = Consent(
        id=ids.new("con", at),
        email=email,
        reader_id=reader_id,
        kind=kind,
        text_version=text_version,
        text_hash=hashlib.sha256(words.encode()).hexdigest(),
        amount=price.amount,
        currency=price.currency,
        first_charge_on=first_charge_on,
        accepted_at=at,
        ip=ip[:64],
        device=device[:300],
    )
    session.add(consent)
    session.flush()
    return consent
