"""What an API key may do. A key has a scope by its name, or by that of the scope that contains it."""

from collections.abc import Iterable

ACCESS, ARTICLES, READERS, MONEY = "access", "articles", "readers", "money"
READ, START, CANCEL, SUPPORT = (f"{READERS}:{part}" for part in ("read", "start", "cancel", "support"))
PARTS = {READERS: (READ, START, CANCEL, SUPPORT)}
"""Scopes that consist of others. `money` is part of none."""
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
"""Every scope, with what its keys may do."""


def grants(held: Iterable[str], needed: str) -> bool:
    """Whether a key with the scopes `held` may do what `needed` allows."""
    granted = set(held)
    granted.update(*(PARTS[whole] for whole in granted & PARTS.keys()))
    return needed in granted or (needed in PARTS and granted.issuperset(PARTS[needed]))
