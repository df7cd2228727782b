"""The newsletters, and the SQL conditions on their recipients."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from billing.access.entitled import entitled
from billing.mail.suppressions import ALL, NEWSLETTERS, one_list
from billing.newsletters.models import Newsletter, NewsletterKind
from billing.platform.errors import Conflict, NotFound
from billing.rules.features import NEWSLETTER
from emails.languages import say

OPT_OUTS_GOOD_FOR = timedelta(days=31)
"""How long a comparison with the register is valid."""

READER = "LEFT JOIN reader o ON o.id = s.reader_id LEFT JOIN reader f ON s.reader_id IS NULL AND lower(f.email) = s.address_key"
"""The reader of a signup `s`: its owner `o`, or else the reader `f` with its address."""
READER_ID = "coalesce(o.id, f.id)"
ADDRESS = "coalesce(o.email, s.address)"
ADDRESS_KEY = f"lower({ADDRESS})"


class UnknownNewsletter(NotFound):
    """There is no newsletter by that name."""

    code = "unknown_newsletter"


class RetiredNewsletter(Conflict):
    """This newsletter is no longer published, and so not open to sign-ups."""

    code = "retired_newsletter"


def newsletters(session: Session) -> list[Newsletter]:
    """All newsletters, retired ones too, in the order of the page."""
    return list(session.scalars(_IN_ORDER))


# made once: building a statement takes as long as running it
_IN_ORDER = sa.select(Newsletter).order_by(col(Newsletter.position), col(Newsletter.id))


def newsletter(session: Session, newsletter_id: str, *, lock: bool = False) -> Newsletter:
    """The newsletter with this id. `lock`: keep others from changing it; sign-ups go on. Raises UnknownNewsletter."""
    found = session.get(Newsletter, newsletter_id, with_for_update={"key_share": True} if lock else None)
    if found is None:
        raise UnknownNewsletter
    return found


def retired(session: Session, newsletter_ids: Iterable[str]) -> list[Newsletter]:
    """Those of these newsletters that are retired."""
    ids = set(newsletter_ids)
    return [row for row in newsletters(session) if row.retired_at is not None and row.id in ids]


def require_published(wanted: Iterable[Newsletter]) -> None:
    """Refuse sign-ups for those that are retired, by name. Raises RetiredNewsletter."""
    if names := ", ".join(row.name for row in wanted if row.retired_at is not None):
        raise RetiredNewsletter(
            say("No longer published, and so not open to sign-ups: %(names)s.", names=names)
        )


def why_not_compared(list_: Newsletter, at: datetime) -> str | None:
    """Why a list may not be mailed: a promotional one must be compared with the opt-out register every month (C4)."""
    checked = list_.opt_outs_checked_at
    if list_.kind is not NewsletterKind.PROMOTIONAL or (checked and at - checked <= OPT_OUTS_GOOD_FOR):
        return None
    return (
        f"{list_.name} is promotional, and its list hasn't been compared with the opt-out register within"
        f" {OPT_OUTS_GOOD_FOR.days} days (billing newsletters compare)."
    )


def scopes(newsletter_id: str) -> list[str]:
    """The scopes of suppressions that apply to this newsletter."""
    return [ALL, NEWSLETTERS, one_list(newsletter_id)]


def may_have(reader_id: str, newsletter_id: str) -> str:
    """An SQL condition: the reader may have this newsletter for subscribers at `:at`, in `:zone`. Both arguments are expressions.

    If any plan has the newsletter as a feature, only an entitlement with that feature counts; else any entitlement does."""
    feature = f"to_jsonb('{NEWSLETTER}' || {newsletter_id})"
    is_a_feature = f"EXISTS (SELECT FROM plan WHERE plan.features @> {feature})"
    return entitled(reader_id, f"(e.features @> {feature} OR NOT {is_a_feature})")
