"""Identifiers in Stripe's format."""

import secrets

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def random_text(length: int) -> str:
    """Random letters and digits."""
    return "".join(ALPHABET[byte % 62] for byte in secrets.token_bytes(length))


def new(prefix: str, length: int = 24) -> str:
    """A fresh identifier such as `cus_…`."""
    return f"{prefix}_{random_text(length)}"


def client_secret(identifier: str) -> str:
    """The secret by which a browser acts on an intent."""
    return f"{identifier}_secret_{random_text(25)}"
