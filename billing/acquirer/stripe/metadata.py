"""Our metadata on Stripe's objects: the installation, and ids of ours. Belongs to `gateway`."""

from collections.abc import Mapping
from dataclasses import dataclass

from billing.acquirer.answers import ChargeClaim

INSTALLATION = "installation"
LONGEST = 500
"""Stripe's limit of characters in a value."""


@dataclass(frozen=True, slots=True)
class StripeMetadata:
    """Several installations may share an account; each reads its own objects, and those without a name."""

    installation: str

    def of_customer(self, reader_id: str) -> dict[str, str]:
        """For a Customer."""
        return {INSTALLATION: self.installation, "reader": reader_id}

    def of_setup(self, setup_id: str, subscription_id: str | None) -> dict[str, str]:
        """For a Checkout Session that saves a card, and its SetupIntent."""
        of = {} if subscription_id is None else {"subscription": subscription_id}
        return {INSTALLATION: self.installation, "setup": setup_id, **of}

    def of_charge(self, claim: ChargeClaim) -> dict[str, str]:
        """For a PaymentIntent; Stripe copies it to its Charge."""
        return {
            INSTALLATION: self.installation,
            "attempt": claim.attempt_id,
            "invoice": claim.invoice_id,
            "subscription": claim.subscription_id,
            "period": str(claim.period_number),
            "rung": str(claim.rung),
        }

    def of_refund(self, refund_id: str, cause: str) -> dict[str, str]:
        """For a Refund."""
        return {INSTALLATION: self.installation, "refund": refund_id, "cause": cause[:LONGEST]}

    def claim(self, written: Mapping[str, str]) -> ChargeClaim | None:
        """What a charge is for; None where it isn't this installation's."""
        if "attempt" not in written or not self.is_ours(written):
            return None
        return ChargeClaim(
            attempt_id=written["attempt"],
            invoice_id=written.get("invoice", ""),
            subscription_id=written.get("subscription", ""),
            period_number=_whole(written.get("period")),
            rung=_whole(written.get("rung")),
        )

    def is_ours(self, written: Mapping[str, str]) -> bool:
        """Whether it names no other installation."""
        return written.get(INSTALLATION, self.installation) == self.installation


def _whole(written: str | None) -> int:
    return int(written) if written and written.isdecimal() else 0
