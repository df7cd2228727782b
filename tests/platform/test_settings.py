"""Settings are read once, validated, and never reveal secrets."""

from pathlib import Path

import pytest

from billing.dev.demo_app import proof_for
from billing.dev.paper.googlebot import NoProof
from billing.platform.errors import RefusesToStart
from billing.platform.settings import Environment, Settings, read_settings
from tests.support.live_settings import LIVE, SECRETS

TEST = SECRETS | {"BILLING_STRIPE_SECRET_KEY": "sk_test_1"}


def test_a_live_installation_with_everything_in_order_starts() -> None:
    settings = read_settings(LIVE)
    assert settings.environment is Environment.LIVE
    assert settings.secure
    assert not settings.held
    assert settings.public_url == "https://accounts.paper.co.za"
    assert settings.stripe_webhook_secrets == ("whsec_first_one", "whsec_second_one")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BILLING_SECRET_KEY", "a" * 40),
        ("BILLING_SECRET_KEY", "change-me" * 5),
        ("BILLING_STRIPE_SECRET_KEY", "sk_test_4f9a8b7c6d5e"),
        ("BILLING_STRIPE_SECRET_KEY", "pk_live_4f9a8b7c6d5e"),
        ("BILLING_STRIPE_API_BASE", "http://127.0.0.1:4242"),
        ("BILLING_STRIPE_API_BASE", "https://localhost:4242"),
        ("BILLING_STRIPE_API_BASE", "http://api.stripe.com"),
        ("BILLING_STRIPE_WEBHOOK_SECRETS", " , "),
        ("BILLING_CLOCK", "held"),
        ("BILLING_PUBLIC_URL", "http://accounts.paper.co.za"),
    ],
)
def test_live_refuses_what_is_unsafe_and_names_it(name: str, value: str) -> None:
    with pytest.raises(RefusesToStart) as refusal:
        read_settings(LIVE | {name: value})
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_everything_that_is_unsafe_is_named_at_once() -> None:
    unsafe = {"BILLING_CLOCK": "held", "BILLING_PUBLIC_URL": "http://x.co.za", "BILLING_SECRET_KEY": "b" * 32}
    with pytest.raises(RefusesToStart) as refusal:
        read_settings(LIVE | unsafe)
    assert all(name in str(refusal.value) for name in unsafe)


def test_a_live_key_never_comes_near_a_test() -> None:
    for environment in ("demo", "test"):
        with pytest.raises(RefusesToStart, match="BILLING_STRIPE_SECRET_KEY is a live key"):
            read_settings(
                TEST | {"BILLING_ENVIRONMENT": environment, "BILLING_STRIPE_SECRET_KEY": "rk_live_x"}
            )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BILLING_ENVIRONMENT", "staging"),
        ("BILLING_CLOCK", "backwards"),
        ("BILLING_TIME_ZONE", "Africa/Kransrivier"),
        ("BILLING_TIME_ZONE", "../../etc/passwd"),
        ("BILLING_PORT", "eighty"),
        ("BILLING_PORT", "65536"),
        ("BILLING_PUBLIC_URL", "accounts.paper.co.za"),
        ("BILLING_PUBLIC_URL", "ftp://paper.co.za"),
        ("BILLING_PUBLIC_URL", "http://paper.co.za:port"),
        ("BILLING_STRIPE_API_BASE", "javascript:alert(1)"),
        ("BILLING_PROXY_COUNT", "-1"),
        ("BILLING_SECRET_KEY", "short"),
        ("BILLING_PUBLISHER_VAT_NUMBER", "123"),
        ("BILLING_METER_REGISTERED", "-1"),
        ("BILLING_TICK_SECONDS", "0"),
        ("BILLING_PUBLISHER_NAME", "The Post\r\nBcc: all@example.com"),
        ("BILLING_MAIL_FROM", "The\x1fPost <post@example.com>"),
        ("BILLING_MAIL_FROM", "The Post <post@example.com>"),
        ("BILLING_NEWSLETTER_FROM", "news.paper.co.za"),
        ("BILLING_STRIPE_WEBHOOK_SECRETS", "we_1QxyzEndpoint"),
        ("BILLING_STRIPE_WEBHOOK_SECRETS", "whsec_"),
        ("BILLING_CHARGE_CONCURRENCY", "0"),
        ("BILLING_REFUSED_CRAWLERS", "training, robots"),
        ("BILLING_LICENSE", "license.xml"),
        ("BILLING_LICENSE", "https://paper.example/a b"),
        ("BILLING_LICENSE", "https://paper.example/\nUser-agent: *"),
        ("BILLING_SHARED_SECONDS", "301"),
    ],
)
def test_a_wrong_value_is_named_in_one_line_without_repeating_it(name: str, value: str) -> None:
    with pytest.raises(RefusesToStart) as refusal:
        read_settings(TEST | {name: value})
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert value not in str(refusal.value) or name != "BILLING_SECRET_KEY"


