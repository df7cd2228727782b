"""The networks' card updater: an issuer has sent out a new card, and the PaymentMethod follows by itself."""

from billing.dev.sandbox import vault
from billing.dev.sandbox.cards import SandboxCard
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld


def replace(world: SandboxWorld, method: Row, *, card: SandboxCard | None, month: int, year: int) -> Row:
    """The PaymentMethod with a later date and, where `card` is given, another number; what was wrong with it is over."""
    shown = vault.card_shown(card or vault.card_of(world, method), month, year)
    renewed = method | {"card": method["card"] | shown}
    kept = vault.contents(world, method) | {"decline": None}
    world.store.put("vault", kept | ({"card": card.key} if card else {}))
    world.store.put("payment_method", renewed)
    emit(world, "payment_method.automatically_updated", renewed, {"card": method["card"]})
    return renewed
