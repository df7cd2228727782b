"""Another card, from the account or from a mailed link."""

from starlette.responses import Response

from billing.cards import card_setup, saved_cards
from billing.http import cookies
from billing.payments.models import SetupPurpose
from billing.readers.register import by_id
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription
from billing.web.kit.bulkhead import GatewayCall
from billing.web.kit.visit import Visit
from billing.web.reader.start_shared import START_LIFE, count_card_page


def card_is_asked_for(visit: Visit, subscription: Subscription) -> bool:
    """Whether we need another card from this reader. Then the mailed link suffices, without a sign-in."""
    with visit.read() as ctx:
        return saved_cards.is_asked_for(ctx, subscription)


def open_card_page(visit: Visit, subscription: Subscription) -> GatewayCall:
    """Open the hosted page for another card. Raises TooMany; Unavailable once it runs in the bulkhead."""
    with visit.begin() as ctx:
        count_card_page(visit, ctx)
        _, price = terms_of(ctx.session, subscription)
        setup = card_setup.begin(
            ctx,
            card_setup.SetupRequest(
                acquirer=visit.services.gateway.name,
                purpose=SetupPurpose.CARD,
                email=by_id(ctx.session, subscription.reader_id).email,
                price=price,
                browser_hash=visit.browser_hash,
                reader_id=subscription.reader_id,
                subscription_id=subscription.id,
                browser_known=True,
            ),
        )
    return GatewayCall(visit, lambda: _go_on(visit, setup.id))


def _go_on(visit: Visit, setup_id: str) -> Response:
    services = visit.services
    words = "Your subscription is charged to this card from now on. You can cancel at any time."
    page = card_setup.open_page(
        services.database, services.acquirers, services.site, setup_id, words=words, back="/account"
    )
    visit.give(cookies.SETUP, setup_id, START_LIFE)
    return visit.go(page.url)
