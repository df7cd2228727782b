"""`billing check` on a running installation: with the sandbox over HTTP, a mail server, a name server and the web process."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.resolver
import httpx
import pytest
from click.testing import Result

from billing.acquirer.stripe.events import SIGNALS
from billing.app import preflight
from billing.http import reached
from billing.platform.tokens import Tokens
from billing.preflight.order import CHECKS
from billing.preflight.public_address import public_address
from tests.support.certificates import authority
from tests.support.cli import environment, refused, run, run_on
from tests.support.demo import Demo
from tests.support.fake_dns import asking, fake_dns
from tests.support.fake_smtp import FakeSmtp
from tests.support.installation import settings_for
from tests.support.stepped_clock import SteppedClock
from tests.support.table_contents import changed, contents
from tests.support.world import World

ZONE = """
    paper.co.za. TXT "v=spf1 include:relay.co.za -all"
    paper.co.za. MX 10 mx.paper.co.za.
    news.paper.co.za. TXT "v=spf1 include:relay.co.za " "-all"
    news.paper.co.za. MX 20 second.paper.co.za.
    news.paper.co.za. MX 10 first.paper.co.za.
    _dmarc.paper.co.za. TXT "v=DMARC1; p=quarantine"
"""
LINE = re.compile(r"^ *(ok|WARN|NO)  ([\w ]+): (.+)$")
PAPER = {"mail_from": "hello@paper.co.za", "newsletter_from": "letters@news.paper.co.za"}


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with fake_dns(ZONE) as found:
        monkeypatch.setattr(dns.resolver, "Resolver", lambda: found)
        yield


@pytest.fixture
def paper(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> World:
    world = make_world(**PAPER)
    # from here on only the check makes one: a round trip takes no time, however busy this machine is
    monkeypatch.setattr("billing.app.SystemMonotonic", SteppedClock)
    return world


def lines(done: Result | str) -> list[tuple[str, str, str]]:
    """Verdict, check and words of each line."""
    said = done if isinstance(done, str) else done.stdout
    found = [LINE.match(line) for line in said.splitlines()]
    assert all(found), said
    return [(match[1], match[2], match[3]) for match in found if match]


def refusals(done: Result) -> dict[str, str]:
    """The words of each check that says NO."""
    assert done.exit_code == 1
    return {name: words for verdict, name, words in lines(done) if verdict == "NO"}


def test_everything_is_in_order_and_stays_as_it_is(paper: World) -> None:
    before = contents(paper)
    done = run_on(paper, "check")
    assert done.exit_code == 0, done.stdout
    found = lines(done)
    assert list(dict.fromkeys(name for _, name, _ in found)) == list(CHECKS)
    assert {name for verdict, name, _ in found if verdict == "WARN"} == {
        *(
            "settings",
            "database",
            "acquirer key",
            "legal documents",
        )  # a test installation on a superuser's account, with an unrestricted key
    }
    assert changed(before, contents(paper)) == []
    assert {exchange["method"] for exchange in paper.sandbox.exchanges} == {"GET"}
    assert paper.smtp.received == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it is on loopback
def test_each_of_an_operators_mistakes_is_told_with_what_to_do(paper: World, tmp_path: Path) -> None:
    paper.sandbox.banks("restrict_key", lacking=["balance_transaction_source_read"])
    with FakeSmtp(login=("paper", "right")) as smtp:
        found = refusals(
            run_on(
                paper,
                "check",
                BILLING_SECRET_KEY="another secret of enough length 9876543210",
                BILLING_STRIPE_SECRET_KEY="rk_test_restricted",
                BILLING_SMTP_URL=smtp.url.replace("//", "//paper:wrong@"),
                BILLING_MAIL_FROM="hello@paper.invalid",
                BILLING_JOURNAL_DIR=str(_open_to_others(tmp_path)),
            )
        )
    assert "neither" in found["secret key"].casefold()
    assert "answered by something else (404" in found["public address"]
    assert "check BILLING_SMTP_URL" in found["relay"]
    assert "paper.invalid has no DMARC record" in found["mail DNS"]
    assert "may not read Balance Transactions (balance_transaction_source_read)" in found["acquirer key"]
    assert "chmod 700" in found["disk"]
    assert found.keys() == {"secret key", "public address", "relay", "mail DNS", "acquirer key", "disk"}


def _open_to_others(folder: Path) -> Path:
    made = folder / "journals"
    made.mkdir()
    made.chmod(0o755)
    return made


def test_the_webhook_endpoint_is_completed_by_the_other_command(paper: World) -> None:
    moved = paper.url.replace("127.0.0.1", "localhost")
    assert (
        "billing webhooks register" in refusals(run_on(paper, "check", BILLING_PUBLIC_URL=moved))["webhooks"]
    )
    stripe = paper.sandbox.client().v1
    made = stripe.webhook_endpoints.create(
        {"url": f"{moved}/webhooks/stripe", "enabled_events": ["refund.created"]}
    )
    words = refusals(run_on(paper, "check", BILLING_PUBLIC_URL=moved))["webhooks"]
    assert f"{made.id} lacks {next(iter(SIGNALS))}, " in words
    assert run_on(paper, "webhooks", "register", BILLING_PUBLIC_URL=moved).exit_code == 0
    assert run_on(paper, "check", BILLING_PUBLIC_URL=moved).exit_code == 0


@contextmanager
def tls_front(paper: World, folder: Path) -> Iterator[str]:
    """A proxy that ends TLS for `localhost` and adds the caller's address; its own address."""

    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = {name: value for name, value in self.headers.items() if name.startswith("X-")}
            given["X-Forwarded-For"] += ", 127.0.0.9"
            answer = httpx.get(paper.url + self.path, headers=given, trust_env=False)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    authority().issue("localhost", folder, "front")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "front.pem", folder / "front.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()


