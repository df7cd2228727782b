"""The relay, and what DNS says of the domains that mail comes from."""

from collections.abc import Iterator

from billing.preflight.check_result import CheckResult, no, ok, warn
from billing.preflight.context import NoDnsAnswer, Preflight

NULL_EXCHANGE = "."
"""The only MX of a domain that takes no mail (RFC 7505)."""


def relay(given: Preflight) -> Iterator[CheckResult]:
    """Connect, encrypt and log in as for a mail, and send none."""
    refused = given.relay.try_connection()
    if refused is None:
        yield ok("the relay takes our connection; `billing mail test` sends a mail through it")
    else:
        yield no(f"the relay doesn't take our connection ({refused.reply}): check BILLING_SMTP_URL")


def mail_dns(given: Preflight) -> Iterator[CheckResult]:
    """SPF of the envelopes' domains, DMARC of the senders', MX of those that must get mail."""
    read = given.settings
    receipts, letters = _domain(read.mail_from), _domain(read.newsletter_from)
    bounces = read.bounce_domain or letters
    try:
        for domain in dict.fromkeys((receipts, bounces)):
            yield spf(domain, given.dns.texts(domain))
        for domain in dict.fromkeys((receipts, letters)):
            yield dmarc(domain, _dmarc_records(given, domain))
        for domain in dict.fromkeys(filter(None, (receipts, letters, bounces, read.reply_domain))):
            yield exchanges(domain, given.dns.mail_exchanges(domain))
    except NoDnsAnswer as error:
        yield warn(f"DNS doesn't answer ({error}): check from a machine whose resolver does")


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _dmarc_records(given: Preflight, domain: str) -> list[str]:
    """Of the domain or of one above it, the nearest first (RFC 7489, 6.6.3)."""
    labels = domain.split(".")
    for first in range(len(labels) - 1):
        texts = given.dns.texts(f"_dmarc.{'.'.join(labels[first:])}")
        if found := [text for text in texts if text.replace(" ", "").casefold().startswith("v=dmarc1;")]:
            return found
    return []


def spf(domain: str, texts: list[str]) -> CheckResult:
    """Exactly one record, which names who may send (RFC 7208, 3.2 and 4.5)."""
    found = [text for text in texts if text.casefold().split(" ")[0] == "v=spf1"]
    if not found:
        return no(
            f"{domain} has no SPF record: add the TXT record that your relay gives, such as `v=spf1 include:… -all`"
        )
    if len(found) > 1:
        return no(f"{domain} has {len(found)} SPF records, so that none counts: join them to one")
    terms = found[0].casefold().split()
    if "+all" in terms or "all" in terms:
        return no(f"{domain}'s SPF record lets everybody send in its name: end it with `-all`")
    return ok(f"{domain} has an SPF record")


def dmarc(domain: str, records: list[str]) -> CheckResult:
    """Exactly one record. Mailboxes that take much mail ask for it (https://support.google.com/mail/answer/81126)."""
    if not records:
        return no(
            f"{domain} has no DMARC record: add a TXT record at _dmarc.{domain}, such as `v=DMARC1; p=none; rua=mailto:…`"
        )
    if len(records) > 1:
        return no(f"{domain} has {len(records)} DMARC records, so that none counts: keep one")
    return ok(f"{domain} has a DMARC record")


def exchanges(domain: str, hosts: list[str]) -> CheckResult:
    """Readers' replies and returned mail must arrive."""
    if hosts == [NULL_EXCHANGE]:
        return no(f"{domain} refuses all mail by its MX record: replies and returned mail would be lost")
    if not hosts:
        return warn(
            f"{domain} has no MX record: replies and returned mail go to the host of that name, if there is one"
        )
    return ok(f"{domain} takes mail at {hosts[0]}")
