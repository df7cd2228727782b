"""Rows of the database as values that pages can show."""

from billing.access.models import Article
from billing.office import Office
from billing.payments.models import PaymentMethod
from billing.web import views
from billing.web.sample_articles import sample_article

BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "diners": "Diners Club"}


def card_of(method: PaymentMethod) -> views.Card:
    """A card as its owner knows it."""
    brand = BRANDS.get(method.brand, method.brand.title())
    return views.Card(brand=brand, last4=method.last4, exp_month=method.exp_month, exp_year=method.exp_year)


def teaser_of(office: Office, article: Article) -> views.Teaser:
    """An article for a list: from its sample text where it has one, else from the registry alone."""
    sample = sample_article(article.id)
    if sample is not None:
        return sample.teaser
    return views.Teaser(
        id=article.id,
        title=article.title,
        section=article.section,
        lead="",
        access=article.access.value,
        published_on=office.today(article.published_at),
        minutes=1,
    )
