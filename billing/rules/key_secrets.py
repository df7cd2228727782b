"""The form of an API key's secret: scanners find it in code by its prefix, and recognise it by its checksum."""

import re
import zlib

PREFIX = "mk_"
RANDOM, CHECK = 43, 6
"""Random characters (256 bits), and characters of the checksum after them."""
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM + CHECK}}}")
"""What a scanner looks for."""


def spelled(number: int) -> str:
    """The secret of a random number of 256 bits: the number in base 62, then the CRC-32 of that in base 62."""
    random = _base62(number, RANDOM)
    return PREFIX + random + _checksum(random)


def is_whole(secret: str) -> bool:
    """Whether a text is a whole secret: it has the form, and the right checksum."""
    if FORM.fullmatch(secret) is None:
        return False
    body = secret.removeprefix(PREFIX)
    return _checksum(body[:RANDOM]) == body[RANDOM:]


def _checksum(random: str) -> str:
    return _base62(zlib.crc32(random.encode()), CHECK)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
