"""The filters of readers by their mail, for lists of readers and of their subscriptions."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from billing.mail.models import STOPPED_ANSWER, Message, MessageState
from billing.mail.suppression_models import Suppression, SuppressionReason
from billing.newsletters.models import BounceRecord, Delivery, Issue, Signup, SignupState
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.staff.lists.fields import FlagField, NamedField
from billing.staff.lists.span import Conditions

REFUSED_FOR = timedelta(days=30)
"""For how long a refused mail says that an address bounces."""
NEWSLETTER = NamedField("newsletter", "Gets the newsletter")
BOUNCED = FlagField("bounced", "Mail bounces")


def conditions(
    ctx: TransactionContext, reader_id: Any, newsletter_id: str | None, *, bounced: bool
) -> Conditions:
    """The reader of this id gets the newsletter, and mail to them bounces."""
    return [
        *([_gets(reader_id, newsletter_id)] if newsletter_id else []),
        *([reader_id.in_(_bounced(ctx))] if bounced else []),
    ]


def _gets(reader_id: Any, newsletter_id: str) -> sa.Exists:
    """The reader is on the newsletter's list."""
    return sa.exists().where(
        col(Signup.newsletter_id) == newsletter_id,
        col(Signup.reader_id) == reader_id,
        col(Signup.state) == SignupState.CONFIRMED,
    )


def _bounced(ctx: TransactionContext) -> sa.CompoundSelect[str]:
    """Readers to whose present address a relay lately refused a mail, or newsletters are stopped as they came back.

    Suppressions are keyed hashes, so the reader is found by the delivery that came back; it is kept as long as deliveries are."""
    reader = aliased(Reader)
    present = sa.func.lower(reader.email)
    refused = sa.select(col(reader.id)).join(
        Message,
        sa.and_(col(Message.reader_id) == col(reader.id), sa.func.lower(col(Message.recipient)) == present),
    )
    returned = (
        sa.select(col(reader.id))
        .select_from(Suppression)
        .join(BounceRecord, col(BounceRecord.address_digest) == col(Suppression.address_digest))
        .join(Issue, col(Issue.id) == col(BounceRecord.issue_id))
        .join(
            Delivery,
            sa.and_(
                col(Delivery.number) == col(BounceRecord.number),
                col(Delivery.started_at) == col(Issue.started_at),
            ),
        )
        .join(
            reader, sa.and_(col(reader.id) == col(Delivery.reader_id), present == col(Delivery.address_key))
        )
    )
    return refused.where(
        col(Message.state) == MessageState.REFUSED,
        col(Message.expires_at) > ctx.at - REFUSED_FOR,
        col(Message.last_answer).is_distinct_from(STOPPED_ANSWER),
    ).union(
        returned.where(
            col(Suppression.lifted_at).is_(None),
            col(Suppression.reason).in_((SuppressionReason.HARD_BOUNCE, SuppressionReason.SOFT_BOUNCES)),
        )
    )
