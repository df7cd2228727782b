"""All data of one reader as a ZIP file: JSON for programs, and a page to read (POPIA, section 23).

It holds every row that the register finds; nothing is cut off. What bounds it is one reader's own data."""

import io
import json
import zipfile
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlmodel import Session

from billing.personal_data import register
from billing.personal_data.personal_table import PersonalTable
from billing.platform.site import Site
from billing.rules.money import Money
from emails import House

LEFT_OUT = {
    "Secrets and hashes that sign a browser in, or keep a call from being made twice. They say nothing about you, and would help a thief of this file.": (
        *("sign_in_link.token_hash", "sign_in_link.browser_hash", "reader_session.token_hash", "reader_session.browser_hash"),
        *("address_change.token_hash", "address_change.browser_hash"),
        *("passkey.credential_id", "passkey.public_key", "card_setup.browser_hash", "api_answer.idempotency_key"),
        *("api_answer.request_hash", "request_message.mail_digest", "attempt.idempotency_key", "refund.idempotency_key"),
    ),
    "Hashes that can't be turned back, of your address or card, which are here in words.": (
        *("trial_claim.digest", "payment_method.fingerprint"),
    ),
    "Who else it was: members of staff, programs, and the readers who opened your gifts.": (
        *("audit_line.staff_id", "audit_line.ip", "approval.asked_by", "approval.decided_by", "gift_reading.visitor"),
        *(f"{table}.actor_id" for table in (
            *("request_message", "request_step", "reader_note", "audit_line", "subscription_change", "complimentary_grant"),
            *("trial_exception", "invoice_correction", "refund", "erasure", "address_change", "reader_merge"),
            "deceased_reader",
        )),
        *("reader_request.closed_by_id", "reader_request.claimed_by_id", "staff_case.closed_by_id", "dispute.sent_by_id", "api_key_reader.key_id", "api_answer.key_id"),
    ),
    "Copies of what the other tables have, beside which other readers may be named.": ("api_answer.body",),
    "This file itself.": ("data_request.archive",),
}  # fmt: skip
"""Columns that an archive lacks, by the reason as the reader reads it."""
CENTS = frozenset({"amount", "gross", "net", "vat", "cents", "ours", "theirs"})
"""Columns of whole cents."""
NO_READER = "none"
"""In place of a reader's id, for an address without an account."""
# the earliest that ZIP knows; one for all, so that the same data make the same bytes
_MOMENT = (1980, 1, 1, 0, 0, 0)
_WITHOUT = frozenset(column for columns in LEFT_OUT.values() for column in columns)
_CURRENCIES = sa.text(
    "SELECT id, currency FROM invoice WHERE reader_id = :reader_id"
    " UNION ALL SELECT id, currency FROM payment WHERE reader_id = :reader_id"
)
_PAGES = Environment(
    loader=PackageLoader("billing.personal_data"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArchivedTable:
    """A table's rows of one reader, without what is left out."""

    table: str
    what: str
    rows: tuple[Row, ...]


def read(session: Session, reader_id: str, address: str) -> tuple[ArchivedTable, ...]:
    """All that is kept of a reader, by the register; `reader_id` is NO_READER for an address without an account."""
    given = {"reader_id": reader_id, "address": address.lower()}
    currencies = {row.id: row.currency for row in session.connection().execute(_CURRENCIES, given)}
    return tuple(_read(session, one, given, currencies) for one in register.TABLES)


def _read(
    session: Session, one: PersonalTable, given: dict[str, str], currencies: dict[str, str]
) -> ArchivedTable:
    query = sa.text(f"SELECT found.* FROM ({one.select}) AS found ORDER BY found")  # noqa: S608 - names of our own
    rows = [
        {name: value for name, value in found.items() if f"{one.table}.{name}" not in _WITHOUT}
        for found in session.connection().execute(query, given).mappings()
    ]
    for row in rows:
        if CENTS & row.keys() and "currency" not in row:
            of = row.get("payment_id") or row.get("invoice_id") or ""
            row["currency"] = currencies.get(of, Money(0).currency)
    if rows and "id" in rows[0]:
        rows.sort(key=lambda row: row["id"])  # ids begin with their moment
    return ArchivedTable(one.table, one.what, tuple(rows))


def make(tables: tuple[ArchivedTable, ...], address: str, *, house: House, site: Site, at: datetime) -> bytes:
    """The ZIP file. The same data at the same instant make the same bytes."""
    words = {
        "address": address, "house": house, "made": f"{at.astimezone(site.zone):%-d %B %Y at %H:%M}", "zone": site.zone.key,
        "left_out": LEFT_OUT,
    }  # fmt: skip
    shown = [(one, [_shown(row, site) for row in one.rows]) for one in tables]
    data = {
        "made_at": _plain(at),
        "address": address,
        "kept_by": {"name": house.legal_name, "address": house.address, "contact": house.contact_email},
        "amounts": "whole cents of the currency in the same row",
        "left_out": [{"why": why, "columns": columns} for why, columns in LEFT_OUT.items()],
        "tables": {one.table: {"what": one.what, "rows": one.rows} for one in tables},
    }
    files = {
        "README.txt": _readme(words),
        "data.html": _PAGES.get_template("archive.html").render(tables=shown, **words),
        "data.json": json.dumps(data, default=_plain, ensure_ascii=False, indent=1) + "\n",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            zipped.writestr(entry, text)
    return packed.getvalue()


def _readme(words: dict[str, Any]) -> str:
    house: House = words["house"]
    left = "\n".join(f"- {why}\n  {', '.join(columns)}" for why, columns in LEFT_OUT.items())
    return f"""All that {house.name} keeps about {words["address"]}

Made on {words["made"]} ({words["zone"]}), as section 23 of the Protection of Personal Information Act (POPIA) gives you the right to ask for.
Kept by {house.legal_name}, {house.address}. Questions, and what should be corrected: {house.contact_email}

data.html   to read, in any browser, without a network
data.json   the same for programs: instants in UTC, amounts in whole cents with their currency

Left out:
{left}
"""


def _plain(value: Any) -> str:
    """A value that JSON lacks: instants and days by ISO 8601, bytes as base64."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else b64encode(value).decode()


def _shown(row: Row, site: Site) -> list[tuple[str, str]]:
    """The fields that hold something, in words."""
    return [
        (_label(name), _words(name, value, row, site))
        for name, value in row.items()
        if value not in (None, "", {}, [])
    ]


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _words(name: str, value: Any, row: Row, site: Site) -> str:
    if name in CENTS:
        return str(Money(value, row["currency"]))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(site.zone):%-d %B %Y, %H:%M:%S}"
    if isinstance(value, date):
        return f"{value:%-d %B %Y}"
    return (
        json.dumps(value, default=_plain, ensure_ascii=False)
        if isinstance(value, dict | list)
        else str(value)
    )
