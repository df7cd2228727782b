"""Account codes of the publisher's own chart of accounts, by the name of an account in our ledger. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "bank": "1000",
        "gateway": "1010",
        "receivable": "1100",
        "conversion": "1190",
        "deferred_revenue": "2100",
        "vat_output": "2200",
        "refunds_owed": "2300",
        "revenue": "4000",
        "refunds": "4010",
        "goodwill": "4020",
        "disputes": "4030",
        "exchange_differences": "4090",
        "gateway_fees": "5000",
    }
)
"""Codes until the publisher gives its own: assets 1, debts 2, income and what lowers it 4, costs 5."""
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,15}")


def read_codes(typed: str) -> Mapping[str, str]:
    """The code of each account: those typed as `revenue=200, bank=1-1110`, and `DEFAULTS` for the rest.

    Raises ValueError for an account that the ledger lacks, for a code that isn't one, and for one code of two accounts: a
    bookkeeper couldn't tell their lines apart."""
    codes = dict(DEFAULTS)
    for part in filter(None, (part.strip() for part in typed.split(","))):
        account, _, code = (word.strip() for word in part.partition("="))
        if account not in DEFAULTS:
            raise ValueError(f"names {account!r}, which is none of {', '.join(DEFAULTS)}")
        if not _CODE.fullmatch(code):
            raise ValueError(f"gives {account} no code of letters and digits, such as {account}=200")
        codes[account] = code
    twice = sorted(account for account, code in codes.items() if list(codes.values()).count(code) > 1)
    if twice:
        raise ValueError(f"gives {' and '.join(twice)} one code; each account needs its own")
    return MappingProxyType(codes)
