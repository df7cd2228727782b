"""Unsafe live settings are refused at the start, each by name."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from billing.newsletters import send_log
from billing.platform.errors import RefusesToStart
from billing.platform.settings import Settings, read_settings
from tests.support.cli import environment, refused, run
from tests.support.live_settings import LIVE

KEY = LIVE["BILLING_SECRET_KEY"]
FROM_ENVIRONMENT = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE")
REMOTE = "postgresql://paper:db-password@db.paper.example/paper"


def said(**given: str) -> str:
    """The reason why a live start with these settings is refused, empty if it isn't."""
    try:
        read_settings(LIVE | {f"BILLING_{name.upper()}": value for name, value in given.items()})
    except RefusesToStart as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize(
    "url",
    [
        REMOTE,
        f"{REMOTE}?sslmode=disable",
        f"{REMOTE}?sslmode=prefer",
        f"{REMOTE}?sslmode=require",
        "postgresql+psycopg://paper@10.0.0.5/paper",
        "postgresql://paper@127.0.0.1,db.paper.example/paper",
        "postgresql:///paper?host=db.paper.example",
        "postgresql://localhost/paper?hostaddr=10.0.0.5",
        "postgresql:///paper?service=elsewhere",
        "postgresql:///paper?host=db.paper.example,localhost&hostaddr=,127.0.0.1",
    ],
)
def test_a_database_elsewhere_without_proof_of_whose_it_is(url: str) -> None:
    assert "BILLING_DATABASE_URL leads to another machine" in said(database_url=url)
    assert "sslmode=verify-full" in said(database_url=url)
    assert "db-password" not in said(database_url=url)


@pytest.mark.parametrize(
    "url",
    [
        f"{REMOTE}?sslmode=verify-full&sslrootcert=system",
        f"{REMOTE}?sslmode=verify-ca&sslrootcert=/etc/ca.pem",
        "postgresql://paper@localhost/paper",
        "postgresql://paper@[::1]:5432/paper",
        "postgresql:///paper?host=/var/run/postgresql",
        "postgresql:///paper",
    ],
)
def test_a_proved_database_or_one_on_this_machine_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FROM_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    assert said(database_url=url) == ""


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("PGHOST", "db.paper.example", "postgresql:///paper"),
        ("PGHOSTADDR", "10.0.0.5", "postgresql:///paper"),
        ("PGHOSTADDR", "10.0.0.5", "postgresql://localhost/paper"),
    ],
)
def test_what_libpq_takes_from_the_environment_counts(
    name: str, value: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in FROM_ENVIRONMENT:
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(name, value)
    assert "BILLING_DATABASE_URL leads to another machine" in said(database_url=url)
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert said(database_url=url) == ""


def test_a_service_file_may_lead_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service file comes before the environment, so only the URL's own mode is certain."""
    service = tmp_path / "pg_service.conf"
    service.write_text("[elsewhere]\nhostaddr=10.0.0.5\nsslmode=disable\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    monkeypatch.setenv("PGSERVICE", "elsewhere")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "BILLING_DATABASE_URL leads to another machine" in said(
        database_url="postgresql://localhost/paper"
    )
    assert said(database_url="postgresql://localhost/paper?sslmode=verify-full") == ""


def test_no_proxy_where_one_must_end_tls() -> None:
    assert "BILLING_PROXY_COUNT is 0" in said(proxy_count="0")
    without = {name: value for name, value in LIVE.items() if name != "BILLING_PROXY_COUNT"}
    with pytest.raises(RefusesToStart, match="BILLING_PROXY_COUNT is 0"):
        read_settings(without)
    assert said(proxy_count="none") == ""
    assert read_settings(LIVE | {"BILLING_PROXY_COUNT": "none"}).proxy_count == 0
    assert "BILLING_PROXY_COUNT" in said(proxy_count="some")


@pytest.mark.parametrize(
    "key",
    [
        "deadbeefcafe" * 4,
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz012345",
        "the swartberg post is the best paper",
        "kR7!pW2@zX9#mN4$password6%cL1^hJ",
        "Kransrivier.Oudtshoorn.Ladismith.Calitzdorp",
    ],
)
def test_a_key_that_can_be_guessed(key: str) -> None:
    found = said(secret_key=key)
    assert found.startswith("BILLING_SECRET_KEY ")
    assert "openssl rand -base64 48" in found
    assert key not in found


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("stripe_secret_key", f"sk_live_{KEY}"),
        ("stripe_webhook_secrets", f"whsec_other, whsec_{KEY}"),
        ("database_url", f"postgresql://paper:{quote(KEY, safe='')}@127.0.0.1/paper"),
        ("smtp_url", f"smtps://paper:{quote(KEY, safe='')}@relay.example"),
    ],
)
def test_a_key_that_somebody_else_knows_too(setting: str, value: str) -> None:
    found = said(**{setting: value})
    assert f"BILLING_SECRET_KEY is in BILLING_{setting.upper()} too" in found
    assert KEY not in found


