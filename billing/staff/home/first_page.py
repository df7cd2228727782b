"""The parts of a member's first page: those of the role in full, then what the role may also do in short."""

from billing.platform.context import TransactionContext
from billing.staff.home.editor import articles_part, newsletters_part
from billing.staff.home.finance import finance_part, month_part
from billing.staff.home.lines import HomePart
from billing.staff.home.operator import operator_part
from billing.staff.home.support import support_part
from billing.staff.roles import Permission, Role, may

OWN = {
    Role.SUPPORT: (support_part,),
    Role.FINANCE: (finance_part,),
    Role.EDITOR: (newsletters_part, articles_part),
    Role.ADMIN: (operator_part,),
}
"""The parts that a role comes for."""
PERMITTED = (
    (Permission.ANSWER, support_part),
    (Permission.CASES, finance_part),
    (Permission.NEWSLETTERS, newsletters_part),
    (Permission.ARTICLES, articles_part),
    (Permission.WEBHOOKS, operator_part),
)
"""Who may see a part. The order is that of the page behind the role's own parts, and the machinery is read last."""


def first_page(ctx: TransactionContext, role: Role) -> tuple[HomePart, ...]:
    """The parts for a member of the role, with those of finance also the month. Reading requests is counted."""
    others = [part(ctx, short=True) for what, part in PERMITTED if may(role, what) and part not in OWN[role]]
    months = [month_part(ctx)] if may(role, Permission.BOOKS) else []
    own = [part(ctx, short=False) for part in OWN[role]]
    if role is Role.FINANCE:
        return (*own, *months, *others)
    return (*own, *others, *months)
