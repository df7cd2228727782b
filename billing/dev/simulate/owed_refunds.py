"""Staff of a simulation pay by bank transfer what failed refunds left owing, as the page of the books asks of them."""

from datetime import datetime, timedelta

from billing.container import Services
from billing.payments import refunds_owed
from billing.platform.actors import StaffActor
from billing.refunds.pay_back import pay_back

AFTER = timedelta(days=3)
FINANCE = StaffActor("finance@example.com")


def pay_owed(services: Services, at: datetime) -> None:
    """Pay each refund that was made three days ago or before and is owed. An erasure waits for this."""
    with services.database.begin(services.site, at, FINANCE) as ctx:
        for owed in refunds_owed.to_readers(ctx.session):
            if owed.created_at <= at - AFTER:
                pay_back(ctx, owed.id, f"transfer for {owed.id}", ctx.today)
