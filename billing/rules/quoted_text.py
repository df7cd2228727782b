"""What a person wrote in a reply, without the mail that they answered."""

import re

_SEPARATOR = re.compile(
    r"^\s*(?:-{2,}\s*(?:Original Message|Forwarded message|Oorspronklike boodskap)\s*-{2,}|_{20,})\s*$",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^\s*\*?(?:From|Van)\*?:\s*\S", re.IGNORECASE)
_NEXT_HEADER = re.compile(r"^\s*\*?(?:Sent|Date|To|Subject|Gestuur|Datum|Aan|Onderwerp)\*?:", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r"^\s*(?:On|Op)\b.{4,300}(?:wrote|geskryf|skryf)\s*:\s*$", re.IGNORECASE | re.DOTALL
)


def without_quote(text: str) -> str:
    """The text above the mail that it answers. Answers between quoted lines stay, with these lines.

    Mail programs mark the earlier mail in different ways: a line of dashes, a block of headers, "On … wrote:", or `>` at each line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = lines[: _end(lines)]
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith(">")):
        lines.pop()
    return "\n".join(lines).strip()


def _end(lines: list[str]) -> int:
    """The index of the line at which the earlier mail begins, else the number of lines."""
    for place, line in enumerate(lines):
        if _SEPARATOR.match(line):
            return place
        if _HEADER.match(line) and any(map(_NEXT_HEADER.match, lines[place + 1 : place + 4])):
            return place
        for last in range(place + 1, min(place + 4, len(lines) + 1)):  # programs break a long attribution
            if _ATTRIBUTION.match("\n".join(lines[place:last])) and _is_quote(lines[last:]):
                return place
    return len(lines)


def _is_quote(lines: list[str]) -> bool:
    """Whether only quoted lines follow."""
    return all(not line.strip() or line.lstrip().startswith(">") for line in lines)
