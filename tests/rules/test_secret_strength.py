"""A random-looking secret key is accepted; one made up by a person isn't."""

import base64
import random

import pytest

from billing.rules.secret_strength import weakness

DRAWS = 3000


@pytest.mark.parametrize(
    "key",
    [
        "a" * 40,
        "change-me" * 5,
        "deadbeefcafe" * 4,
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz012345",
        "zyxwvutsrqponmlkjihgfedcba987654",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "the swartberg post is the best paper",
        "our-newspaper-subscription-2026-key",
        "kR7!pW2@zX9#mN4$password6%cL1^hJ",
        "Passw0rd!Passw0rd?Passw0rd.Passw0rd",
        "correct horse battery staple tractor",
        "Kransrivier.Oudtshoorn.Ladismith.Calitzdorp",
        "111111111122222222223333333333444444444abcd",
    ],
)
def test_a_key_that_can_be_guessed_is_named(key: str) -> None:
    assert weakness(key) is not None
    assert key not in (weakness(key) or "")


@pytest.mark.parametrize("how", ["base64", "urlsafe", "hex32", "hex64", "printable"])
def test_random_keys_are_taken(how: str) -> None:
    """Of thousands of keys as the usual commands make them, drawn from a fixed seed, hardly one is refused."""
    drawn = random.Random(7)
    refused = []
    for _ in range(DRAWS):
        match how:
            case "base64":
                key = base64.b64encode(drawn.randbytes(48)).decode()
            case "urlsafe":
                key = base64.urlsafe_b64encode(drawn.randbytes(32)).rstrip(b"=").decode()
            case "hex32":
                key = drawn.randbytes(16).hex()
            case "hex64":
                key = drawn.randbytes(32).hex()
            case _:
                key = "".join(chr(drawn.randrange(33, 127)) for _ in range(40))
        if weakness(key):
            refused.append((key, weakness(key)))
    assert len(refused) <= DRAWS // (100 if how == "hex32" else 500), refused[:3]


def test_a_long_phrase_of_words_is_taken() -> None:
    assert weakness("tractor plum ninety quiz fjord walnut ember jigsaw cobalt yodel brick humid") is None
