"""Rows of the database as values for pages."""

from collections.abc import Iterable, Sequence

from billing.access.listed import ListedArticle
from billing.access.registered import RegisteredArticle
from billing.payments import numbers
from billing.payments.models import PaymentMethod
from billing.payments.receipts import Paid
from billing.payments.refund_models import Refund
from billing.rules.money import Money
from billing.web.kit.visit import Visit
from billing.web.views.account import ReceiptRow
from billing.web.views.frame import Card
from billing.web.views.start import Teaser
from emails.card_schemes import scheme_name


def card_of(method: PaymentMethod) -> Card:
    """A card as its owner knows it: brand, last digits, expiry."""
    return Card(
        brand=scheme_name(method.brand),
        last4=method.last4,
        exp_month=method.exp_month,
        exp_year=method.exp_year,
        gone=method.gone_at is not None,
    )


def receipt_row(paid: Paid) -> ReceiptRow:
    """A paid invoice as a row of the reader's list."""
    invoice = paid.invoice
    return ReceiptRow(
        invoice_id=invoice.id,
        number=numbers.invoice_number(invoice.number or 0),
        issued_on=invoice.issued_on or invoice.period_start_on,
        gross=Money(invoice.gross, invoice.currency),
        refunded=Money(paid.returned, invoice.currency) if paid.returned else None,
        waiting=sum_of(paid.waiting),
        owed=sum_of(paid.owed),
    )


def sum_of(refunds: Sequence[Refund]) -> Money | None:
    """The sum of the refunds; None if there are none."""
    return Money(sum(refund.amount for refund in refunds)) if refunds else None


def teasers(visit: Visit, articles: Iterable[ListedArticle]) -> tuple[Teaser, ...]:
    """Teasers of articles with their access level now."""
    return tuple(teaser_of(visit, row.article, is_open=row.is_open) for row in articles)


def teaser_of(visit: Visit, article: RegisteredArticle, *, is_open: bool) -> Teaser:
    """The teaser of an article in the registry."""
    policy = article.stated.policy
    access = policy.level.value
    if policy.free_span(visit.at) is not None:
        access = "free"
    elif is_open:
        access = "open"
    teaser = Teaser(
        id=article.id,
        url=article.url,
        title=article.title,
        section=article.section,
        access=access,
        published_on=visit.services.site.today(article.published_at),
    )
    return visit.extras.teaser(teaser)
