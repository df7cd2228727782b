"""Changes of newsletters, by staff and by commands, with their reason in the audit."""

from collections.abc import Callable
from typing import Any

from billing.newsletters import add, retire
from billing.newsletters.lists import newsletter
from billing.newsletters.models import Audience, Newsletter, NewsletterKind
from billing.platform.context import TransactionContext
from billing.staff import audit

ACT = "newsletter"


def add_newsletter(
    ctx: TransactionContext,
    newsletter_id: str,
    *,
    audience: Audience,
    kind: NewsletterKind,
    reason: str,
    **words: str,
) -> Newsletter:
    """Add it at the end of the page. Raises NeedsReason, BadNewsletter, NewsletterExists."""

    def do() -> audit.Change:
        return {}, _facts(add.add(ctx.session, newsletter_id, audience=audience, kind=kind, **words))

    audit.reasoned(ctx, ACT, reason, do, subject=newsletter_id)
    return newsletter(ctx.session, newsletter_id)


def edit_newsletter(
    ctx: TransactionContext, newsletter_id: str, *, reason: str, **words: str | None
) -> Newsletter:
    """Change its name, description or rhythm. Raises NeedsReason, UnknownNewsletter, BadNewsletter, WordsUnchanged."""
    return _change(ctx, newsletter_id, reason, lambda: add.edit(ctx.session, newsletter_id, **words))


def retire_newsletter(ctx: TransactionContext, newsletter_id: str, *, reason: str) -> Newsletter:
    """Take no more sign-ups and issues. Raises NeedsReason, UnknownNewsletter, RetiredAlready, IssueUnderWay."""
    return _change(ctx, newsletter_id, reason, lambda: retire.retire(ctx, newsletter_id))


def restore_newsletter(ctx: TransactionContext, newsletter_id: str, *, reason: str) -> Newsletter:
    """Take sign-ups and issues again. Raises NeedsReason, UnknownNewsletter, NotRetired."""
    return _change(ctx, newsletter_id, reason, lambda: retire.restore(ctx, newsletter_id))


def _change(
    ctx: TransactionContext, newsletter_id: str, reason: str, do: Callable[[], Newsletter]
) -> Newsletter:
    list_ = newsletter(ctx.session, newsletter_id, lock=True)  # so that `before` is what is changed

    def change() -> audit.Change:
        before = _facts(list_)
        return audit.differing(before, _facts(do()))

    audit.reasoned(ctx, ACT, reason, change, subject=newsletter_id)
    return list_


def _facts(list_: Newsletter) -> dict[str, Any]:
    return {
        "name": list_.name,
        "description": list_.description,
        "rhythm": list_.rhythm,
        "audience": list_.audience.value,
        "kind": list_.kind.value,
        "retired": list_.retired_at is not None,
    }
