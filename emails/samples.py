"""Sample mails of every kind and variant, for the preview and the lints. Values go by a field's name or type."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, Literal, get_args, get_origin

from emails.fields import MailFacts, hints, mark, within
from emails.filters import every, rand
from emails.house import House, LegalLink
from emails.languages import Text, full_moment, named, say
from emails.mails import MAILS, Mail, load

HOUSE = House(
    name="The Karoo Courier",
    legal_name="Karoo Courier Media (Pty) Ltd",
    address="14 Stockenstroom Street, Graaff-Reinet, 6280",
    vat_number="4000000018",
    contact_email="hello@karoo-courier.example",
    phone="+27 49 000 0100",
    url="https://karoo-courier.example",
    legal_form="Private company",
    registration_number="2014/000027/07",
    registration_place="Beaufort West, South Africa",
    directors="R. Jacobs, L. Mthembu",
    documents=tuple(
        LegalLink(kind, 1, label, f"https://karoo-courier.example/{kind}")
        for kind, label in (
            ("terms", say("Terms")),
            ("privacy", say("Privacy notice")),
            ("refunds", say("Refund policy")),
        )
    ),
)
_ASKED = full_moment(datetime(2026, 3, 17, 7, 42))  # noqa: DTZ001 - in the publisher's zone already
_LATER = full_moment(datetime(2026, 3, 17, 8, 42))  # noqa: DTZ001
SITE = "https://accounts.karoo-courier.example"
_BY_NAME: dict[str, Any] = {
    "access_until": "2026-04-15",
    "account_url": f"{SITE}/account",
    "after": say(
        "%(price)s %(every)s, until you cancel",
        price=say("%(amount)s incl. VAT", amount=rand(7500)),
        every=every("month"),
    ),
    "answer": "We have charged your card once, on 16 March.\n\nThe other line is your bank's own reservation.",
    "asked_text": _ASKED,
    "at_text": _ASKED,
    "by": "sipho@swartbergpost.example",
    "cancel_url": f"{SITE}/cancel#sub_8w3t5n1c.7tq2Zr0wVb5mHd1xLc9sQa2u",
    "card_brand": "visa",
    "card_last4": "4242",
    "card_url": f"{SITE}/card/m2Kd8sPq4Wx",
    "confirm": False,
    "credit_note_number": "CN-000007",
    "description": say(
        "%(plan)s, one %(period)s", plan="Digital subscription", period=named("period", "month")
    ),
    "device": Text("%(browser)s on %(system)s", {"browser": "Firefox", "system": "Windows"}),
    "email": "lerato@swartbergpost.example",
    "ever_charged": False,
    "data_url": f"{SITE}/account/data",
    "expires_on": "2026-05-31",
    "from_on": "2026-09-16",
    "invoice_number": "INV-000123",
    "known": False,
    "last_day": "2026-04-15",
    "member": "naledi@swartbergpost.example",
    "net": 6522,
    "network": "196.25.1.9",
    "newsletters": Text("%(names)s and %(last)s", {"names": "Karoo at Six", "last": "The Weekend Table"}),
    "next_charge_on": "2026-04-16",
    "next_on": "2027-03-16",
    "number": "INV-000123",
    "offer_url": f"{SITE}/",
    "pay_url": f"{SITE}/pay/inv_5t8n2w4k.Qm2Lr6Tz4Wn9Yc5Bp1Hd7Fs0",
    "period_to": "2026-04-15",
    "question": "I see two charges on my statement. Did I pay twice?",
    "reading_until": "2026-04-05",
    "reason": named("refund reason", "Cancelled within 14 days of the first payment"),
    "received_text": _ASKED,
    "request_id": "req_01kpb0cz8e2y6n4m",
    "reference": "EFT 2026/118",
    "resumes_on": "2026-07-01",
    "retry_on": "2026-03-19",
    "staff_url": f"{SITE}/staff/sessions",
    "started_on": "2026-03-01",
    "state": "gone",
    "thread_url": f"{SITE}/account/requests/req_01kpb0cz8e2y6n4m",
    "trial_ends_on": "2026-03-15",
    "undo_url": f"{SITE}/account/cancelled",
    "unsubscribe_url": f"{SITE}/u/sgn_01kpb0cz8e2y6n4m",
    "until_text": _LATER,
    "vat": 978,
    "vat_percent": "15",
    "year_amount": 75000,
}
_BY_MARK = {"cents": 7500, "day": "2026-03-16", "url": SITE, "code": "48120673"}


def samples() -> dict[str, Mail]:
    """A sample of each variant of each mail, by a short name such as `payment-failed-confirm`."""
    return {
        "-".join(filter(None, (kind.replace("_", "-"), variant))): load(kind, _fields(mail_type, changes))
        for kind, mail_type in MAILS.items()
        for variant, changes in mail_type.samples.items()
    }


def _fields(facts_type: type[MailFacts], changes: Mapping[str, Any]) -> dict[str, Any]:
    own = hints(facts_type)
    optional = {field.name for field in fields(facts_type) if field.default is not MISSING}
    values = {name: _value(name, hint) for name, hint in own.items() if name not in optional}
    for name, value in changes.items():
        of = within(own[name])
        values[name] = [_fields(of, entry) for entry in value] if of else value
    return values


def _value(name: str, hint: Any) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name]
    first = get_args(hint)[0] if get_origin(hint) is Literal else None
    by_type = {int: 10, bool: True}
    return first or _BY_MARK.get(mark(hint) or "") or by_type.get(hint, f"Some {name.replace('_', ' ')}")
