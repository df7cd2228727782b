"""The staff page Settings: what is in force without a secret, and the checks of `billing check` by a button."""

import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import NoReturn

import dns.exception
import dns.resolver
import pytest

from billing.app import preflight
from billing.dev import seed
from billing.platform.setting_sources import variable_of
from billing.platform.settings import Settings
from billing.preflight.check_runner import CheckRunner, ChecksAreRunning
from billing.preflight.order import CHECKS
from billing.preflight.shown_settings import setting_groups
from billing.web.staff.settings import MOST
from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.cli import run_on
from tests.support.fake_dns import fake_dns
from tests.support.installation import SECRET_KEY, WEBHOOK_SECRET, settings_for
from tests.support.sandbox import KEY
from tests.support.staff_members import SignIn
from tests.support.world import World

ROOM = "/staff/settings"
CHECK = f"{ROOM}/check"
ZONE = """
    swartbergpost.example. TXT "v=spf1 -all"
    swartbergpost.example. MX 10 mx.swartbergpost.example.
"""
CODE = re.compile(r"</?code>")


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with fake_dns(ZONE) as found:
        monkeypatch.setattr(dns.resolver, "Resolver", lambda: found)
        yield


@pytest.fixture
def admin(staff: SignIn) -> Browser:
    browser = staff("admin")
    browser.get(ROOM)
    return browser


def shown(**given: str) -> dict[str, tuple[str, bool]]:
    """By variable: the value in words, and whether it is the default."""
    settings = settings_for("postgresql://joe:pass-1@db.internal:5433/paper?sslmode=verify-full", **given)
    return {
        one.variable: (one.value, one.is_default)
        for group in setting_groups(settings)
        for one in group.settings
    }


def test_no_secret_is_shown_and_what_surrounds_it_is() -> None:
    found = shown(
        reports_database_url="postgresql://joe:pass-2@a,b/paper?sslpassword=pass-3",
        smtp_url="smtp+starttls://joe:pass-4@relay.internal",
        stripe_api_base="https://joe:pass-5@api.internal/x",
        previous_secret_keys="pass-6 of enough letters 0123456789,pass-7 of enough letters 0123456789",
    )
    said = " ".join(value for value, _ in found.values())
    for secret in ("pass-", "joe", SECRET_KEY, KEY, *WEBHOOK_SECRET.split(",")):
        assert secret not in said, secret
    assert (
        found["BILLING_DATABASE_URL"][0] == "host db.internal, port 5433, dbname paper, sslmode verify-full"
    )
    assert found["BILLING_REPORTS_DATABASE_URL"][0] == "host a,b, dbname paper"
    assert found["BILLING_SMTP_URL"][0] == "relay.internal, port 587, TLS by STARTTLS, user given"
    assert found["BILLING_STRIPE_API_BASE"][0] == "https://api.internal/x"
    assert found["BILLING_STRIPE_SECRET_KEY"][0] == "given, for tests"
    assert found["BILLING_SECRET_KEY"] == ("given", False)
    assert found["BILLING_PREVIOUS_SECRET_KEYS"] == ("2 given", False)


def test_a_setting_of_a_secret_kind_is_never_shown_by_its_value() -> None:
    """Whatever a later release adds: what pydantic hides in a log is hidden here."""
    secret = "a secret of many letters 0123456789"
    hidden = [name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)]
    assert {"secret_key", "stripe_secret_key", "previous_secret_keys"} <= set(hidden)
    given = dict.fromkeys(hidden, secret) | {"database_url": "postgresql://a/b"}
    settings = Settings.model_validate(given | {"stripe_webhook_secrets": "whsec_of_many_letters"})
    said = str(setting_groups(settings))
    assert secret not in said
    assert "whsec_of" not in said


def test_a_value_says_whether_it_is_the_default() -> None:
    found = shown(languages="af", proxy_count="none")
    assert found["BILLING_TIME_ZONE"] == ("Africa/Johannesburg", True)
    assert found["BILLING_MAIL_PAPERS"] == ("true", True)
    assert found["BILLING_LANGUAGES"] == ("af", False)
    assert found["BILLING_PROXY_COUNT"] == ("none", False), "stated, which 0 isn't"
    assert shown()["BILLING_PROXY_COUNT"] == ("0", True)
    assert found["BILLING_REPORTS_DATABASE_URL"] == ("not given", True)


def test_the_page_has_every_setting_with_the_words_of_the_docs(world: World, admin: Browser) -> None:
    page = admin.page
    for name, field in Settings.model_fields.items():
        assert f"<code>{variable_of(name)}</code>" in page.text
        words = unescape(CODE.sub("", page.text))
        assert (field.description or "").replace("`", "").replace("'", "’") in words, name
    assert "Nothing is changed here" in page.words
    assert "billing/docs/settings.md" in page.words
    assert SECRET_KEY not in page.text
    assert "What it found" not in page.words, "nothing is checked by looking"