@pytest.mark.parametrize("name", ["BILLING_DATABASE_URL", "BILLING_SECRET_KEY", "BILLING_STRIPE_SECRET_KEY"])
def test_what_has_no_default_must_be_given(name: str) -> None:
    with pytest.raises(RefusesToStart, match=f"{name} is missing"):
        read_settings({each: value for each, value in TEST.items() if each != name})


def test_without_any_setting_all_that_is_needed_is_named() -> None:
    with pytest.raises(RefusesToStart) as refusal:
        read_settings({})
    assert str(refusal.value).count("is missing") == 3


def test_no_secret_shows_when_settings_are_printed_or_refused() -> None:
    settings = read_settings(LIVE)
    hidden = ("db-password", "kR7!", "sk_live_4f9a", "whsec_", "smtp-password")
    for text in (repr(settings), str(settings), f"{settings!r:>10}", str(settings.__repr_args__)):
        assert [secret for secret in hidden if secret in text] == []
    with pytest.raises(RefusesToStart) as refusal:
        read_settings(SECRETS | {"BILLING_SECRET_KEY": "kR7!short", "BILLING_PORT": "x"})
    assert [secret for secret in hidden if secret in str(refusal.value)] == []


def in_file(folder: Path, content: str | bytes) -> str:
    """A file with this content; its path."""
    path = folder / "value"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize("line_break", ["", "\n", "\r\n"])
def test_each_setting_may_stand_in_a_file(line_break: str, tmp_path: Path) -> None:
    key = TEST["BILLING_SECRET_KEY"]
    without = {name: value for name, value in TEST.items() if name != "BILLING_SECRET_KEY"}
    settings = read_settings(without | {"BILLING_SECRET_KEY_FILE": in_file(tmp_path, key + line_break)})
    assert settings.secret_key.get_secret_value() == key
    path = in_file(tmp_path, f"8123{line_break}")
    assert read_settings(TEST | {"BILLING_PORT_FILE": path}).port == 8123


def test_a_setting_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    given = {"BILLING_SECRET_KEY_FILE": in_file(tmp_path, "another")}
    with pytest.raises(RefusesToStart, match="BILLING_SECRET_KEY and BILLING_SECRET_KEY_FILE are both given"):
        read_settings(TEST | given)


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "No such file"), (b"\xff\xfe", "isn't text"), ("two\nlines\n", "line break")],
)
def test_a_file_that_holds_no_setting_is_named(
    content: str | bytes | None, fault: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "gone") if content is None else in_file(tmp_path, content)
    with pytest.raises(RefusesToStart, match=f"BILLING_SMTP_URL.*{fault}") as refusal:
        read_settings(
            {name: value for name, value in TEST.items() if name != "BILLING_SMTP_URL"}
            | {"BILLING_SMTP_URL_FILE": path}
        )
    assert content == "two\nlines\n" or path in str(refusal.value)


def test_a_secret_in_place_of_its_file_is_not_repeated() -> None:
    with pytest.raises(
        RefusesToStart, match="BILLING_STRIPE_SECRET_KEY_FILE isn't the absolute path"
    ) as found:
        read_settings({"BILLING_STRIPE_SECRET_KEY_FILE": "rk_live_4f9a8b7c6d5e"})
    assert "rk_live" not in str(found.value)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("BILLING_PUBLIC_URI", "BILLING_PUBLIC_URL"),
        ("BILLING_STRIPE_WEBHOOK_SECRET", "BILLING_STRIPE_WEBHOOK_SECRETS"),
        ("BILLING_PROXYCOUNT", "BILLING_PROXY_COUNT"),
        ("BILLING_SECRETKEY_FILE", "BILLING_SECRET_KEY_FILE"),
    ],
)
def test_a_misspelt_setting_is_refused_with_the_one_that_was_meant(misspelt: str, meant: str) -> None:
    with pytest.raises(RefusesToStart) as refusal:
        read_settings(TEST | {misspelt: "4f9a8b7c6d5e"})
    assert str(refusal.value) == f"{misspelt} is no setting: did you mean {meant}?"


def test_a_name_like_no_setting_is_refused_too() -> None:
    with pytest.raises(RefusesToStart, match=r"^BILLING_WEATHER is no setting$"):
        read_settings(TEST | {"BILLING_WEATHER": "fine", "MASTHEAD_SEED": "1"})


def test_no_settings_name_can_be_taken_for_a_file_of_another() -> None:
    assert [name for name in Settings.model_fields if name.endswith("_file")] == []


def test_a_list_of_crawlers_that_cant_be_read_refuses_the_start(tmp_path: Path) -> None:
    """Not at the first crawler, a week later."""
    broken = tmp_path / "list.json"
    broken.write_text("<html>")
    for path in (tmp_path / "nothing.json", tmp_path, broken):
        with pytest.raises(RefusesToStart, match="BILLING_CRAWLERS can't be used"):
            proof_for(read_settings(TEST | {"BILLING_CRAWLERS": str(path)}))
    assert isinstance(proof_for(read_settings(TEST)), NoProof)


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings(TEST).port = 1


def test_every_setting_says_what_it_is() -> None:
    words = {name: field.description or "" for name, field in Settings.model_fields.items()}
    assert [name for name, said in words.items() if not said.endswith((".", "`)."))] == []
