"""Which address was probably meant, where its domain looks mistyped. A hint is a question: the address as typed stays possible."""

COMMON = (
    "gmail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "mweb.co.za",
    "telkomsa.net",
    "vodamail.co.za",
    "webmail.co.za",
    "iafrica.com",
    "absamail.co.za",
    "lantic.net",
    "yahoo.co.uk",
    "yahoo.co.za",
    "hotmail.co.uk",
    "protonmail.com",
    "googlemail.com",
)
"""Domains of many readers' mail, the most usual first: among equally near ones the first is meant."""
OTHERS = frozenset(
    [
        "aol.com",
        "email.com",
        "fastmail.com",
        "gmx.com",
        "gmx.net",
        "hotmail.co.za",
        "hotmail.fr",
        "live.com",
        "live.co.za",
        "live.co.uk",
        "mail.com",
        "me.com",
        "msn.com",
        "mac.com",
        "outlook.co.za",
        "outlook.fr",
        "pm.me",
        "polka.co.za",
        "proton.me",
        "rocketmail.com",
        "vodacom.co.za",
        "yahoo.ca",
        "yahoo.co.in",
        "yahoo.de",
        "yahoo.fr",
        "ymail.com",
        "zoho.com",
    ]
)
"""Real domains that lie near a common one, or that somebody could take for a mistake."""
ENDINGS = {
    ".con": ".com",
    ".cmo": ".com",
    ".ocm": ".com",
    ".comm": ".com",
    ".coom": ".com",
    ".vom": ".com",
    ".xom": ".com",
    ".cpm": ".com",
    ".co.z": ".co.za",
    ".co.a": ".co.za",
    ".co.zza": ".co.za",
    ".co.zaa": ".co.za",
    ".co.xa": ".co.za",
    ".co.sa": ".co.za",
    ".c.za": ".co.za",
    ".coza": ".co.za",
    ".ney": ".net",
    ".ogr": ".org",
}
"""Endings that no domain has, or none of a newspaper's readers, and what is meant."""
LONG = 9
"""Letters from which a domain may be two slips away. In a short one, two slips make another word."""


def suggestion(email: str) -> str | None:
    """The address that was probably meant: its name at a common domain a slip or two away, or with the ending put right.

    A slip is a letter too many, too few, wrong, or two changed places. None for a domain that we know, and for any other that
    resembles none. Never asks DNS, and never looks at readers: it depends on the letters alone (6.3.8)."""
    name, at_sign, domain = email.strip().rpartition("@")
    domain = domain.lower().removesuffix(".")
    if not at_sign or not name or domain in COMMON or domain in OTHERS:
        return None
    nearest = min(COMMON, key=lambda common: slips(domain, common))
    if slips(domain, nearest) <= (2 if len(nearest) >= LONG else 1):
        return f"{name}@{nearest}"
    for wrong, right in ENDINGS.items():
        if domain.endswith(wrong) and len(domain) > len(wrong):
            return f"{name}@{domain.removesuffix(wrong)}{right}"
    return None


def slips(one: str, other: str) -> int:
    """How many slips lie between two words: the distance of Damerau and Levenshtein, without overlaps."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
