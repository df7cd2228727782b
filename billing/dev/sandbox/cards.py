"""The test cards and their behaviour, by number and by `pm_card_…` or `tok_…` name."""

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class IssuerDecline:
    """A decline by an issuer (or Stripe), with all its codes."""

    code: str
    decline_code: str
    message: str
    advice_code: str | None
    network_decline_code: str | None
    network_advice_code: str | None = None
    param: str | None = None
    blocked: bool = False


_DECLINED = "Your card was declined."
GENERIC = IssuerDecline("card_declined", "generic_decline", _DECLINED, "try_again_later", "01")
FUNDS = IssuerDecline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds.", "try_again_later", "51"
)
LOST = IssuerDecline("card_declined", "lost_card", _DECLINED, "do_not_try_again", "41")
STOLEN = IssuerDecline("card_declined", "stolen_card", _DECLINED, "do_not_try_again", "43")
EXPIRED = IssuerDecline(
    "expired_card", "expired_card", "Your card has expired.", "do_not_try_again", "54", param="exp_month"
)
CVC = IssuerDecline(
    "incorrect_cvc",
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    "confirm_card_data",
    "N7",
    param="cvc",
)
PROCESSING = IssuerDecline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "try_again_later",
    "96",
)
VELOCITY = IssuerDecline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "try_again_later",
    "65",
)
AUTHENTICATION = IssuerDecline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    None,
    "1A",
)
RADAR = IssuerDecline("card_declined", "fraudulent", _DECLINED, "do_not_try_again", None, blocked=True)
STRANGER = IssuerDecline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card. "
    "For a list of valid test cards, visit: https://docs.stripe.com/testing.",
    None,
    None,
    blocked=True,
)
STOP = IssuerDecline(
    "card_declined",
    "revocation_of_authorization",
    _DECLINED,
    "do_not_try_again",
    "R1",
    network_advice_code="03",
)
DO_NOT_HONOR = IssuerDecline("card_declined", "do_not_honor", _DECLINED, "try_again_later", "05")
ACCOUNT_CLOSED = IssuerDecline("card_declined", "invalid_account", _DECLINED, "do_not_try_again", "46")

DECLINES = {
    decline.decline_code: decline
    for decline in (
        GENERIC, FUNDS, LOST, STOLEN, EXPIRED, CVC, PROCESSING, VELOCITY, AUTHENTICATION, RADAR, STOP,
        DO_NOT_HONOR, ACCOUNT_CLOSED,
    )
}  # fmt: skip


@dataclass(frozen=True)
class SandboxCard:
    """One test card. `auth` says when it requires 3-D Secure."""

    number: str
    name: str
    title: str
    brand: str = "visa"
    funding: str = "credit"
    on_setup: IssuerDecline | None = None
    on_charge: IssuerDecline | None = None
    auth: str = "never"  # "never" | "unless_set_up" | "always" | "on_session"
    disputed: str = ""  # "" | a dispute's reason | "inquiry" | "warning" (an early fraud warning)
    refund: str = "succeeded"  # "succeeded" | "pending" | "fails"
    wallet: bool = False  # from a wallet, and Stripe gives no fingerprint for it
    copy: str = ""

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str | None:
        """Identifies the card across its PaymentMethods. It is nullable in Stripe's OpenAPI and not promised for wallets."""
        return (
            None if self.wallet else hashlib.sha256(f"{self.number}__{self.copy}".encode()).hexdigest()[:16]
        )

    @property
    def key(self) -> str:
        """The argument by which `find` returns this card."""
        return self.number + (f"__{self.copy}" if self.copy else "")


