"""Changes of the brand, by staff and by commands, with their reason in the audit."""

from collections.abc import Iterable, Mapping
from typing import Any

from billing.brand import change, rules
from billing.platform.context import TransactionContext
from billing.staff import audit

ACT = "brand"


def set_brand(
    ctx: TransactionContext, given: Mapping[str, Any], *, reason: str, version: int | None = None
) -> dict[str, Any]:
    """Set fields. Returns what is new. Raises NeedsReason, BadBrand, BrandMoved, BrandUnchanged."""
    return audit.reasoned(ctx, ACT, reason, lambda: change.change(ctx, given, version=version))


def set_logo(ctx: TransactionContext, content: bytes, *, reason: str) -> dict[str, Any]:
    """Show this SVG or PNG, in place of the one of its kind. Returns it in words. Raises NeedsReason, BadBrand, BrandUnchanged."""
    try:
        kind, _ = rules.measured(content)
    except rules.BadValue as problem:
        words = f"The logo {problem}."
        raise change.BadBrand(words, problems={"logo": words}) from None
    return set_brand(ctx, {f"{kind.value}_logo": content}, reason=reason)


def reset_brand(ctx: TransactionContext, names: Iterable[str], *, reason: str) -> dict[str, Any]:
    """Set fields to their defaults. Returns them. Raises NeedsReason, BrandUnchanged."""
    return audit.reasoned(ctx, ACT, reason, lambda: change.reset(ctx, names))
