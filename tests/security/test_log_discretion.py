"""The log of a whole story with refusals and errors: enough to follow it, nothing to misuse (SEC-9)."""

import logging
import re
from collections.abc import Callable

import pytest

from billing.platform.logs import LINE, NOISY, Discreet, DiscreetJson, discreet
from tests.support.broken_tables import every_commit_fails, refused_rows
from tests.support.installation import SECRET_KEY, WEBHOOK_SECRET
from tests.support.sandbox import KEY
from tests.support.webhook_messages import event, post
from tests.support.world import World, local

ADDRESS, NUMBER = "thandi.mokoena@example.com", "4242424242424242"


@pytest.fixture
def listening(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log as `billing serve` and `billing worker` keep it, before it is made discreet."""
    for noisy in (*NOISY, "mail.log"):  # the last is the tests' own mail server
        caplog.set_level(logging.WARNING, logger=noisy)
    caplog.set_level(logging.INFO)  # last: it is also what the handler lets through
    return caplog


def test_a_whole_story_leaves_no_secret_in_the_log(world: World, listening: pytest.LogCaptureFixture) -> None:
    browser = world.browser()
    browser.start(ADDRESS, NUMBER)
    world.advance_to(local(2027, 3, 16, 9))
    browser.get("/account/cancel")
    browser.post("/account/cancel", comment=f"my card is {NUMBER}")
    world.settle()
    other = world.browser()
    other.sign_in(ADDRESS)
    links = [
        link for letter in world.letters(ADDRESS) for link in letter.links if "." in link.rpartition("/")[2]
    ]
    tokens = {link.rpartition("/")[2] for link in links if re.search(r"/(cancel|card|sign-in/link)/", link)}
    assert len(tokens) >= 2
    for token in tokens:
        for path in (
            f"/cancel/{token}x",
            f"/cancel/{token}/more",
            f"/card/{token}",
            f"/nothing/{token}",
            f"/sign-in/link/{token}",
        ):
            other.get(path)
            other.http.post(path, content=b"x" * 100_000)
            other.http.post(path)
    refusals(world)
    secrets = {
        SECRET_KEY,
        WEBHOOK_SECRET,
        KEY,
        world.api_key,
        ADDRESS,
        ADDRESS.upper(),
        NUMBER,
        "mk_forged_and_long",
        *(token.rpartition(".")[2] for token in tokens),
        *(value for each in (browser, other) for value in each.http.cookies.values() if len(value) > 20),
    }
    said = [record.getMessage() for record in listening.records]
    assert any("refused 404" in line for line in said)
    assert any("refused 413" in line for line in said)
    assert [(secret, line) for line in said for secret in secrets if secret in line] == []
    assert [line for line in said if "\n" in line or "\r" in line] == []


def refusals(world: World) -> None:
    """Bad input of each kind, with what must not be repeated in it."""
    world.try_trial("not an address " + ADDRESS)
    world.api.get("/v1/readers", headers={"authorization": "Bearer mk_forged_and_long"})
    world.api.get("/v1/readers", params={"email": ADDRESS})
    world.api.post("/v1/trials", json={"email": ADDRESS, "payment_method": NUMBER})
    world.api.get("/v1/access/%0aforged%20line%0d%0a2027-03-01%20INFO%20all%20is%20well")
    post(world, event(world), "whsec_wrong")


FORMS = pytest.mark.parametrize("form", [Discreet(LINE), DiscreetJson()], ids=["text", "json"])


@FORMS
def test_an_error_of_ours_is_logged_without_whose_it_was(
    world: World, listening: pytest.LogCaptureFixture, form: Discreet
) -> None:
    """The log has the traceback without the statement's parameters. The database's message is redacted."""
    with every_commit_fails(world, "reader"):
        assert world.try_trial(ADDRESS).status_code == 500
    with refused_rows(world, "reader", "length(email) < 5"):
        assert world.try_trial(ADDRESS).status_code >= 400
        assert world.try_trial("other@example.com").status_code >= 400
    lines = [form.format(record) for record in listening.records]
    assert any("Traceback" in line for line in lines)
    assert [line for line in lines if ADDRESS in line or "other@example.com" in line] == []


def test_an_installation_that_is_printed_shows_no_secret(make_world: Callable[..., World]) -> None:
    world = make_world(smtp_url="smtps://paper:relay-password@relay.example")
    for part in (
        world.services,
        world.services.settings,
        world.services.run_context,
        world.services.webhook_context,
        world.services.database,
        world.services.database.engine,
    ):
        shown = f"{part!r} {part}"
        hidden = (SECRET_KEY, KEY, WEBHOOK_SECRET, "relay-password", world.url_of_database)
        assert [secret for secret in hidden if secret in shown] == []


def test_every_refusal_is_in_the_log_with_the_id_that_was_answered(
    world: World, listening: pytest.LogCaptureFixture
) -> None:
    for path, code in (
        ("/v1/readers/none", "unknown_reader"),
        ("/nothing", "not_found"),
        ("/%00", "malformed"),
    ):
        answer = world.api.get(path)
        assert answer.json()["code"] == code
        wanted = f"request={answer.headers['x-request-id']}"
        assert any(wanted in line and code in line for line in listening.messages), path


@FORMS
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"to {ADDRESS} now", "thandi"),
        (f"<{ADDRESS}>", "thandi"),
        (f"card {NUMBER}.", NUMBER),
        ("GET /cancel/sub_01jd.Zm9vYmFyYmF6cXV4cXV1eGNvcmdl 404", "Zm9vYmFy"),
    ],
)
def test_the_line_that_leaves_is_discreet(said: str, kept: str, form: Discreet) -> None:
    assert kept not in discreet(said)
    assert kept not in form.format(logging.makeLogRecord({"msg": f"\n{said}\t"}))
    try:
        raise ValueError(said)
    except ValueError as error:
        found = (ValueError, error, error.__traceback__)
        assert kept not in form.format(logging.makeLogRecord({"msg": "broken", "exc_info": found}))


def test_the_same_address_can_be_followed_through_the_log() -> None:
    one, two = discreet(ADDRESS), discreet(f"again {ADDRESS.upper()}")
    assert one in two
    assert discreet("sipho@example.com") != one


def test_what_is_nobodys_secret_stays() -> None:
    line = "charged sub_01jd9zt8k2v7n3q5x6y7z8a9b0 inv_01jd9zt8k2v7n3q5x6y7z8a9b0: 7500 ZAR at 2027-03-16T07:00:00Z"
    assert discreet(line) == line


def test_one_event_is_one_line_whatever_is_in_it() -> None:
    record = logging.LogRecord(
        "billing", logging.INFO, "f", 1, "path %s", ("/a\r\n2027 INFO forged\u2028\x1b[2J",), None
    )
    assert len(Discreet(LINE).format(record).splitlines()) == 1
    try:
        raise ValueError("first\n2027-03-01 INFO billing forged")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    record.exc_text = None
    _, *rest = Discreet(LINE).format(record).splitlines()
    assert rest
    assert all(line.startswith("    ") for line in rest), rest


def test_sign_ins_consents_standing_and_money_are_told_with_the_request_that_brought_them(
    world: World, listening: pytest.LogCaptureFixture
) -> None:
    browser = world.browser()
    browser.start(ADDRESS, NUMBER)
    reader = world.rows("SELECT id FROM reader")[0]["id"]
    world.advance_to(local(2027, 3, 16, 9))
    other = world.browser()
    other.sign_in(ADDRESS)
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json={"amount": 100, "reason": "A kindness."})
    world.settle()
    lines_of_log = [record.getMessage() for record in listening.records if record.name == "billing.events"]

    def line(start: str, *parts: str) -> str:
        found = [
            each for each in lines_of_log if each.startswith(start) and all(part in each for part in parts)
        ]
        assert found, f"{start} {parts} isn't in {lines_of_log}"
        return found[-1]

    assert "request=" in line("consent kept", "to=trial/")
    assert "request=" in line("card kept", reader)
    assert "request=" in line("subscription started", reader, "state=trialing")
    assert "request=" not in line("charge intended", "cents=7500"), "the worker answers no request"
    line("charge charged", "cents=7500", "by=")
    line("subscription charged", "state=trialing->active", reader)
    assert "request=" in line("signed in", reader)
    line("sign-in link asked for", "address=address-")
    assert f"request={answer.headers['x-request-id']}" in line("refund intended", "cents=100", payment)
    line("staff refund done", "by=api:tests")
    line("refund succeeded", "cents=100")
    assert [each for each in lines_of_log if ADDRESS in each or NUMBER in each] == []


def test_what_is_undone_is_not_told(world: World, listening: pytest.LogCaptureFixture) -> None:
    with every_commit_fails(world, "reader"):
        assert world.try_trial(ADDRESS).status_code == 500
    assert [each for each in listening.records if each.name == "billing.events"] == []
