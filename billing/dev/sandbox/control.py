"""Control endpoints under `/_sandbox`: clock, settling, faults, webhook faults, declines, reset."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from billing.dev.sandbox import (
    cards,
    declines,
    due,
    endpoints,
    events,
    issuer_actions,
    lists,
    refunds,
    replacing,
    sessions,
    webhook_faults,
)
from billing.dev.sandbox.api import Api
from billing.dev.sandbox.deliver import Deliverer
from billing.dev.sandbox.errors import StripeError
from billing.dev.sandbox.faults import BadRule
from billing.dev.sandbox.snapshots import Snapshots
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

MOST_SKEW = 3600
"""The largest skew in seconds, in both directions."""
SETTLE_SECONDS = 30.0
KINDS = (
    "customer", "payment_method", "setup_intent", "checkout.session", "payment_intent", "charge", "refund",
    "dispute", "radar.early_fraud_warning", "balance_transaction", "payout", "event", "webhook_endpoint", "delivery", "file",
)  # fmt: skip


class Control:
    """Control of the sandbox by tests and the demo, which Stripe doesn't offer."""

    def __init__(
        self, world: SandboxWorld, api: Api, deliverer: Deliverer, webhooks: list[tuple[str, str]]
    ) -> None:
        self.world, self.api, self.deliverer = world, api, deliverer
        self._webhooks = webhooks
        self._moments = Snapshots(world, deliverer, api.faults)
        self.register(webhooks)

    def routes(self) -> list[Route]:
        """The endpoints' routes."""
        return [
            Route("/_sandbox/clock", self.clock, methods=["GET", "POST"]),
            Route("/_sandbox/skew", self.skew, methods=["POST"]),
            Route("/_sandbox/lists", self.lists, methods=["POST"]),
            Route("/_sandbox/settle", self.settle, methods=["POST"]),
            Route("/_sandbox/reset", self.reset, methods=["POST"]),
            Route("/_sandbox/moments/{name}", self.moments, methods=["PUT", "POST"]),
            Route("/_sandbox/state", self.state, methods=["GET"]),
            Route("/_sandbox/faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_sandbox/trouble", self.trouble, methods=["GET", "POST", "DELETE"]),
            Route("/_sandbox/by-hand", self.by_hand, methods=["POST"]),
            Route("/_sandbox/declines", self.declines, methods=["POST"]),
            Route("/_sandbox/banks", self.banks, methods=["POST"]),
            Route("/_sandbox/cards/{id}/replace", self.replace, methods=["POST"]),
            Route("/_sandbox/webhook", self.webhook, methods=["POST"]),
            Route("/_sandbox/resend", self.resend, methods=["POST"]),
            Route("/_sandbox/objects/{kind}", self.objects, methods=["GET"]),
        ]

    async def clock(self, request: Request) -> Response:
        """GET returns the time and the skew. POST `{"now": epoch seconds}` holds the clock there; null lets it run."""
        clock = self.world.clock
        if request.method == "POST":
            at = (await _body(request)).get("now")
            if at is not None and (not isinstance(at, int | float) or at < 0):
                return _no("now must be epoch seconds, or null for the system's time")
            self.move(None if at is None else int(at))
        return JSONResponse({"now": clock.true(), "held": clock.held, "skew": clock.skew})

    def move(self, at: int | None) -> None:
        """Hold the clock and do what falls due."""
        self.world.clock.hold(at)
        self._store_clock()
        self.keep_up()

    async def skew(self, request: Request) -> Response:
        """A fault: POST `{"seconds": 5}` sets the clock ahead, -5 behind, 0 right. A form post redirects to the page."""
        seconds, typed = await _seconds(request, "seconds")
        if seconds is None or abs(seconds) > MOST_SKEW:
            return _no(f"seconds must be a whole number from -{MOST_SKEW} to {MOST_SKEW}")
        self.world.clock.skew = seconds
        self._store_clock()
        self.keep_up()
        return RedirectResponse("/_sandbox#faults", 303) if typed else JSONResponse({"skew": seconds})

    async def lists(self, request: Request) -> Response:
        """A fault: POST `{"behind": 30}` hides objects younger than 30 seconds from lists; 0 ends that. A form post redirects."""
        seconds, typed = await _seconds(request, "behind")
        if seconds is None or not 0 <= seconds <= lists.MOST_BEHIND:
            return _no(f"behind must be a whole number of seconds from 0 to {lists.MOST_BEHIND}")
        lists.fall_behind(self.world, seconds)
        self.world.store.commit()
        return RedirectResponse("/_sandbox#faults", 303) if typed else JSONResponse({"behind": seconds})

    def _store_clock(self) -> None:
        clock = self.world.clock
        held = clock.true() if clock.held else None
        self.world.store.put("setting", {"id": "clock", "held": held, "skew": clock.skew})

    def keep_up(self) -> None:
        """Do everything that the passing of time causes."""
        sessions.expire_due(self.world)
        due.settle_due(self.world)
        self.api.keys.prune()
        events.prune(self.world)
        self.world.store.pack(self.world.clock.now())
        self.world.store.commit()
        self.deliverer.wake()

    async def settle(self, _request: Request) -> Response:
        """Answer when no webhook delivery is due or in flight; 504 after 30 seconds.

        `next` is the epoch second of the next event here by the caller's clock, or null. A caller that moves the clock must stop
        there."""
        self.keep_up()
        done = await self.deliverer.settle(SETTLE_SECONDS)
        coming = due.next_at(self.world)
        next_at = None if coming is None else coming - self.world.clock.skew
        return JSONResponse({"settled": done, "next": next_at}, 200 if done else 504)

    async def reset(self, _request: Request) -> Response:
        """Remove everything except the endpoints given at the start; the clock runs again."""
        self.deliverer.forget()
        self.deliverer.faults.clear()
        self.api.faults.clear()
        self.world.store.clear()
        self.world.clock.hold(None)
        self.world.clock.skew = 0
        self.register(self._webhooks)
        return JSONResponse({"reset": True})

    async def moments(self, request: Request) -> Response:
        """PUT keeps the present state under a name; POST restores it."""
        name = request.path_params["name"]
        if request.method == "PUT":
            self._moments.keep(name)
        elif not self._moments.recall(name):
            return _no("no such moment was kept")
        return JSONResponse({"moment": name})

    def register(self, webhooks: list[tuple[str, str]]) -> None:
        """Add or enable these (url, secret) endpoints."""
        known = {row["url"]: row for row in self.world.store["webhook_endpoint"].rows.values()}
        for url, secret in webhooks:
            if url in known:
                self.world.store.put("webhook_endpoint", known[url] | {"secret": secret, "status": "enabled"})
            else:
                endpoints.add(self.world, url, ["*"], secret=secret)
        self.world.store.commit()

    async def state(self, _request: Request) -> Response:
        """Counts of everything, and the clock."""
        world = self.world
        pending = sum(row["state"] == "pending" for row in world.store["delivery"].rows.values())
        return JSONResponse(
            {
                "now": world.clock.true(),
                "held": world.clock.held,
                "skew": world.clock.skew,
                "behind": lists.behind(world),
                "counts": {kind: len(world.store[kind].rows) for kind in KINDS},
                "pending_deliveries": pending,
                "faults": len(self.api.faults.rules),
            }
        )

    async def faults(self, request: Request) -> Response:
        """List fault rules, add one or several, or remove all. `faults.EFFECTS` describes the effects."""
        if request.method == "DELETE":
            self.api.faults.clear()
        if request.method == "POST":
            return await _add(request, lambda rule: self.api.faults.add(rule).shown())
        return JSONResponse({"faults": [rule.shown() for rule in self.api.faults.rules]})

    async def trouble(self, request: Request) -> Response:
        """List webhook fault rules, add one or several, or remove all."""
        if request.method == "DELETE":
            self.deliverer.faults.clear()
        if request.method == "POST":
            return await _add(request, self.deliverer.faults.add)
        return JSONResponse({"trouble": [rule.shown() for rule in self.deliverer.faults.rules]})

    async def by_hand(self, request: Request) -> Response:
        """Add a rule from the page's form; without an effect, remove all rules."""
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        count = form.get("count", "1")
        rule = {
            "effect": form.get("effect", ""),
            "times": int(count) if count.isdigit() and int(count) else None,
        }
        try:
            if rule["effect"] in webhook_faults.EFFECTS:
                self.deliverer.faults.add(rule | {"type": form.get("on") or "*"})
            elif rule["effect"]:
                method, _, path = form.get("on", "").rpartition(" ")
                self.api.faults.add(rule | {"method": method or "*", "path": path or "*"})
            else:
                self.api.faults.clear()
                self.deliverer.faults.clear()
                refunds.behave(self.world, None)
                lists.fall_behind(self.world, 0)
                self.world.store.commit()
        except BadRule as problem:
            return _no(str(problem))
        return RedirectResponse("/_sandbox#faults", 303)

    async def declines(self, request: Request) -> Response:
        """Make a card decline: `{"payment_method": id, "decline": code | {...} | null}`."""
        body = await _body(request)
        vault = self.world.store.get("vault", str(body.get("payment_method")))
        if vault is None:
            return _no("payment_method names no PaymentMethod")
        try:
            vault = vault | {"decline": declines.ordered_decline(body.get("decline"))}
        except ValueError as problem:
            return _no(str(problem))
        self.world.store.put("vault", vault)
        self.world.store.commit()
        return JSONResponse({"payment_method": vault["id"], "decline": vault["decline"]})

    async def banks(self, request: Request) -> Response:
        """Perform a bank's act: `{"do": "dispute", "charge": id}` and others (see `issuer_actions.DO`). A form post redirects."""
        typed = "form" in request.headers.get("content-type", "")
        details = dict(parse_qsl((await request.body()).decode())) if typed else await _body(request)
        try:
            done = issuer_actions.do(self.world, details)
        except (StripeError, ValueError) as problem:
            return _no(str(problem))
        self.world.store.commit()
        return RedirectResponse("/_sandbox", 303) if typed else JSONResponse(done or {})

    async def replace(self, request: Request) -> Response:
        """Replace a card as its network does: `{"exp_month", "exp_year", "number"}`, all optional. A form post redirects."""
        method = self.world.store.get("payment_method", request.path_params["id"])
        if method is None:
            return _no("there is no such PaymentMethod")
        body = await _body(request)
        card = cards.find(str(body["number"])) if "number" in body else None
        if "number" in body and card is None:
            return _no("number must be one of the test cards")
        month = int(body.get("exp_month", method["card"]["exp_month"]))
        year = int(body.get("exp_year", method["card"]["exp_year"] + 4))
        renewed = replacing.replace(self.world, method, card=card, month=month, year=year)
        self.world.store.commit()
        self.deliverer.wake()
        if request.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"payment_method": renewed["id"], "card": renewed["card"]})
        return RedirectResponse("/_sandbox", 303)

    async def webhook(self, request: Request) -> Response:
        """Send events to `{"url", "secret"}` until the next reset."""
        body = await _body(request)
        url, secret = body.get("url"), body.get("secret")
        if not isinstance(url, str) or not isinstance(secret, str):
            return _no("url and secret are needed")
        self.register([(url, secret)])
        return JSONResponse({"url": url})

    async def resend(self, request: Request) -> Response:
        """Deliver an event again: `{"event": id, "copies": 1}`."""
        body = await _body(request)
        event = self.world.store.get("event", str(body.get("event")))
        if event is None:
            return _no("event names no event")
        planned = self.deliverer.again(event, int(body.get("copies", 1)))
        self.world.store.commit()
        return JSONResponse({"planned": planned})

    async def objects(self, request: Request) -> Response:
        """Rows of one kind, newest first, for people and tests."""
        kind = request.path_params["kind"]
        if kind not in KINDS:
            return _no(f"kind must be one of {', '.join(KINDS)}")
        table = self.world.store[kind]
        limit = int(request.query_params.get("limit", "100000"))
        rows: list[Row] = []
        for row in table.newest(table.where()):
            if len(rows) == limit:
                break
            rows.append(events.rendered(self.world, row) if kind == "event" else row)
        return JSONResponse({"data": rows})


async def _add(request: Request, add: Any) -> Response:
    try:
        given = json.loads(await request.body())
        rules = given if isinstance(given, list) else [given]
        if not all(isinstance(rule, dict) for rule in rules):
            return _no("a rule is a JSON object")
        return JSONResponse({"added": [add(rule) for rule in rules]}, 201)
    except (BadRule, ValueError) as problem:
        return _no(str(problem))


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def _seconds(request: Request, name: str) -> tuple[int | None, bool]:
    """An integer from JSON or from a form, or None; and whether it came from a form."""
    typed = "form" in request.headers.get("content-type", "")
    given = (await request.form() if typed else await _body(request)).get(name)
    try:
        return int(str(given)), typed
    except ValueError:
        return None, typed


def _no(message: str) -> Response:
    return JSONResponse({"error": message}, 400)
