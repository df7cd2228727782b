"""Check the DKIM signature of a newsletter as it was delivered (H1, H2).

The relay signs after us, so a signature that omits the unsubscribe headers, or is another domain's, shows only in what arrives. The
receiving mailbox has verified the signature itself, and wrote down the result."""

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
"""Headers that some relays rewrite, after signing or before: reported, and no fault."""
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
    """It has l=, so that more could be put below what was signed."""

    def signs_for(self, host: str) -> bool:
        """Whether its domain is the host's own, or one above it."""
        return "." in self.domain and (host == self.domain or host.endswith(f".{self.domain}"))


def check(raw: bytes) -> list[DkimFinding]:
    """Everything that must hold of a delivered newsletter, a line each. Raises NotAMail."""
    message = BytesHeaderParser(policy=compat32).parsebytes(raw.lstrip())
    host = _host_of_from(message)
    return [*_signed(message, host), *_unsubscribing(message), *_verdict(message, host)]


def _all(message: Message, name: str) -> list[str]:
    """The values of a header as they stand, unfolded."""
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
    """Those that can be read; tags may stand in any order, with space anywhere (RFC 6376, 3.2)."""
    for value in _all(message, "DKIM-Signature"):
        parts = (part.partition("=") for part in value.split(";") if part.strip())
        tags = {name.strip(): re.sub(r"\s", "", text) for name, _, text in parts}
        if tags.get("d") and tags.get("h"):
            names = frozenset(tags["h"].lower().split(":"))
            yield _Signature(tags["d"].lower().rstrip("."), tags.get("s", "?"), names, "l" in tags)


def _signed(message: Message, host: str) -> Iterator[DkimFinding]:
    signatures = list(_signatures(message))
    ours = [one for one in signatures if one.signs_for(host)]
    if not ours:
        others = ", ".join(sorted({one.domain for one in signatures}))
        words = f"no DKIM-Signature is of {host} or a domain above it"
        yield DkimFinding(
            False, f"{words}; there is: {others}" if others else f"{words}; there is none at all"
        )
        return
    best = max(ours, key=lambda one: len(one.covers & {name.lower() for name in COVERED}))
    yield DkimFinding(True, f"signed by {best.domain} (selector {best.selector}), and From is of {host}")
    for name in COVERED:
        if name not in message:
            yield DkimFinding(False, f"{name} is missing")
        else:
            covered = name.lower() in best.covers
            yield DkimFinding(
                covered, f"{name} is {'signed' if covered else 'not in h=, so anybody may change it'}"
            )
    for name in OPTIONAL:
        covered = name.lower() in best.covers
        yield DkimFinding(None, f"{name} is {'signed' if covered else 'not signed, which is no fault'}")
    if best.cut:
        yield DkimFinding(False, "the signature has l=: text can be added below what was signed")


def _unsubscribing(message: Message) -> Iterator[DkimFinding]:
    """Each once, as mail programs want it for their own button (RFC 8058)."""
    links, posts = _all(message, "List-Unsubscribe"), _all(message, "List-Unsubscribe-Post")
    https = sum(len(re.findall(r"<https://[^<>\s]+>", one)) for one in links)
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
    """The result of the receiving mailbox. Only the uppermost header is its own; those below came with the mail and prove nothing."""
    found = _all(message, "Authentication-Results")[:1]
    results = [one for one in _results(found[0]) if _concerns(one[1], host)] if found else []
    if not results:
        yield DkimFinding(None, "no Authentication-Results of the mailbox says whether the signature is good")
        return
    good = any(verdict == "pass" for verdict, _ in results)
    results_text = ", ".join(
        f"dkim={verdict}" + (f" for {domain}" if domain else "") for verdict, domain in results
    )
    yield DkimFinding(good, f"the mailbox says {results_text}")


def _results(value: str) -> Iterator[tuple[str, str]]:
    """Each dkim verdict with the domain it is about; empty where it isn't said."""
    for part in re.sub(r"\([^()]*\)", "", value).split(";"):
        verdict = re.match(r"\s*dkim\s*=\s*(\w+)", part)
        if verdict:
            domain = re.search(r"header\.(?:d=|i=[^@\s]*@)([^\s;]+)", part)
            yield verdict[1].lower(), domain[1].lower().rstrip(".") if domain else ""


def _concerns(domain: str, host: str) -> bool:
    return not domain or host == domain or host.endswith(f".{domain}") or domain.endswith(f".{host}")
