"""The apostrophe of sentences that pages show: our code has the straight one."""

import re

from emails.languages import Text

_STRAIGHT = re.compile(r"(?<=\w)'(?=\w)")


def typographic(text: str) -> str:
    """A sentence of ours with the apostrophe that pages use. Never for what a person typed, such as an address."""
    return _STRAIGHT.sub("’", text)


def typographic_text(words: str) -> Text:
    """The same for a text, whose values a person may have typed."""
    if not isinstance(words, Text):
        return Text(typographic(words))
    return Text(typographic(words.message), words.values, words.context)
