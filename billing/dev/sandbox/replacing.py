"""The networks' card updater: after the issuer sent a new card, the PaymentMethod is updated automatically."""

from billing.dev.sandbox import vault
from billing.dev.sandbox.cards import SandboxCard
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld


def replace(world: SandboxWorld, method: Row, *, card: SandboxCard | None, month: int, year: int) -> Row:
    """Update the PaymentMethod's expiry and, if `card` is given, its number; an ordered decline ends."""
    shown = vault.card_shown(card or vault.card_of(world, method), month, year)
    renewed = method | {"card": method["card"] | shown}
    kept = vault.contents(world, method) | {"decline": None}
    world.store.put("vault", kept | ({"card": card.key} if card else {}))
    world.store.put("payment_method", renewed)
    emit(world, "payment_method.automatically_updated", renewed, {"card": method["card"]})
    return renewed
