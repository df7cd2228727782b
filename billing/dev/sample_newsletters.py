"""The demo's newsletters, and sample addresses on their lists."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.newsletters.models import Audience, Newsletter, NewsletterKind
from billing.newsletters.signups import TEXT_VERSION, words

_SAMPLES = (
    (
        "first-light",
        "First Light",
        "What happened overnight and what today will bring, in four minutes over coffee.",
        "Weekdays at six",
        Audience.EVERYONE,
    ),
    (
        "water-and-weather",
        "Water & Weather",
        "Dam levels, rain, wind and what they mean for farms and towns from the Swartberg to the coast.",
        "Mondays and Thursdays",
        Audience.EVERYONE,
    ),
    (
        "the-long-read",
        "The Long Read",
        "One story worth an evening, chosen by the editors, with a note on how it was reported.",
        "Saturday mornings",
        Audience.EVERYONE,
    ),
    (
        "from-the-newsroom",
        "From the Newsroom",
        "A letter to those who pay for our work: what we are digging into, what went wrong, and what you asked us.",
        "Every second Friday",
        Audience.SUBSCRIBERS,
    ),
)
FOR_SUBSCRIBERS = "from-the-newsroom"
DOMAIN = "readers.example"


def samples() -> list[Newsletter]:
    """The newsletters as rows. All are editorial; none is marketing (C4)."""
    return [
        Newsletter(
            id=name,
            name=title,
            description=description,
            rhythm=rhythm,
            audience=audience,
            kind=NewsletterKind.EDITORIAL,
            position=position,
        )
        for position, (name, title, description, rhythm, audience) in enumerate(_SAMPLES)
    ]


def newsletters(session: Session) -> None:
    """Add missing sample newsletters."""
    for sample in samples():
        if session.get(Newsletter, sample.id) is None:
            session.add(sample)
    session.flush()


_PEOPLE = """
    INSERT INTO signup (id, newsletter_id, address, address_key, state, asked_at, words, text_version, source, ip, device, changed_at)
    SELECT 'sgn_sample' || lpad(CAST(n AS text), 8, '0') || :newsletter, :newsletter, p.address, p.address,
           'confirmed', :at, :words, :version, 'sample', '', '', :at
    FROM generate_series(CAST(1 AS integer), CAST(:count AS integer)) AS n
    CROSS JOIN LATERAL (SELECT 'reader-' || lpad(CAST(n AS text), greatest(4, length(CAST(n AS text))), '0')
                               || '@' || :domain AS address) p
    ON CONFLICT DO NOTHING
"""


def people(session: Session, newsletter_id: str, count: int, at: datetime) -> int:
    """Add sample addresses, which don't exist, to a list; return how many are new."""
    name = session.get_one(Newsletter, newsletter_id).name
    done = session.connection().execute(
        sa.text(_PEOPLE),
        {
            "newsletter": newsletter_id,
            "domain": DOMAIN,
            "count": count,
            "at": at,
            "words": words(name),
            "version": TEXT_VERSION,
        },
    )
    return done.rowcount
