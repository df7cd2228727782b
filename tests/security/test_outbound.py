"""Outbound connections go only to the services in the settings, never to an address from an answer."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from billing.acquirer.answers import Unknown
from billing.acquirer.stripe.gateway import StripeGateway

ROOT = Path(__file__).parent.parent.parent
REACHES_OUT = {
    *("stripe", "httpx", "requests", "urllib.request", "http.client", "smtplib", "socket", "dns"),
    "opentelemetry",
}
APART = ("dev", "edges")
"""What never runs in production, and what runs at a publisher's."""
KNOWN = {
    "billing/acquirer/stripe/http.py": "Stripe, at BILLING_STRIPE_API_BASE",
    "billing/acquirer/stripe/gateway.py": "the same",
    "billing/acquirer/stripe/account.py": "the same",
    "billing/acquirer/stripe/refunds.py": "the same",
    "billing/acquirer/stripe/errors.py": "nobody: its errors, in our words",
    "billing/acquirer/stripe/signature.py": "nobody: what it sent us is checked",
    "billing/mail/smtp.py": "the relay, at BILLING_SMTP_URL",
    "billing/platform/otlp.py": "a collector of traces, at BILLING_TRACES_URL",
    "billing/preflight/dns_records.py": "DNS, by the machine's resolver, for `billing check`",
    "billing/preflight/public_address.py": "ourselves, at BILLING_PUBLIC_URL, for `billing check`",
    "billing/cli/__init__.py": "nobody: its errors, in one line",
    "billing/cli/processes.py": "nobody: it opens the socket that is listened on",
}
"""`SECURITY.md` lists them, with PostgreSQL, which SQLAlchemy and psycopg reach at BILLING_DATABASE_URL."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module


def reaches_out(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in REACHES_OUT)


@contextmanager
def listening(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """The address of a server on loopback that answers every request in the same way."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self)

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_in_place_of_stripes_answer_is_followed_nowhere(status: int) -> None:
    """Following it would send a reader's address, and to the same host the key, to any place. The request's outcome stays
    unknown.
    """
    reached: list[str] = []

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        reached.append(handler.path)
        handler.send_error(404)

    with listening(elsewhere) as other:

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.rfile.read(int(handler.headers.get("content-length", 0)))
            handler.send_response(status)
            handler.send_header("Location", f"{other}/v1/customers")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with listening(redirect) as base:
            gateway = StripeGateway(secret_key="sk_test_x", api_base=base, webhook_secrets=(), waits=False)
            made = gateway.create_customer(reader_id="rdr_1", email="thandi@example.com", key="k-1")
    assert isinstance(made, Unknown)
    assert reached == []


def test_only_the_known_modules_reach_out() -> None:
    """A new one needs a decision: its host comes from a setting, and `SECURITY.md` names it."""
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "billing").rglob("*.py")
        if path.parts[len(ROOT.parts) + 1] not in APART
        and any(reaches_out(module) for module in imported(path))
    }
    assert found == set(KNOWN)
