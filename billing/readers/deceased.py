"""Readers who have died: who is written to in their place. Their own address gets no mail at all (see `mail/suppressions`)."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.platform import ids
from billing.platform.actors import ActedBy, acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.readers import sessions
from billing.readers.address_change import earlier_addresses
from billing.readers.models import Reader
from billing.readers.register import clean_address
from billing.rules.card_numbers import without_card_numbers

LONGEST_NAME = 100


class DeceasedReader(ActedBy, table=True):
    """A death that staff recorded, and the executor or relative who gets what is still owed to the reader by mail."""

    __tablename__ = "deceased_reader"
    __table_args__ = (
        sa.Index(
            "one_standing_death", "reader_id", unique=True, postgresql_where=sa.text("taken_back_at IS NULL")
        ),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    recorded_at: datetime
    counts_from: datetime
    """From when the subscription counts as cancelled."""
    correspondent_name: str
    correspondent_email: str
    reason: str
    taken_back_at: datetime | None = None
    """When staff took it back, as a mistake."""


class DeathRecorded(Conflict):
    """The death of this reader is recorded already."""

    code = "death_recorded"


class NoDeathRecorded(Conflict):
    """No death of this reader is recorded."""

    code = "no_death_recorded"


class ReaderHasDied(Conflict):
    """This reader has died, so no mail goes to them. Their page says whom to write to."""

    code = "reader_has_died"


class NoCorrespondent(Invalid):
    """Give the name of the executor or relative, up to 100 letters, and an address other than the reader’s."""

    code = "no_correspondent"


def of(session: Session, reader_id: str) -> DeceasedReader | None:
    """The standing record of the reader's death, if there is one."""
    return session.exec(_STANDING.where(DeceasedReader.reader_id == reader_id)).first()


def refuse(session: Session, reader_id: str) -> None:
    """Raises ReaderHasDied where a death is recorded."""
    if of(session, reader_id) is not None:
        raise ReaderHasDied


_STANDING = select(DeceasedReader).where(col(DeceasedReader.taken_back_at).is_(None))


def among(session: Session, reader_ids: Collection[str | None]) -> set[str]:
    """Which of these readers have died."""
    rows = session.exec(_STANDING.where(col(DeceasedReader.reader_id).in_(set(reader_ids))))
    return {row.reader_id for row in rows}


def check(session: Session, reader: Reader, name: str, email: str) -> tuple[str, str]:
    """The correspondent's name and address as they are kept. Raises DeathRecorded, NoCorrespondent, BadAddress."""
    if of(session, reader.id) is not None:
        raise DeathRecorded
    name = without_card_numbers(" ".join(name.split()))
    if not name or len(name) > LONGEST_NAME:
        raise NoCorrespondent
    email = clean_address(email)
    if suppressions.key_of(email) == suppressions.key_of(reader.email):
        raise NoCorrespondent
    return name, email


def record(
    ctx: TransactionContext, reader: Reader, *, counts_from: datetime, name: str, email: str, reason: str
) -> DeceasedReader:
    """Record the death of a locked reader: all mail to their address stops, and their sessions end. Raises as `check`."""
    name, email = check(ctx.session, reader, name, email)
    row = DeceasedReader(
        id=ids.new("dec", ctx.at),
        reader_id=reader.id,
        recorded_at=ctx.at,
        counts_from=counts_from,
        correspondent_name=name,
        correspondent_email=email,
        reason=reason,
        **acted_by(ctx.actor),
    )
    ctx.session.add(row)
    ctx.session.flush()
    stop_mail(ctx, reader, row)
    sessions.end_sessions(ctx, reader.id)
    return row


def stop_mail(ctx: TransactionContext, reader: Reader, row: DeceasedReader) -> None:
    """Stop all mail to the reader's present address."""
    suppressions.suppress(
        ctx,
        reader.email,
        scope=suppressions.ALL,
        reason=SuppressionReason.DECEASED,
        source=f"death: {row.id}",
    )


def take_back(ctx: TransactionContext, reader: Reader) -> DeceasedReader:
    """Take the record back, as a mistake: mail to the reader's addresses goes out again, but where somebody else stopped it.
    Raises NoDeathRecorded."""
    row = of(ctx.session, reader.id)
    if row is None:
        raise NoDeathRecorded
    row.taken_back_at = ctx.at
    for address in {reader.email, *earlier_addresses(ctx.session, reader)}:
        suppressions.lift_of(ctx, address, SuppressionReason.DECEASED, by=str(ctx.actor))
    return row
