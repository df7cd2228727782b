"""Checks the DKIM signature of a delivered newsletter (H1, H2).

The relay signs after us. So a signature that omits the unsubscribe headers, or is another domain's, shows only in what arrives.
The receiving mailbox has verified the signature itself, and recorded the result in a header."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses

from billing.mail.mime import UnsendableAddress, ascii_address
from billing.platform.errors import Invalid

COVERED = ("From", "Subject", "Date", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID")
"""What the signature must cover."""
OPTIONAL = ("Message-ID",)
"""Headers that some relays rewrite: reported, but no fault."""
ONE_CLICK = "List-Unsubscribe=One-Click"


class NotAMail(Invalid):
    """This holds no mail: no From among its headers. Save the raw source of the message, headers and all."""

    code = "not_a_mail"


@dataclass(frozen=True, slots=True)
class DkimFinding:
    """A line about the message. `holds` is None where the line proves nothing."""

    holds: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class _Signature:
    domain: str
    selector: str
    covers: frozenset[str]
    cut: bool
    """It has l=, so text could be added below the signed part."""

    def signs_for(self, host: str) -> bool:
        """Whether its domain is the host's own, or one above it."""
        # A top-level domain (d=com) is above every host in it, and proves nothing.
        return "." in self.domain and (host == self.domain or host.endswith(f".{self.domain}"))


def check(raw: bytes) -> list[DkimFinding]:
    """Checks what must hold of a delivered newsletter, a finding each. Raises NotAMail."""
    message = BytesHeaderParser(policy=compat32).parsebytes(raw.lstrip())
    host = _host_of_from(message)
    return [*_signed(message, host), *_unsubscribing(message), *_verdict(message, host)]


def _all(message: Message, name: str) -> list[str]:
    """The values of a header, unfolded."""
    return [re.sub(r"\s+", " ", str(value)).strip() for value in message.get_all(name, [])]


def _host_of_from(message: Message) -> str:
    found = _all(message, "From")
    addresses = [address for _, address in getaddresses(found) if "@" in address]
    if len(found) != 1 or len(addresses) != 1:
        raise NotAMail if not found else NotAMail(f"It has {len(addresses)} addresses in From, not one.")
    try:
        return ascii_address(addresses[0]).rpartition("@")[2].lower()
    except UnsendableAddress:
        raise NotAMail("The address in From can't be read.") from None


def _signatures(message: Message) -> Iterator[_Signature]:
    """The readable signatures. Tags stand in any order, with spaces anywhere (RFC 6376, 3.2)."""
    for value in _all(message, "DKIM-Signature"):
        parts = (part.partition("=") for part in value.split(";") if part.strip())
        tags = {name.strip(): re.sub(r"\s", "", text) for name, _, text in parts}
        if tags.get("d") and tags.get("h"):
            names = frozenset(tags["h"].lower().split(":"))
            yield _Signature(tags["d"].lower().rstrip("."), tags.get("s", "?"), names, "l" in tags)


def _signed(message: Message, host: str) -> Iterator[DkimFinding]:
    signatures = list(_signatures(message))
    ours = [signature for signature in signatures if signature.signs_for(host)]
    if not ours:
        others = ", ".join(sorted({signature.domain for signature in signatures}))
        words = f"no DKIM-Signature is of {host} or a domain above it"
        yield DkimFinding(False, f"{words}; there is{f': {others}' if others else ' none at all'}")
        return
    best = max(ours, key=lambda signature: len(signature.covers & {name.lower() for name in COVERED}))
    yield DkimFinding(True, f"signed by {best.domain} (selector {best.selector}), and From is of {host}")
    for name in COVERED:
        covered = name in message and name.lower() in best.covers
        words = (
            "signed" if covered else "not in h=, so anybody may change it" if name in message else "missing"
        )
        yield DkimFinding(covered, f"{name} is {words}")
    for name in OPTIONAL:
        covered = name.lower() in best.covers
        yield DkimFinding(None, f"{name} is {'signed' if covered else 'not signed, which is no fault'}")
    if best.cut:
        yield DkimFinding(False, "the signature has l=: text can be added below what was signed")


def _unsubscribing(message: Message) -> Iterator[DkimFinding]:
    """Each header must stand there once, as mail programs need it for their own button (RFC 8058)."""
    links, posts = _all(message, "List-Unsubscribe"), _all(message, "List-Unsubscribe-Post")
    https = sum(len(re.findall(r"<https://[^<>\s]+>", link)) for link in links)
    fine = len(links) == https == 1
    holds = "one https address" if fine else f"{https} https addresses in all"
    yield DkimFinding(fine, f"List-Unsubscribe is there {_times(len(links))}, with {holds}")
    says = posts == [ONE_CLICK]
    yield DkimFinding(
        says, f"List-Unsubscribe-Post is there {_times(len(posts))}{'' if says else f', not as {ONE_CLICK}'}"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _verdict(message: Message, host: str) -> Iterator[DkimFinding]:
    """The result of the receiving mailbox. Only the uppermost header is its own; those below came with the mail."""
    found = _all(message, "Authentication-Results")[:1]
    results = [result for value in found for result in _results(value) if _concerns(result[1], host)]
    if not results:
        yield DkimFinding(None, "no Authentication-Results of the mailbox says whether the signature is good")
        return
    passed = any(verdict == "pass" for verdict, _ in results)
    words = (f"dkim={verdict}{f' for {domain}' if domain else ''}" for verdict, domain in results)
    yield DkimFinding(passed, f"the mailbox says {', '.join(words)}")


def _results(value: str) -> Iterator[tuple[str, str]]:
    """Each dkim verdict with its domain, which may be empty."""
    for part in re.sub(r"\([^()]*\)", "", value).split(";"):
        verdict = re.match(r"\s*dkim\s*=\s*(\w+)", part)
        if verdict:
            domain = re.search(r"header\.(?:d=|i=[^@\s]*@)([^\s;]+)", part)
            yield verdict[1].lower(), domain[1].lower().rstrip(".") if domain else ""


def _concerns(domain: str, host: str) -> bool:
    return not domain or host == domain or host.endswith(f".{domain}") or domain.endswith(f".{host}")
