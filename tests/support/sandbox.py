"""The Stripe sandbox in a thread of the test process. It records every exchange."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stripe import StripeClient

from billing.dev.sandbox.app import create_sandbox
from billing.dev.sandbox.serve import HOST, listen, make_server
from billing.dev.sandbox.world import API_VERSION, Merchant
from tests.support.http_client import http_client
from tests.support.stripe_openapi import violations

KEY = "sk_test_of_the_sandbox"


class Sandbox:
    """A sandbox: use it with `with`, or call `start` and `stop`."""

    def __init__(
        self,
        *,
        journal: Path | None = None,
        webhooks: list[tuple[str, str]] | None = None,
        merchant: Merchant | None = None,
    ) -> None:
        self.key = KEY
        self.exchanges: list[dict[str, Any]] = []
        app = create_sandbox(
            journal=journal, webhooks=webhooks, merchant=merchant, on_exchange=self.exchanges.append
        )
        self._listener = listen(0)
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self._server = make_server(app)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True, name="sandbox"
        )
        self.http = http_client(self.url)

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server; return when it answers. The socket listens already, so the first request waits for it."""
        self._thread.start()
        self.http.get("/_sandbox/state").raise_for_status()

    def begin_to_stop(self) -> None:
        """Tell the thread to end, without waiting for it."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Stop the server; return when its thread has ended."""
        self.begin_to_stop()
        self._thread.join(timeout=20)
        self.http.close()
        self._listener.close()

    def client(self, **options: Any) -> StripeClient:
        """A client of the official SDK for this sandbox."""
        options.setdefault("max_network_retries", 0)
        return StripeClient(self.key, base_addresses={"api": self.url}, stripe_version=API_VERSION, **options)

    def check(self) -> None:
        """Check all exchanges since the last check against Stripe's OpenAPI. Raises AssertionError that lists the violations."""
        checked = self.exchanges[:]
        del self.exchanges[: len(checked)]  # not `clear`: the server's thread may have added one meanwhile
        found = [problem for exchange in checked for problem in violations(exchange)]
        if found:
            raise AssertionError("exchanges violate Stripe's OpenAPI:\n" + "\n".join(found))

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromtimestamp(self._get("/_sandbox/clock")["now"], UTC)

    def set_clock(self, at: datetime | None) -> None:
        """Hold the clock at an aware instant; None lets it follow the machine's clock again."""
        self._post("/_sandbox/clock", {"now": None if at is None else int(at.timestamp())})

    def skew(self, seconds: int) -> None:
        """Set its clock `seconds` ahead of ours; negative: behind."""
        self._post("/_sandbox/skew", {"seconds": seconds})

    def lag(self, seconds: int) -> None:
        """Leave objects younger than `seconds` out of its lists; 0 ends that."""
        self._post("/_sandbox/lists", {"behind": seconds})

    def advance(self, **by: float) -> None:
        """Move the held clock forward; takes timedelta's arguments."""
        self.set_clock(self.now + timedelta(**by))

    def settle(self) -> None:
        """Return when no webhook delivery is due or in flight. Raises AssertionError after 30 s without progress."""
        pending = self.state()["pending_deliveries"]
        while (answer := self.http.post("/_sandbox/settle")).status_code == 504:
            before, pending = pending, self.state()["pending_deliveries"]
            assert pending < before, f"webhooks do not settle: {pending} are pending"
        assert answer.status_code == 200, f"webhooks did not settle: {answer.text}"

    def faults(self, *rules: dict[str, Any]) -> None:
        """Set the fault rules; without arguments, remove all."""
        if rules:
            self._post("/_sandbox/faults", list(rules))
        else:
            self.http.delete("/_sandbox/faults").raise_for_status()

    def trouble(self, *rules: dict[str, Any]) -> None:
        """Set the webhook fault rules; without arguments, remove all."""
        if rules:
            self._post("/_sandbox/trouble", list(rules))
        else:
            self.http.delete("/_sandbox/trouble").raise_for_status()

    def decline(self, payment_method: str, reason: str | dict[str, Any] | None) -> None:
        """Decline the card for this reason from now on; None ends that."""
        self._post("/_sandbox/declines", {"payment_method": payment_method, "decline": reason})

    def banks(self, do: str, **details: Any) -> dict[str, Any]:
        """Perform an act of a bank, or of somebody in Stripe's dashboard.

        Acts: dispute, win, lose, warn, refund_succeeds, refund_fails, refunds, payouts, pay_out, payout_listed, payout_fails,
        debit, correct, remove_card, delete_customer, restrict, restrict_key."""
        return dict(self._post("/_sandbox/banks", {"do": do, **details}))

    def disputes(self) -> list[dict[str, Any]]:
        """All disputes, newest first."""
        return self.objects("dispute")

    def payouts(self) -> list[dict[str, Any]]:
        """All payouts, newest first."""
        return self.objects("payout")

    def replace(self, payment_method: str, **card: Any) -> None:
        """Replace a card as its network does: `exp_month`, `exp_year`, `number`. By default it expires four years later."""
        self._post(f"/_sandbox/cards/{payment_method}/replace", card)

    def add_webhook(self, url: str, secret: str) -> None:
        """Send every event to this address, signed with the secret, until the next reset."""
        self._post("/_sandbox/webhook", {"url": url, "secret": secret})

    def resend(self, event: str, copies: int = 1) -> None:
        """Deliver an event again."""
        self._post("/_sandbox/resend", {"event": event, "copies": copies})

    def reset(self) -> None:
        """Reset everything. Only the endpoints given at the start stay, and the clock runs again."""
        self._post("/_sandbox/reset", {})

    def keep(self, moment: str) -> None:
        """Keep the present state under a name."""
        self.http.put(f"/_sandbox/moments/{moment}").raise_for_status()

    def recall(self, moment: str) -> None:
        """Restore a kept state, including the held clock and all fault rules."""
        self._post(f"/_sandbox/moments/{moment}", {})

    def state(self) -> dict[str, Any]:
        """The number of objects, deliveries and so on."""
        return self._get("/_sandbox/state")

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind, newest first."""
        return list(self._get(f"/_sandbox/objects/{kind}")["data"])

    def charges(self) -> list[dict[str, Any]]:
        """All charges, refused ones included, newest first."""
        return self.objects("charge")

    def refunds(self) -> list[dict[str, Any]]:
        """All refunds, newest first."""
        return self.objects("refund")

    def events(self) -> list[dict[str, Any]]:
        """All events, newest first."""
        return self.objects("event")

    def fill_in(self, session_url: str, number: str = "4242424242424242", *, pass_check: bool = True) -> str:
        """Fill in the Checkout page; return the address that the person is redirected to in the end.

        If the card is refused, the person stays, and the page's own address is returned.
        """
        form = {
            "number": number,
            "exp": f"12/{(self.now.year + 3) % 100:02}",
            "cvc": "123",
            "holder": "T Dlamini",
        }
        return self._press(session_url, form | {"email": "t.dlamini@example.com"}, pass_check)

    def pay_kept(self, session_url: str, *, pass_check: bool = True) -> str:
        """Pay with the newest saved card that the page offers; return where the person ends up."""
        offered = re.findall(r'name="kept" value="(\w+)"', self.http.get(session_url).text)
        assert offered, "the page offers no card that is kept"
        return self._press(session_url, {"kept": offered[0]}, pass_check)

    def _press(self, session_url: str, form: dict[str, str], pass_check: bool) -> str:
        answer = self.http.post(session_url, data=form)
        if "/c/authenticate/" in answer.headers.get("location", ""):
            outcome = "complete" if pass_check else "fail"
            answer = self.http.post(answer.headers["location"], data={"outcome": outcome})
        return str(answer.headers.get("location", session_url))

    def _post(self, path: str, body: Any) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def _get(self, path: str) -> dict[str, Any]:
        return dict(self.http.get(path).raise_for_status().json())


@contextmanager
def running(**options: Any) -> Iterator[Sandbox]:
    """A sandbox for the length of a block. At the end every exchange is checked."""
    with Sandbox(**options) as sandbox:
        yield sandbox
        sandbox.check()
