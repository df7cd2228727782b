"""The page `/_sandbox`, which shows charges, webhooks and faults to people."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from billing.dev.sandbox import faults, lists, refunds, webhook_faults
from billing.dev.sandbox.api import Api
from billing.dev.sandbox.cards import CARDS
from billing.dev.sandbox.deliver import Deliverer
from billing.dev.sandbox.pages import HERE, show
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

SHOWN = 25
PATHS = {
    "POST /v1/payment_intents": "charging a card",
    "GET /v1/payment_intents*": "asking for a charge",
    "POST /v1/refunds": "giving money back",
    "POST /v1/checkout/sessions": "opening a card page",
    "GET /v1/checkout/sessions*": "asking how a card page ended",
    "POST /v1/setup_intents": "saving a card for an app",
    "* *": "everything",
}
"""Calls that the page's form can make fail, with their purpose; the control API takes any pattern."""
KINDS = ("*", "payment_intent.*", "checkout.session.*", "setup_intent.*", "refund.*", "charge.dispute.*")
"""Event types that the page's form can disturb."""


class SandboxPage:
    """Renders the sandbox's state."""

    def __init__(self, world: SandboxWorld, api: Api, deliverer: Deliverer) -> None:
        self.world, self.api, self.deliverer = world, api, deliverer

    def routes(self) -> list[Route]:
        """The page's routes."""
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/_sandbox", self.page, methods=["GET"]),
            Route("/_sandbox/static/sandbox.css", self.style, methods=["GET"]),
        ]

    async def style(self, _request: Request) -> Response:
        """The one stylesheet."""
        return FileResponse(HERE / "static" / "sandbox.css", headers={"Cache-Control": "no-cache"})

    async def page(self, _request: Request) -> Response:
        """Show clock, customers, charges, refunds, disputes, payouts, webhooks and faults."""
        store = self.world.store
        return show(
            "watch.html",
            merchant=self.world.merchant.name,
            now=self.world.clock.now(),
            held=self.world.clock.held,
            skew=self.world.clock.skew,
            behind=lists.behind(self.world),
            counts={
                kind: len(store[kind].rows)
                for kind in ("customer", "charge", "refund", "dispute", "payout", "event", "delivery")
            },
            charges=[self._charge(row) for row in self._latest("charge")],
            refunds=self._latest("refund"),
            disputes=self._latest("dispute"),
            payouts=self._latest("payout"),
            customers=[row for row in self._latest("customer") if not row.get("deleted")],
            methods=[row for row in self._latest("payment_method") if row["customer"]],
            deliveries=[self._delivery(row) for row in self._latest("delivery")],
            endpoints=list(store["webhook_endpoint"].rows.values()),
            faults=[rule.shown() for rule in self.api.faults.rules],
            webhook_faults=[rule.shown() for rule in self.deliverer.faults.rules],
            effects=faults.EFFECTS,
            webhook_effects=webhook_faults.EFFECTS,
            paths=PATHS,
            kinds=KINDS,
            cards=CARDS,
            behaviours=refunds.BEHAVIOURS,
            behaviour=refunds.ordered_behaviour(self.world),
        )

    def _latest(self, kind: str) -> list[Row]:
        table = self.world.store[kind]
        rows = table.newest(table.where())
        return [row for row, _ in zip(rows, range(SHOWN), strict=False)]

    def _charge(self, row: Row) -> Row:
        owner = self.world.store.get("customer", row["customer"] or "") or {}
        return row | {"who": owner.get("name") or owner.get("email") or row["customer"] or "no customer"}

    def _delivery(self, row: Row) -> Row:
        event = self.world.store.get("event", row["event"]) or {"type": "forgotten", "created": 0}
        return row | {"type": event["type"], "created": event["created"]}
