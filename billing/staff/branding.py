"""Changes of the brand, by staff and by commands, with their reason in the audit."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from billing.brand import change, rules
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.staff import audit

LONGEST_REASON = 300


class BrandNeedsReason(Invalid):
    """Say why the brand changes; it is kept with what you do."""

    code = "brand_needs_reason"


def set_brand(
    ctx: TransactionContext, given: Mapping[str, Any], *, reason: str, version: int | None = None
) -> dict[str, Any]:
    """Set fields. Returns what is new. Raises BrandNeedsReason, BadBrand, BrandMoved, BrandUnchanged."""
    return _audited(ctx, reason, lambda: change.change(ctx, given, version=version))


def set_logo(ctx: TransactionContext, content: bytes, *, reason: str) -> dict[str, Any]:
    """Show this SVG or PNG, in place of the one of its kind. Returns it in words. Raises BrandNeedsReason, BadBrand, BrandUnchanged."""
    try:
        kind, _ = rules.measured(content)
    except rules.BadValue as problem:
        words = f"The logo {problem}."
        raise change.BadBrand(words, problems={"logo": words}) from None
    return set_brand(ctx, {f"{kind.value}_logo": content}, reason=reason)


def reset_brand(ctx: TransactionContext, names: Iterable[str], *, reason: str) -> dict[str, Any]:
    """Set fields to their defaults. Returns them. Raises BrandNeedsReason, BrandUnchanged."""
    return _audited(ctx, reason, lambda: change.reset(ctx, names))


def _audited(
    ctx: TransactionContext, reason: str, do: Callable[[], tuple[dict[str, Any], dict[str, Any]]]
) -> dict[str, Any]:
    reason = " ".join(reason.split())
    if not reason:
        raise BrandNeedsReason
    before, after = do()
    audit.write(ctx, "brand", reason=reason[:LONGEST_REASON], before=before, after=after)
    return after
