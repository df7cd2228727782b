"""What a program may give away with its key. Each audited act of a program is held against it, in the act's own transaction."""

from sqlmodel import Session, select

from billing.errors import Forbidden
from billing.rules import scopes
from billing.rules.money import Money
from billing.staff.key_models import ApiKey
from billing.staff.models import AuditLine


class ScopeMissing(Forbidden):
    """This key may not do that."""

    code = "scope_missing"


def mind(session: Session, key_id: str | None, line: AuditLine) -> None:
    """Refuse an act, just audited by `line`, that gives more than the key may; the caller's transaction is rolled back by it.
    Raises ScopeMissing."""
    if key_id is None or not line.cents:
        return
    key = session.exec(
        select(ApiKey)
        .where(ApiKey.id == key_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if line.cents and not scopes.grants(key.scopes, scopes.MONEY):
        raise ScopeMissing(
            f"This would give back {Money(line.cents).with_vat_words()}, which needs a key with the scope `{scopes.MONEY}`. Nothing was done. To cancel"
            " without a refund, send `refund: none` and no `requested_at`.",
            needs=scopes.MONEY,
        )
