"""Another trial for somebody who has had one: staff's leave, used up by the next trial that starts."""

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.subscriptions.models import TrialException


class AlreadyAllowed(Conflict):
    """This reader may have another trial already, and hasn't started it."""

    code = "trial_already_allowed"


def open_for(session: Session, reader_id: str | None) -> TrialException | None:
    """The leave that the reader hasn't used yet."""
    if reader_id is None:
        return None
    return session.exec(_open(reader_id)).first()


def allow(ctx: TransactionContext, reader_id: str, *, reason: str) -> TrialException:
    """Let the reader start one more trial, with an address and a card that have had theirs. Raises AlreadyAllowed."""
    leave = TrialException(
        id=ids.new("tex", ctx.at), reader_id=reader_id, given_at=ctx.at, **acted_by(ctx.actor), reason=reason
    )
    try:
        with ctx.session.begin_nested():
            ctx.session.add(leave)
            ctx.session.flush()
    except sa.exc.IntegrityError as error:
        raise AlreadyAllowed from error
    return leave


def use(ctx: TransactionContext, reader_id: str, subscription_id: str) -> bool:
    """Use the leave up for a trial that starts now; whether there was one."""
    leave = ctx.session.exec(_open(reader_id).with_for_update()).first()
    if leave is None:
        return False
    leave.used_at, leave.subscription_id = ctx.at, subscription_id
    ctx.session.add(leave)
    return True


def _open(reader_id: str) -> SelectOfScalar[TrialException]:
    return select(TrialException).where(
        TrialException.reader_id == reader_id, col(TrialException.used_at).is_(None)
    )
