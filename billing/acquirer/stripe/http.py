"""HTTP for Stripe's library: a time limit, no redirects, and on a held clock no wait between two tries."""

from typing import Any

import stripe

TIMEOUT_SECONDS = 20


class StripeHttp(stripe.RequestsClient):
    """Calls Stripe's host alone. Stripe's API never redirects: a redirect would carry the reader's address elsewhere, and on the
    same host the API key (v5.0.0-15.3.2). The outcome of such a call is unknown."""

    def __init__(self, *, waits: bool = True) -> None:
        """`waits`: half a second before a call without an answer is repeated once. On a held clock that changes nothing."""
        super().__init__(timeout=TIMEOUT_SECONDS)
        self._waits = waits

    def request(self, *args: Any, **named: Any) -> Any:
        """As the library's, in this thread's session. Raises APIConnectionError."""
        # before the library makes one that follows redirects
        if getattr(self._thread_local, "session", None) is None:
            self._thread_local.session = self.requests.Session()
            self._thread_local.session.max_redirects = 0
        return super().request(*args, **named)

    # Private, but the library has no other place for it: it waits by the machine's clock, which a held clock doesn't move.
    def _sleep_time_seconds(self, *args: Any, **named: Any) -> float:
        return super()._sleep_time_seconds(*args, **named) if self._waits else 0.0
