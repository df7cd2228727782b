"""Stripe for an installation, from its settings."""

from billing.acquirer.stripe.gateway import StripeGateway
from billing.platform.settings import Settings


def connect(settings: Settings) -> StripeGateway:
    """Its gateway. Nothing is sent yet."""
    return StripeGateway(
        secret_key=settings.stripe_secret_key.get_secret_value(),
        api_base=settings.stripe_api_base,
        webhook_secrets=settings.stripe_webhook_secrets,
        installation=settings.installation,
        waits=not settings.held,
    )
