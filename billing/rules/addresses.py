"""The canonical form of a mail address: one person, one trial (SEC-8). Never used to send."""

from unicodedata import category, normalize

ERASED_DOMAIN = "@erased.invalid"
"""The end of the name that an erased reader has in place of an address. Mail to `.invalid` reaches nobody (RFC 2606)."""
_GMAIL = "gmail.com"
_GMAIL_NAMES = {_GMAIL, "googlemail.com"}


class NotAnAddress(ValueError):
    """A mail address is a name, one @ and a domain."""

    def __init__(self) -> None:
        super().__init__("a mail address is a name, one @ and a domain")


def is_erased(email: str) -> bool:
    """Whether it is the name of an erased reader, and no address."""
    return email.endswith(ERASED_DOMAIN)


def canonical(email: str) -> str:
    """One spelling for all the spellings that reach the same mailbox, for the one-trial rule only.

    Compatibility forms and case are folded, invisible characters dropped, the +tag cut, the domain
    written in ASCII (IDNA); at Gmail the dots and the second domain go too. Two forms that are equal
    mean one trial, so in doubt it joins them; a mail always goes to the address as it was given.
    Raises NotAnAddress; the message never repeats the address.
    """
    # To a fixed point: a removed dot or invisible character brings letters together that the next round folds.
    while (spelled := _spelled(email)) != email:
        email = spelled
    return email


def _spelled(email: str) -> str:
    local, at_sign, domain = _folded(email).partition("@")
    if not at_sign or "@" in domain:
        raise NotAnAddress
    domain = _ascii(domain)
    local = local.partition("+")[0] or local  # with nothing before it, the +tag is the name
    if domain in _GMAIL_NAMES:
        local, domain = local.replace(".", ""), _GMAIL
    if not local:
        raise NotAnAddress
    return f"{local}@{domain}"


def _folded(text: str) -> str:
    text = normalize("NFKC", normalize("NFKC", text.strip()).casefold())
    text = "".join(letter for letter in text if category(letter) != "Cf")
    if any(letter.isspace() or category(letter).startswith("C") for letter in text):
        raise NotAnAddress
    return text


def _ascii(domain: str) -> str:
    try:
        written = domain.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise NotAnAddress from None
    if not written:
        raise NotAnAddress
    return written