def test_the_button_says_what_the_command_says(world: World, admin: Browser) -> None:
    exchanges, mails = len(world.sandbox.exchanges), len(world.smtp.received)
    page = admin.post(CHECK)
    assert (page.status, page.path) == (200, CHECK)
    command = [line.split(None, 1) for line in run_on(world, "check").stdout.splitlines()]
    rows = re.findall(
        r"<td><b[^>]*>(ok|WARN|NO)</b></td><td>([^<]+)</td><td>(.*?)</td>",
        admin.page.text,
    )
    on_page = [(verdict, name, unescape(CODE.sub("", words))) for verdict, name, words in rows]
    said = [(verdict, *line.replace("`", "").replace("'", "’").split(": ", 1)) for verdict, line in command]
    assert _without_times(on_page) == _without_times(said)
    assert {name for _, name, _ in on_page} == set(CHECKS)
    assert any(name == "mail DNS" and verdict == "NO" for verdict, name, _ in on_page), "with its remedy"
    assert {row["method"] for row in world.sandbox.exchanges[exchanges:]} == {"GET"}
    assert len(world.smtp.received) == mails
    (line,) = world.rows(f"SELECT {BY}, after FROM audit_line WHERE act = 'check_settings'")
    assert line["by"] == "staff:admin@paper.example"
    assert sum(line["after"].values()) == len(rows)


def _without_times(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    """A round trip and free room differ from look to look."""
    varies = re.compile(r"a round trip takes|are free for")
    return [list(line) for line in lines if not varies.search(line[2])]


def test_too_many_runs_are_refused_and_the_settings_still_stand_there(world: World, admin: Browser) -> None:
    assert [admin.post(CHECK).status for _ in range(MOST)] == [200] * MOST
    page = admin.post(CHECK)
    assert page.status == 429
    assert "Too many tries. Wait a few minutes" in page.words
    assert "BILLING_PUBLIC_URL" in page.words
    world.advance(minutes=15)
    assert admin.post(CHECK).status == 200


def test_a_test_mail_comes_to_the_member_alone(world: World, admin: Browser) -> None:
    page = admin.post(f"{ROOM}/mail")
    assert (page.status, "There is no newsletter yet" in page.words) == (409, True)
    assert "billing newsletters add" not in page.words
    assert 'role="alert"' in page.text.partition('<a href="/staff/newsletters/lists#add">Add one</a>')[0]
    assert "Add a newsletter" in admin.get("/staff/newsletters/lists").words
    admin.get(ROOM)
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)
    before = len(world.smtp.received)
    page = admin.post(f"{ROOM}/mail")
    assert "is on its way to admin@paper.example." in page.words
    (mail,) = world.smtp.received[before:]
    assert mail.recipients == ("admin@paper.example",)
    assert mail.letter.subject == "[Test] How newsletters arrive"
    assert [row["act"] for row in world.rows("SELECT act FROM audit_line WHERE act = 'mail_test'")] == [
        "mail_test"
    ]


def test_a_mail_server_that_refuses_the_test_is_quoted(world: World, admin: Browser) -> None:
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)
    world.smtp.refuse(550, "5.7.1 not from here")
    page = admin.post(f"{ROOM}/mail")
    assert page.status == 503
    assert "not from here" in page.words
    assert "BILLING_SMTP_URL" in page.words


class SilentDns:
    """A resolver that answers nobody until it is released."""

    def __init__(self) -> None:
        self.asked, self.released = threading.Event(), threading.Event()

    def resolve(self, *_: object, **__: object) -> NoReturn:
        self.asked.set()
        self.released.wait()
        raise dns.exception.Timeout


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentDns]:
    found = SilentDns()
    monkeypatch.setattr(dns.resolver, "Resolver", lambda: found)
    yield found
    found.released.set()


def test_one_run_at_a_time_and_no_transaction_waits_with_it(
    world: World, admin: Browser, staff: SignIn, silent: SilentDns
) -> None:
    other = staff("admin", "second@paper.example")
    other.get(ROOM)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(admin.post, CHECK)
        assert silent.asked.wait(60)
        (held,) = world.rows(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        second = other.post(CHECK)
        silent.released.set()
        done: Answer = first.result(60)
    assert held["count"] == 0
    assert (second.status, "The checks are running already" in second.words) == (409, True)
    assert (done.status, "DNS doesn’t answer" in done.words) == (200, True)
    assert other.post(CHECK).status == 200, "and the next one runs"


def test_an_answer_comes_in_time_and_names_what_is_missing(world: World, silent: SilentDns) -> None:
    runner = CheckRunner(lambda: preflight(world.settings))
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(runner.run)
        assert silent.asked.wait(60)
        with pytest.raises(ChecksAreRunning):
            runner.run()
        silent.released.set()
        assert waited.result(60).unfinished == ()


def test_without_patience_the_unfinished_checks_are_named(world: World, silent: SilentDns) -> None:
    found = CheckRunner(lambda: preflight(world.settings)).run(seconds=0)
    late = [name for name in CHECKS if name not in {name for name, _ in found.results}]
    assert list(found.unfinished) == late
    assert "disk" in late
    silent.released.set()
    for thread in threading.enumerate():
        if thread.name == "checks":
            thread.join(60)


@pytest.mark.parametrize("role", ["support", "finance", "editor"])
def test_only_admins_see_it(staff: SignIn, role: str) -> None:
    member = staff(role)
    assert ROOM not in member.page.text
    assert member.get(ROOM).status == 403
