"""Who may do what (SEC-6): a table, read through `may` and the limits only."""

from enum import StrEnum

from billing.rules.worded import WordedEnum


class Role(StrEnum):
    """What a staff member is here for."""

    SUPPORT = "support"
    FINANCE = "finance"
    EDITOR = "editor"
    ADMIN = "admin"


class Permission(WordedEnum):
    """Something that staff do; each member's `words` say it to people."""

    FIND = "find", "find readers"
    EXPORT = "export", "download lists of readers"
    READ = "read", "see a reader's page"
    CANCEL = "cancel", "cancel for a reader"
    RESUME = "resume", "take a cancellation back for a reader"
    EXTEND = "extend", "extend a trial or a paid period"
    CHARGE_DAY = "charge_day", "choose the day of the month of a reader's charges"
    CHANGE_PLAN = "change_plan", "change a reader's plan"
    PAUSE = "pause", "pause a subscription for a reader"
    COMPLIMENTARY = "complimentary", "give complimentary days"
    DECEASED = "deceased", "record that a reader has died, or take that back"
    REFUND = "refund", "give money back"
    ENTER_REFUND = "enter_refund", "enter a refund made in the acquirer's dashboard"
    CORRECT_INVOICE = "correct_invoice", "correct the buyer's details on a tax invoice"
    ANOTHER_TRIAL = "another_trial", "allow another trial"
    ERASE = "erase", "close a reader's account and have it erased"
    CHANGE_ADDRESS = "change_address", "change a reader's mail address"
    MERGE = "merge", "merge two accounts of one person"
    MAIL = "mail", "write a mail to readers"
    MANY = "many", "act on many readers at once"
    NOTE = "note", "write notes about a reader"
    READER_SIGN_INS = "reader_sign_ins", "sign a reader out, and mail a link to sign in"
    READER_NEWSLETTERS = "reader_newsletters", "change a reader's newsletters"
    SEND_INVOICE = "send_invoice", "send a tax invoice again"
    SEE_AS = "see_as", "see an account as its reader sees it"
    ANSWER = "answer", "answer requests"
    INVOICES = "invoices", "see and export tax invoices"
    APPROVE = "approve", "approve what another member asks for"
    BOOKS = "books", "see and export the books, and pay back by hand"
    NUMBERS = "numbers", "see the publisher’s numbers"
    CASES = "cases", "see and close cases, and answer disputes"
    NEWSLETTERS = "newsletters", "write and send newsletters"
    ARTICLES = "articles", "register and open articles"
    AUDIT = "audit", "see and export what staff did"
    STAFF = "staff", "say who works here, and as what"
    KEYS = "keys", "make, limit, rotate and revoke API keys"
    PLANS = "plans", "change plans, prices, trials and VAT"
    BRAND = "brand", "change what readers see of the publisher"
    WEBHOOKS = "webhooks", "see what the acquirer told us, and settle it again"
    SETTINGS = "settings", "see the settings, and check them"


_FOR_READERS = frozenset(
    {
        Permission.FIND,
        Permission.READ,
        Permission.CANCEL,  # finance too: a cancellation may give back more than support may
        Permission.DECEASED,  # it may give back more than support may, too
        Permission.REFUND,
        Permission.CORRECT_INVOICE,
        Permission.NOTE,
        Permission.SEND_INVOICE,
        Permission.ANSWER,
    }
)
TABLE: dict[Role, frozenset[Permission]] = {
    Role.SUPPORT: _FOR_READERS
    | {Permission.RESUME, Permission.EXTEND, Permission.PAUSE, Permission.COMPLIMENTARY}
    | {Permission.ERASE, Permission.CHANGE_ADDRESS, Permission.CHARGE_DAY, Permission.MERGE}
    | {Permission.READER_SIGN_INS, Permission.READER_NEWSLETTERS, Permission.SEE_AS},
    Role.FINANCE: _FOR_READERS
    | {Permission.ENTER_REFUND, Permission.APPROVE, Permission.INVOICES, Permission.BOOKS}
    | {Permission.CASES, Permission.AUDIT, Permission.NUMBERS, Permission.EXPORT}
    | {Permission.MANY, Permission.MAIL},
    Role.EDITOR: frozenset({Permission.NEWSLETTERS, Permission.ARTICLES, Permission.NUMBERS}),
    Role.ADMIN: frozenset(Permission),
}
MOST_DAYS = 366
"""The most days that a member may give at once."""
DAYS: dict[Role, int] = {Role.SUPPORT: 31, Role.ADMIN: MOST_DAYS}
"""Days that a reader may be given in a month, by role; a role without a line gives none."""
DAYS_A_DAY: dict[Role, int] = {Role.SUPPORT: 310}
"""Days that a member may give in a day, to all readers together; a role without a line has no such limit."""


def may(role: Role, what: Permission) -> bool:
    """Whether the role may do it."""
    return what in TABLE[role]


def days_limit(role: Role) -> int:
    """How many days this role may give to one reader in a month."""
    return DAYS.get(role, 0)


def days_limit_a_day(role: Role) -> int | None:
    """How many days a member with this role may give in a day; None: no limit."""
    return DAYS_A_DAY.get(role)


def refund_limit(role: Role, support_limit: int) -> int | None:
    """How many cents this role may give back; None: no limit. `support_limit` is the setting for one reader in a month, or for one
    member in a day."""
    if not may(role, Permission.REFUND):
        return 0
    return support_limit if role is Role.SUPPORT else None
