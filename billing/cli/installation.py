"""Opens the installation that a command works on, from the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from billing.cli.words import settings

if TYPE_CHECKING:
    from billing.container import Services
    from billing.platform.context import TransactionContext


def opened() -> "Services":
    """Raises RefusesToStart."""
    from billing.app import build

    return build(settings())


@contextmanager
def transaction() -> "Iterator[TransactionContext]":
    """A transaction of the operator's, now. Raises RefusesToStart."""
    from billing.platform.actors import Command

    services = opened()
    with services.database.begin(services.site, services.clock.now(), Command()) as ctx:
        yield ctx
