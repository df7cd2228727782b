"""A webhook endpoint that records deliveries and answers with a given status."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from stripe import Webhook

SECRET = "whsec_receiver"


class Listening(ThreadingHTTPServer):
    """A server whose backlog takes a burst of deliveries."""

    request_queue_size = 128


@dataclass
class Receiver:
    """Listens on a free port and answers with `status`."""

    status: int = 200
    got: list[tuple[bytes, str]] = field(default_factory=list)

    def __enter__(self) -> "Receiver":
        receiver = self

        class Endpoint(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((body, self.headers["Stripe-Signature"]))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = Listening(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/stripe"

    @property
    def hook(self) -> tuple[str, str]:
        return self.url, SECRET

    def events(self, tolerance: int = 0) -> list[Any]:
        """All events, verified by the SDK. Tolerance 0 ignores the age of the signature."""
        return [Webhook.construct_event(body, sign, SECRET, tolerance) for body, sign in list(self.got)]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]
