"""What card schemes are called, on pages, in mails and in reports alike."""

SCHEMES = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


def scheme_name(brand: str) -> str:
    """A scheme as its owner writes it; brands come in the acquirer's spelling."""
    return SCHEMES.get(brand.strip().lower()) or brand.strip().replace("_", " ").title()
