"""Web addresses in what a stranger typed. A mail of ours that repeats the words must not carry a stranger's link."""

import re

MASK = "[address left out]"
# browsers read the other three as dots too (RFC 3490, 3.1)
_DOT = r"[.\u3002\uff0e\uff61]"
_ADDRESS = re.compile(
    # with a scheme; or a host's name: letters, a dot, and an ending of letters, as mail programs make links of those too
    rf"\b[a-z][a-z0-9+.-]*://\S*|\bmailto:\S*|[\w@%+-]+(?:{_DOT}[\w@%+-]+)*{_DOT}[^\W\d_]{{2,}}(?:[:/?#]\S*)?",
    re.IGNORECASE,
)


def without_web_addresses(text: str) -> str:
    """The text with every web and mail address replaced by `MASK`. In doubt it masks: two sentences without a space between them
    look like a host's name."""
    return _ADDRESS.sub(MASK, text)
