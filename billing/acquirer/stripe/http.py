"""How Stripe's library reaches Stripe: a time limit, no redirects, and on a held clock no waiting between two tries."""

from typing import Any

import stripe

TIMEOUT_SECONDS = 20


class StripeHttp(stripe.RequestsClient):
    """Asks Stripe's address alone. Stripe's API never redirects, so a redirect is no answer of Stripe's: it would carry
    the reader's address, and on the same host the key, elsewhere (v5.0.0-15.3.2). The outcome of such a call is unknown."""

    def __init__(self, *, waits: bool = True) -> None:
        """`waits`: half a second before a call without an answer is made once more."""
        super().__init__(timeout=TIMEOUT_SECONDS)
        self._waits = waits

    def request(self, *args: Any, **named: Any) -> Any:
        """As the library does it, in a session of this thread's. Raises APIConnectionError."""
        if getattr(self._thread_local, "session", None) is None:
            self._thread_local.session = self.requests.Session()
            self._thread_local.session.max_redirects = 0
        return super().request(*args, **named)

    # Not public, but the library has no other place for it: it waits by the machine's clock, which a held clock doesn't move.
    def _sleep_time_seconds(self, *args: Any, **named: Any) -> float:
        return super()._sleep_time_seconds(*args, **named) if self._waits else 0.0
