"""The answer to a dispute in words, made from its evidence: pure, and only of what the evidence says."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from billing.acquirer.evidence_port import EvidenceField, EvidenceLimits, Texts
from billing.rules.money import Money
from emails.languages import date_and_time, date_only

Row = Mapping[str, Any]
SHORTENED = "\n[shortened]"


def draft(evidence: Row, documents: Mapping[str, str], zone: ZoneInfo) -> Texts:
    """The texts; none once the reader is erased, and the evidence with them. `documents`: the terms and the refund policy as they
    were accepted, by kind. Times are in `zone`."""
    if not evidence:
        return {}
    charge, agreed = evidence["charge"], consent_before(evidence)
    return {
        EvidenceField.WORDS: _summary(evidence, agreed, zone),
        EvidenceField.PRODUCT: f"{charge['description']}. A subscription that is read online; nothing is shipped.",
        EvidenceField.SERVICE_DATE: f"{_day(charge['period from'])} to {_day(charge['period through'])}",
        EvidenceField.NOT_CANCELLED: _not_cancelled(charge, zone),
        EvidenceField.TERMS_SHOWN: _terms_shown(evidence, agreed, documents.get("terms", ""), zone),
        EvidenceField.REFUND_POLICY_SHOWN: _policy_shown(agreed, documents.get("refunds", ""), zone),
        EvidenceField.ACCESS_LOG: _access_log(evidence, zone),
        EvidenceField.EMAIL: str(evidence["email"]),
        EvidenceField.NETWORK_ADDRESS: str(agreed["from"]) if agreed else "",
    }


def consent_before(evidence: Row) -> Row | None:
    """The last consent before the charge, which is about its subscription. None also once the reader is erased."""
    if not evidence:
        return None
    paid = instant(evidence["charge"]["paid"])
    before = [row for row in evidence["consents"] if instant(row["at"]) <= paid]
    return before[-1] if before else None


def instant(at: str) -> datetime:
    """An instant of the evidence."""
    return datetime.fromisoformat(at)


def fit(texts: Texts, limits: EvidenceLimits) -> Texts:
    """The texts, each cut to what an acquirer takes, and the longest again until all fit together."""
    fitting = {name: _cut(text, limits.text) for name, text in texts.items()}
    while (over := sum(map(len, fitting.values())) - limits.all_texts) > 0:
        longest = max(fitting, key=lambda name: len(fitting[name]))
        fitting[longest] = _cut(fitting[longest], max(len(fitting[longest]) - over, 0))
    return fitting


def _cut(text: str, most: int) -> str:
    # the mark is cut too, or a limit shorter than it is never met
    return text if len(text) <= most else text[: max(most - len(SHORTENED), 0)] + SHORTENED[:most]


def _summary(evidence: Row, agreed: Row | None, zone: ZoneInfo) -> str:
    charge = evidence["charge"]
    lines = [
        f"{Money(charge['cents']).with_vat_words()} was charged on {_moment(charge['paid'], zone)} to the {charge['card']},"
        f" for {charge['description']} from {_day(charge['period from'])} to {_day(charge['period through'])}"
        f" (tax invoice {charge['invoice']})."
    ]
    if agreed is not None:
        lines.append(
            f"The reader agreed to this price on {_moment(agreed['at'], zone)}, from the network address {agreed['from']}."
        )
    if notices := _announced(evidence):
        days = ", ".join(_moment(row["at"], zone) for row in notices)
        lines.append(f"The amount, its day and a link that cancels were mailed before the charge: {days}.")
    if evidence["sign-ins"]:
        seen = sum(int(row["times seen, an hour or more apart"]) for row in evidence["sign-ins"])
        last = max(row["last seen"] for row in evidence["sign-ins"])
        lines.append(f"The reader came signed in {_times(seen)}, last on {_moment(last, zone)}.")
    if others := evidence["other payments"]:
        lines.append(f"The same reader has paid {_times(len(others))} besides.")
    return "\n".join(lines)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _announced(evidence: Row) -> list[Row]:
    paid = instant(evidence["charge"]["paid"])
    notices = [row for row in evidence["mails"] if row["mail"] == "trial notice"]
    return [row for row in reversed(notices) if instant(row["at"]) < paid]


def _not_cancelled(charge: Row, zone: ZoneInfo) -> str:
    """Empty where the reader did cancel before the charge."""
    asked = charge["cancelled"]
    if asked and instant(asked) < instant(charge["paid"]):
        return ""
    return (
        f"Nobody had asked to cancel before the charge of {_moment(charge['paid'], zone)}. Each mail about the subscription has a"
        " link that cancels it without signing in, and the account has the same in two clicks."
    )


def _terms_shown(evidence: Row, agreed: Row | None, terms: str, zone: ZoneInfo) -> str:
    parts = []
    if agreed is not None:
        parts.append(
            f"On {_moment(agreed['at'], zone)} the reader agreed, before any charge, from {agreed['from']}"
            f" ({agreed['device']}), to {Money(agreed['cents']).with_vat_words()}, first charged on"
            f" {_day(agreed['first charge'])}, in these words:\n“{agreed['words']}”"
        )
    if mails := evidence["mails"]:
        parts.append(
            "Mails that the reader’s mail server accepted:\n"
            + _lines(f"{_moment(row['at'], zone)}: {row['mail']}, to {row['to']}" for row in mails)
        )
    if terms:
        parts.append(f"The terms as they were then:\n{terms}")
    return "\n\n".join(parts)


def _policy_shown(agreed: Row | None, policy: str, zone: ZoneInfo) -> str:
    if not policy or agreed is None:
        return ""
    return f"The reader accepted the refund policy when they agreed on {_moment(agreed['at'], zone)}. As it was then:\n{policy}"


def _access_log(evidence: Row, zone: ZoneInfo) -> str:
    parts = []
    if signed_in := evidence["sign-ins"]:
        parts.append(
            f"Sign-ins, in the time of {zone.key}:\n" + _lines(_sign_in(row, zone) for row in signed_in)
        )
    if reading := evidence["reading"]:
        parts.append(
            "Articles read while they were counted, by day:\n"
            + _lines(f"{_day(row['day'])}: {row['metered articles']}" for row in reading)
        )
    return "\n".join([*parts, _not_recorded(evidence)])


def _not_recorded(evidence: Row) -> str:
    """Why the days have no more articles, and often none: the meter counts for readers without a subscription (PW-13)."""
    charge = evidence["charge"]
    first, last = charge["period from"], charge["period through"]
    why = (
        "Articles are counted only while no subscription opens them. What a subscriber reads is not recorded, to protect the"
        " reader’s privacy."
    )
    if any(first <= row["day"] <= last for row in evidence["reading"]):
        return why
    return f"No article is on record for the period of this charge, {_day(first)} to {_day(last)}. {why}"


def _sign_in(row: Row, zone: ZoneInfo) -> str:
    return (
        f"{_moment(row['at'], zone)}: signed in from {row['from']} ({row['device']}); came"
        f" {_times(int(row['times seen, an hour or more apart']))}, last on {_moment(row['last seen'], zone)}"
    )


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _moment(at: str, zone: ZoneInfo) -> str:
    return str(date_and_time(instant(at).astimezone(zone)))


def _day(on: str) -> str:
    return str(date_only(date.fromisoformat(on)))
