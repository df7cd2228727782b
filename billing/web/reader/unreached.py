"""That our mails don't reach a reader: said where they come, as no mail can say it."""

from sqlmodel import Session

from billing.changes.unreached import ends_unless_reached
from billing.mail import unreachable
from billing.platform.site import Site
from billing.readers.models import Reader
from billing.rules.lifecycle import State
from billing.subscriptions.models import Subscription
from billing.web.views.account import Unreached


def unreached(
    session: Session, site: Site, reader: Reader, subscription: Subscription | None
) -> Unreached | None:
    """What a page says of it, and of the subscription. None where mails arrive, or there never was a subscription."""
    if subscription is None or not unreachable.refuses(session, reader.id, reader.email):
        return None
    return Unreached(
        ended=subscription.state is State.ENDED,
        ends=ends_unless_reached(session, site, subscription),
    )