def test_a_previous_key_that_is_the_present_one() -> None:
    assert "BILLING_PREVIOUS_SECRET_KEYS holds the present key" in said(previous_secret_keys=KEY)


def test_a_relay_elsewhere_without_tls() -> None:
    assert "BILLING_SMTP_URL leads to another machine unencrypted" in said(smtp_url="smtp://relay.example:25")
    assert said(smtp_url="smtp://127.0.0.1:25") == ""


@pytest.mark.parametrize(
    "name",
    [
        *("publisher_name", "publisher_legal_name", "publisher_address", "publisher_vat_number"),
        *("publisher_phone", "mail_from", "newsletter_from"),
        *("publisher_registration_number", "publisher_registration_place", "publisher_directors"),
    ],
)
def test_the_sample_papers_own(name: str) -> None:
    """Also where it was left out, and where it was typed again."""
    sample = str(Settings.model_fields[name].default)
    words = f"BILLING_{name.upper()} is still the sample paper's"
    for typed in (sample, sample.upper(), sample.replace(" ", "  ")):
        assert words in said(**{name: typed})
    with pytest.raises(RefusesToStart, match=words):
        read_settings({each: value for each, value in LIVE.items() if each != f"BILLING_{name.upper()}"})


@pytest.mark.parametrize("name", ["publisher_registration_number", "publisher_registration_place"])
def test_what_readers_must_be_given_before_an_order(name: str) -> None:
    assert f"BILLING_{name.upper()} is empty" in said(**{name: " "})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "https://accounts.paper.example"),
        ("public_url", "https://localhost"),
        ("sites", "https://www.paper.co.za,https://www.example.com"),
        ("paper_url", "https://127.0.0.1/today"),
        ("license", "https://paper.test/license.xml"),
        ("mail_from", "hello@paper.example"),
        ("newsletter_from", "letters@news.example.org"),
        ("bounce_domain", "bounces.paper.invalid"),
        ("security_contact", "mailto:security@paper.example"),
    ],
)
def test_a_sample_address_that_readers_would_see(name: str, value: str) -> None:
    assert f"BILLING_{name.upper()} names " in said(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paper_url", "/articles"),
        ("license", "own"),
        ("mail_from", "hello@example-post.co.za"),
        ("sites", "https://www.testament.co.za"),
        ("bounce_domain", "bounces.paper.co.za"),
    ],
)
def test_what_only_looks_like_a_sample(name: str, value: str) -> None:
    assert said(**{name: value}) == ""


def test_what_belongs_to_the_demo() -> None:
    assert "BILLING_MAILBOX_DIR is the demo's" in said(mailbox_dir="/var/lib/mailbox")
    assert "BILLING_SANDBOX_URL is the demo's" in said(sandbox_url="http://127.0.0.1:4242")
    assert "BILLING_SMTP_URL is still the demo's" in said(smtp_url="smtp://127.0.0.1:2525")


@pytest.mark.parametrize(
    "folder", ["", "journals", "/tmp/journals", "/var/tmp/x", "/dev/shm/x", "/var/lib/../tmp/x"]
)
def test_a_journal_where_others_may_write(folder: str) -> None:
    assert "BILLING_JOURNAL_DIR is" in said(journal_dir=folder)


def test_a_link_into_temporary_files_is_seen_through(tmp_path: Path) -> None:
    assert "BILLING_JOURNAL_DIR is a folder for temporary files" in said(journal_dir=str(tmp_path))


def test_a_journal_that_another_could_have_written_is_not_believed(tmp_path: Path) -> None:
    """An attacker who guesses the folder could create it first, and record mails as sent."""
    planted = tmp_path / "open"
    planted.mkdir()
    planted.chmod(0o777)
    linked = tmp_path / "linked"
    linked.symlink_to(planted)
    for folder, fault in ((planted, "is open to others"), (linked, "is no folder")):
        with pytest.raises(RefusesToStart, match=f"BILLING_JOURNAL_DIR.*{fault}"):
            send_log.place(folder)
    planted.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(planted, 65534, 65534)
        with pytest.raises(RefusesToStart, match="belongs to somebody else"):
            send_log.place(planted)
        os.chown(planted, 0, 0)
    assert send_log.place(planted)
    assert send_log.place(tmp_path / "new")


def test_a_journal_that_cant_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RefusesToStart, match=r"BILLING_JOURNAL_DIR: .*can't be made or written .*chmod 700"):
        send_log.place(tmp_path / "file" / "journals")


def test_a_worker_does_not_start_with_it(database_url: str, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.mkdir(mode=0o755)
    refused(
        run(environment(database_url, journal_dir=str(planted)), "worker", folder=tmp_path),
        "BILLING_JOURNAL_DIR",
        "chmod 700",
    )
