"""`change` takes only columns of a subscription, each with a value of its type."""

import typing
from datetime import datetime

from sqlmodel import Session

from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules.lifecycle import Event
from billing.subscriptions.change import SubscriptionPatch, change, mark
from billing.subscriptions.models import Subscription


def refused_by_mypy(session: Session, site: Site, one: Subscription, at: datetime) -> None:
    """Never called. `make test` runs mypy with `warn_unused_ignores`: an ignore below that hides no error fails it."""
    change(TransactionContext(session, site, at, WORKER), one, Event.CHARGED, reason="", retry_no=None)  # type: ignore[call-arg]
    change(TransactionContext(session, site, at, WORKER), one, Event.CHARGED, reason="", retry_on="2027")  # type: ignore[arg-type]
    change(TransactionContext(session, site, at, WORKER), one, Event.CHARGED, reason="", state="ended")  # type: ignore[call-arg]
    mark(one, site.zone, chargign_since=at)  # type: ignore[call-arg]
    SubscriptionPatch(retry_no=None)  # type: ignore[typeddict-unknown-key]
    SubscriptionPatch(retry_on="2027")  # type: ignore[typeddict-item]


def test_each_key_of_a_patch_is_a_column_of_its_type() -> None:
    columns = typing.get_type_hints(Subscription)
    for name, kind in typing.get_type_hints(SubscriptionPatch).items():
        assert kind in (columns[name], *typing.get_args(columns[name])), name
