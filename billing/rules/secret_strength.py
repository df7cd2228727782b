"""Whether a secret key looks random. A key that a person made up, or a program repeated, is guessed in hours, however long."""

import re
from itertools import pairwise

FEWEST_KINDS = 10
"""The least number of different characters: 32 random hexadecimal digits have fewer once in thousands of keys."""
NEW_TRIPLES = 0.75
"""The least share of triples (three characters in a row) that are new: a repeated pattern has none."""
STEPS = 0.5
"""The largest share of characters that may equal the one before, or be its neighbour in the alphabet."""
WORDS, FEWEST_WORDS = 0.75, 11
"""A key with this share of words needs this many: a common word has 12 bits, and 128 are needed."""
LETTERS_A_WORD = 3.7
"""The least average length of words; what looks like a word in a random key is shorter."""
VOWELS = 0.25
"""The least share of vowels in words; random letters have fewer."""
KNOWN = (
    *("password", "passw0rd", "secret", "change", "default", "example", "masthead", "billing", "qwerty"),
    *("asdfgh", "letmein", "welcome", "admin", "12345", "abcdef", "00000", "test-", "insecure"),
)


def weakness(key: str) -> str | None:
    """What is wrong with the key, in words that don't repeat it; None when it looks random."""
    lower = key.lower()
    if len(set(key)) < FEWEST_KINDS:
        return f"has fewer than {FEWEST_KINDS} different characters"
    triples = [key[at : at + 3] for at in range(len(key) - 2)]
    if len(set(triples)) < NEW_TRIPLES * len(triples):
        return "repeats itself"
    if sum(abs(ord(left) - ord(right)) <= 1 for left, right in pairwise(key)) > STEPS * (len(key) - 1):
        return "counts on from character to character"
    if any(word in lower for word in KNOWN):
        return "holds a word that such keys are guessed by"
    return "is made of words" if _is_words(key) else None


def _is_words(key: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}", key)
    letters = "".join(words).lower()
    vowels = sum(letter in "aeiou" for letter in letters)
    of_words = len(letters) >= max(WORDS * len(key), LETTERS_A_WORD * len(words))
    return of_words and vowels >= VOWELS * len(letters) and len(words) < FEWEST_WORDS
