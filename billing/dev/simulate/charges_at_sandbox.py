"""Charges by reader, read from the sandbox's own API and from nothing of the service."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from billing.dev.simulate.clock_skew import ClockSkew
from billing.dev.simulate.judge import ListedCharge

PAGE = 100


class SandboxCharges:
    """The sandbox's lists, with times by our clock. The number in a customer's mail address identifies the reader; `deleted` maps
    deleted customers, which no list has, to readers."""

    def __init__(self, sandbox: httpx.Client, key: str, skew: ClockSkew, deleted: dict[str, int]) -> None:
        self._sandbox, self._key, self._skew = sandbox, key, skew
        self._owners = {row["id"]: _number(row["email"]) for row in self._list("customers")} | deleted
        self.taken: dict[int, list[ListedCharge]] = defaultdict(list)
        """Successful charges by the reader's number."""
        self.objections: dict[int, list[datetime]] = defaultdict(list)
        """Disputes and fraud warnings by the reader's number, each of one charge. Nothing may be charged after one, unless the reader
        undoes a cancellation later."""
        self._read()

    def _read(self) -> None:
        whose: dict[str, int] = {}
        for row in self._list("charges"):
            number = whose[row["id"]] = self._owners[row["customer"]]
            if row["paid"]:
                self.taken[number].append(
                    ListedCharge(row["id"], self._at(row), row["amount"], row["amount_refunded"])
                )
        for row in [*self._list("disputes"), *self._list("radar/early_fraud_warnings")]:
            self.objections[whose[row["charge"]]].append(self._at(row))

    def _at(self, row: dict[str, Any]) -> datetime:
        return self._skew.ours(datetime.fromtimestamp(row["created"], UTC))

    def _list(self, what: str) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            answer = self._sandbox.get(
                f"/v1/{what}",
                params={"limit": PAGE, **after},
                headers={"Authorization": f"Bearer {self._key}"},
            ).raise_for_status()
            page = answer.json()
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}


def _number(email: str) -> int:
    """Addresses are `reader-17@…` and `unreachable-17@…`."""
    return int(email.partition("@")[0].partition("-")[2].partition("+")[0])
