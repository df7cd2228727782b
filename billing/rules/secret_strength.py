"""Whether a secret key looks random. What a person made up, or a program repeated, is guessed in hours, however long it is."""

import re
from itertools import pairwise

FEWEST_KINDS = 10
"""Different characters in a random key: 32 hexadecimal digits have fewer once in thousands of times."""
NEW_TRIPLES = 0.75
"""Of three characters in a row so large a part must not have come before: a repeated pattern has none that is new."""
STEPS = 0.5
"""No larger part of the characters may follow the one before in the alphabet, or be the same."""
WORDS, FEWEST_WORDS = 0.75, 11
"""A key that is words to so large a part needs so many of them: 12 bits each, as a common word has, make 128."""
LETTERS_A_WORD = 3.7
"""Words have so many on average; what looks like one in a random key is shorter."""
VOWELS = 0.25
"""Of the letters in words; letters drawn at random have fewer."""
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
    if sum(abs(ord(one) - ord(other)) <= 1 for one, other in pairwise(key)) > STEPS * (len(key) - 1):
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