CARDS = (
    SandboxCard("4242424242424242", "visa", "Succeeds"),
    SandboxCard("4000056655665556", "visa_debit", "Visa debit, succeeds", funding="debit"),
    SandboxCard("5555555555554444", "mastercard", "Mastercard, succeeds", brand="mastercard"),
    SandboxCard("4012888888881881", "wallet", "From a wallet, without a fingerprint", wallet=True),
    SandboxCard("378282246310005", "amex", "American Express, succeeds", brand="amex"),
    SandboxCard(
        "4000002500003155",
        "authenticationRequiredOnSetup",
        "3-D Secure once, then succeeds",
        auth="unless_set_up",
    ),
    SandboxCard(
        "4000003800000446", "authenticationRequiredSetupForOffSession", "Set up elsewhere", auth="on_session"
    ),
    SandboxCard("4000000000003220", "threeDSecure2Required", "3-D Secure on session", auth="unless_set_up"),
    SandboxCard(
        "4000002760003184", "authenticationRequired", "Asks for 3-D Secure every time", auth="always"
    ),
    SandboxCard(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "3-D Secure, then insufficient funds",
        on_charge=FUNDS,
        auth="unless_set_up",
    ),
    SandboxCard(
        "4000000000000341",
        "chargeCustomerFail",
        "Can be saved, later charges are declined",
        on_charge=GENERIC,
    ),
    SandboxCard("4000000000000259", "createDispute", "Succeeds, then is disputed", disputed="fraudulent"),
    SandboxCard(
        "4000000000002685",
        "createDisputeProductNotReceived",
        "Disputed as not received",
        disputed="product_not_received",
    ),
    SandboxCard(
        "4000000000001976", "createDisputeInquiry", "Succeeds, then the bank inquires", disputed="inquiry"
    ),
    SandboxCard(
        "4000000000005423",
        "createIssuerFraudRecord",
        "Succeeds, then an early fraud warning",
        disputed="warning",
    ),
    SandboxCard("4100000000000019", "radarBlock", "Blocked as fraudulent", on_charge=RADAR),
    SandboxCard("4000000000007726", "pendingRefund", "Refunds stay pending for a day", refund="pending"),
    SandboxCard("4000000000005126", "refundFail", "Refunds fail after a day", refund="fails"),
    SandboxCard("4000000000000002", "chargeDeclined", "Declined", on_setup=GENERIC, on_charge=GENERIC),
    SandboxCard(
        "4000000000009995",
        "chargeDeclinedInsufficientFunds",
        "Insufficient funds",
        on_setup=FUNDS,
        on_charge=FUNDS,
    ),
    SandboxCard("4000000000009987", "chargeDeclinedLostCard", "Reported lost", on_setup=LOST, on_charge=LOST),
    SandboxCard(
        "4000000000009979", "chargeDeclinedStolenCard", "Reported stolen", on_setup=STOLEN, on_charge=STOLEN
    ),
    SandboxCard(
        "4000000000000069", "chargeDeclinedExpiredCard", "Expired", on_setup=EXPIRED, on_charge=EXPIRED
    ),
    SandboxCard(
        "4000000000000127", "chargeDeclinedIncorrectCvc", "Wrong security code", on_setup=CVC, on_charge=CVC
    ),
    SandboxCard(
        "4000000000000119",
        "chargeDeclinedProcessingError",
        "Processing error",
        on_setup=PROCESSING,
        on_charge=PROCESSING,
    ),
    SandboxCard(
        "4000000000006975",
        "chargeDeclinedVelocityLimitExceeded",
        "Too many attempts",
        on_setup=VELOCITY,
        on_charge=VELOCITY,
    ),
)
_BY_NUMBER = {card.number: card for card in CARDS}
_BY_NAME = {card.name: card for card in CARDS}


def find(key: str) -> SandboxCard | None:
    """The card with this number, or None. The suffix `__n` gives a copy with its own fingerprint."""
    base, _, copy = key.partition("__")
    return _copied(_BY_NUMBER.get(base), copy)


def named(identifier: str) -> SandboxCard | None:
    """The card named `pm_card_…` or `tok_…`, or None. The suffix `__n` gives a copy."""
    base, _, copy = identifier.partition("__")
    match = re.fullmatch(r"(?:pm_card|tok)_(?:visa_)?(\w+)", base)
    if match is None:
        return None
    name = "visa_debit" if base.endswith("_visa_debit") else match.group(1)
    return _copied(_BY_NAME.get(name), copy)


def stranger(number: str) -> SandboxCard:
    """A card with a well-formed number that isn't a test card; always declined."""
    brand = {"3": "amex", "5": "mastercard"}.get(number[0], "visa")
    return SandboxCard(number, "stranger", "", brand=brand, on_setup=STRANGER, on_charge=STRANGER)


def passes_luhn(number: str) -> bool:
    """Whether the number's check digit is right."""
    digits = [int(character) for character in reversed(number)]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def _copied(card: SandboxCard | None, copy: str) -> SandboxCard | None:
    if card is None or not copy:
        return card
    return SandboxCard(
        **{field: getattr(card, field) for field in SandboxCard.__dataclass_fields__} | {"copy": copy}
    )