def test_what_a_proxy_with_tls_makes_of_a_request(paper: World, tmp_path: Path) -> None:
    with tls_front(paper, tmp_path) as url:
        for count, verdicts in ((1, ["ok", "ok", "NO"]), (0, ["ok", "NO", "NO"])):
            read = settings_for(paper.url_of_database, public_url=url, proxy_count=count)
            with closing(preflight(read).database) as database:
                given = replace(preflight(read), database=database, tls=authority().trusted())
                found = list(public_address(given))
            assert [result.verdict for result in found] == verdicts
            assert "renew it now" in found[-1].words  # the tests' certificates live for two days
        unknown = list(public_address(preflight(read)))
    assert [result.verdict for result in unknown] == ["NO"]
    assert "CERTIFICATE_VERIFY_FAILED" in unknown[0].words


def test_strangers_find_nothing_at_the_address_that_tells(paper: World) -> None:
    """Neither without a question nor with one under another key."""
    other = Tokens("another secret of enough length 9876543210")
    for headers in ({}, {reached.HEADER: reached.question(other, "n")}, {reached.HEADER: "n.x"}):
        answer = paper.api.get(reached.ADDRESS, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_answer_of_somebody_else_is_no_proof() -> None:
    ours, other = Tokens("a secret of enough length 0123456789 abc"), Tokens("another secret " * 3)
    answered = reached.Reached(caller="10.0.0.1", forwarded=[], proof=reached.proof(other, "n"))
    assert not reached.is_proved(ours, "n", answered)
    assert not reached.is_proved(other, "m", answered)
    assert reached.is_proved(other, "n", answered)


def test_a_database_that_is_away_keeps_no_other_check_from_its_line(paper: World) -> None:
    found = lines(run_on(paper, "check", BILLING_DATABASE_URL="postgresql://127.0.0.1:1/none"))
    assert list(dict.fromkeys(name for _, name, _ in found)) == list(CHECKS)
    assert {name for verdict, name, _ in found if verdict == "NO"} == {
        *("database", "schema", "secret key", "legal documents")
    }


def test_an_empty_database_is_to_be_migrated(paper: World, tmp_path: Path) -> None:
    paper.execute("ALTER TABLE alembic_version RENAME TO elsewhere")
    try:
        done = run_on(paper, "check")
    finally:
        paper.execute("ALTER TABLE elsewhere RENAME TO alembic_version")
    assert "billing migrate" in refusals(done)["schema"]


def test_a_resolver_that_doesnt_answer_is_no_fault_of_ours(
    paper: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns.resolver, "Resolver", lambda: asking(9))
    monkeypatch.setattr("billing.preflight.dns_records.SECONDS", 0.1)
    done = run_on(paper, "check")
    assert [verdict for verdict, name, _ in lines(done) if name == "mail DNS"] == ["WARN"]


def test_a_sandbox_whose_clock_is_wrong(paper: World) -> None:
    paper.sandbox.set_clock(None)
    paper.sandbox.skew(-400)
    done = run_on(paper, "check", BILLING_CLOCK="system")
    assert list(refusals(done)) == ["clock"]
    assert "the clock of Stripe differs by" in refusals(done)["clock"]


def test_unsafe_settings_are_lines_and_malformed_ones_a_refusal(paper: World, tmp_path: Path) -> None:
    found = refusals(run_on(paper, "check", BILLING_ENVIRONMENT="live", BILLING_CLOCK="held"))
    assert "belongs to the test environment" in found["schema"]
    malformed = environment(paper.url_of_database, port="eighty")
    refused(run(malformed, "check", folder=tmp_path), "BILLING_PORT")


def test_the_demo_is_in_order_but_for_its_sample_domains(demo: Demo) -> None:
    """Its own process, with the real resolver: `.example` has no records, wherever the tests run."""
    found = lines(demo.command("check", refuses=True))
    assert {name for verdict, name, _ in found if verdict == "NO"} <= {"mail DNS"}
    assert list(dict.fromkeys(name for _, name, _ in found)) == list(CHECKS)
