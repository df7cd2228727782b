"""What an API key may do. A scope is granted by its own name, or by that of the whole it is a part of."""

from collections.abc import Iterable

ACCESS, ARTICLES, READERS, MONEY = "access", "articles", "readers", "money"
READ, START, CANCEL, SUPPORT = (f"{READERS}:{part}" for part in ("read", "start", "cancel", "support"))
PARTS = {READERS: (READ, START, CANCEL, SUPPORT)}
"""Scopes that others add up to. Money isn't a part of any."""
SCOPES: dict[str, str] = {
    ACCESS: "ask who may read what",
    ARTICLES: "register, change, open and close articles and sections",
    READERS: "all that follows of readers, but no money back",
    READ: "see readers, their subscriptions, events and gifts",
    START: "start trials, and take cancellations back",
    CANCEL: "cancel and withdraw; money goes back only with `money`",
    SUPPORT: "give days, trials, gifts and notes",
    MONEY: "see invoices, and give money back",
}
"""Every scope, with what a key that has it may do."""


def grants(held: Iterable[str], needed: str) -> bool:
    """Whether a key with the scopes `held` may do what needs this one."""
    granted = set(held)
    for whole in granted & PARTS.keys():
        granted |= {whole, *PARTS[whole]}
    parts = PARTS.get(needed)
    return needed in granted or (parts is not None and granted.issuperset(parts))
