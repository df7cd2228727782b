"""Terms, privacy notice and refund policy: published by command, shown everywhere, each version kept, named by each consent (ECT-1)."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from billing.brand import legal
from billing.cli.processes import _refuse_without_terms
from billing.platform.errors import Refusal, RefusesToStart
from billing.platform.settings import Environment
from tests.support.cli import run_on
from tests.support.documented import documented
from tests.support.polling import until
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World

WHY = ("--reason", "counsel's words")
TERMS = "# What you get\n\nEvery article. <script>alert(1)</script>\n\n- **for you**\n"


def done(world: World, *words: str, stdin: str = "") -> str:
    answer = run_on(world, "legal", *words, stdin=stdin.encode())
    assert answer.exit_code == 0, answer.output or answer.exception
    return answer.stdout


def publish_all(world: World) -> None:
    done(world, "text", "terms", "-", *WHY, stdin=TERMS)
    done(world, "page", "privacy", "https://www.paper.co.za/privacy", *WHY)
    done(world, "text", "refunds", "-", *WHY, stdin="All of it.")
    until(lambda: len(world.services.publisher.house.documents) == 3, "the web process to have all three")


def test_without_documents_pages_name_none_and_say_so_where_asked(world: World) -> None:
    browser = world.browser()
    assert 'href="/terms"' not in browser.get("/").text
    assert browser.get("/terms").status == 404
    browser.get("/subscribe")
    browser.post("/subscribe", email="thandi@example.org")
    assert "You accept our" not in browser.page.words
    assert "`billing legal text privacy FILE`" in done(world, "show")


def test_a_text_is_shown_safely_and_a_page_is_led_to(world: World) -> None:
    publish_all(world)
    browser = world.browser()
    foot = browser.get("/").text.partition("<footer")[2]
    for kind, label in (("terms", "Terms"), ("privacy", "Privacy notice"), ("refunds", "Refund policy")):
        assert f'<a href="/{kind}">{label}</a>' in foot
    page = browser.get("/terms")
    assert "<h2>What you get</h2>" in page.text
    assert "<script>alert" not in page.text
    assert "Version 1, in force since Monday 1 March 2027" in page.words
    browser.http.follow_redirects = False
    led = browser.get("/privacy").response
    assert (led.status_code, led.headers["location"]) == (303, "https://www.paper.co.za/privacy")
    assert browser.get("/privacy/1").status == 200
    assert browser.get("/terms/2").status == 404
    assert browser.get("/terms/none").status == 422


def test_each_version_stays_readable_and_nothing_rewrites_it(world: World) -> None:
    publish_all(world)
    done(world, "text", "terms", "-", *WHY, stdin="# Fewer words")
    browser = world.browser()
    assert "Fewer words" in browser.get("/terms").words
    assert "version 1 of 1 Mar 2027" in browser.page.words
    assert "It is no longer in force" in browser.get("/terms/1").words
    assert "Every article." in browser.page.words
    assert browser.page.response.headers["x-robots-tag"] == "noindex"
    for statement in ("UPDATE legal_document SET words = 'x'", "DELETE FROM legal_document"):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"):
            world.execute(statement)


def test_a_consent_names_the_versions_that_its_page_showed(world: World) -> None:
    publish_all(world)
    browser = world.browser()
    browser.start("thandi@example.org")
    (kept,) = world.rows("SELECT t.words, t.text_hash FROM consent JOIN consent_text t USING (text_hash)")
    sentence, _, beside = kept["words"].partition("\n")
    assert sentence.startswith("Yes, start my 14 days free.")
    for row in world.rows("SELECT kind, number, text_hash FROM legal_document"):
        assert f"version {row['number']}, SHA-256 {row['text_hash']}" in beside
    assert "Terms version 1" in beside


def test_a_consent_from_an_app_names_the_versions_in_force_when_it_was_given(world: World) -> None:
    publish_all(world)
    accepted = world.now.isoformat()
    world.advance(hours=1)
    done(world, "text", "terms", "-", *WHY, stdin="Other terms.")
    consent = {"text_version": "app-1", "accepted_at": accepted, "ip": "196.25.1.9", "user_agent": "App/1"}
    world.start_trial("thandi@example.org", consent=consent)
    world.start_trial("sipho@example.org", "pm_card_visa__2")
    first, second = world.rows(
        "SELECT words FROM consent JOIN consent_text USING (text_hash) ORDER BY accepted_at"
    )
    assert "Terms version 1" in first["words"]
    assert "Terms version 2" in second["words"]
    assert first["words"].startswith("Yes, start my 14 days free.")


def test_another_plan_is_agreed_to_with_the_versions_that_its_page_showed(
    world: World, paid: Subscriber
) -> None:
    publish_all(world)
    browser = signed_in(world, paid.email)
    assert "You accept our terms and refund policy" in browser.get("/account/plan?to=yearly").words
    done(world, "text", "terms", "-", *WHY, stdin="Other terms.")
    again = browser.post("/account/plan", consent="yes")
    assert "Our terms have changed since you opened this page." in again.words
    browser.post("/account/plan", consent="yes")
    (kept,) = world.rows(
        "SELECT words FROM consent JOIN consent_text USING (text_hash) WHERE kind = 'switch'"
    )
    assert "Terms version 2" in kept["words"]


def test_nobody_agrees_to_a_version_that_came_after_the_page(world: World) -> None:
    publish_all(world)
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email="thandi@example.org")
    assert "You accept our terms and refund policy" in browser.page.words
    done(world, "text", "terms", "-", *WHY, stdin="Other terms.")
    answer = browser.post("/subscribe/review", consent="yes")
    assert answer.status == 409
    assert "Our terms have changed since you opened this page." in answer.words
    assert world.rows("SELECT 1 FROM consent") == []
    browser.agree_and_pay()
    (kept,) = world.rows("SELECT words FROM consent JOIN consent_text USING (text_hash)")
    assert "Terms version 2" in kept["words"]


def test_mails_carry_the_documents_in_both_parts(world: World) -> None:
    publish_all(world)
    world.browser().start("thandi@example.org")
    world.settle()
    for letter in world.letters("thandi@example.org"):
        for kind in ("terms", "privacy", "refunds"):
            assert f"{world.url}/{kind}" in letter.links
            assert f"{world.url}/{kind}" in letter.text


@pytest.mark.parametrize(
    ("words", "stdin", "why"),
    [
        (("text", "terms", "-"), " \n", "Give a text, or the address of a page."),
        (("text", "terms", "-"), "a\x07b", "control character"),
        (("text", "terms", "-"), "a" * 60_001, "may have 60000"),
        (("page", "terms", "http://paper.co.za/terms"), "", "must begin with https://"),
        (("page", "terms", "javascript:alert(1)"), "", "must begin with https://"),
    ],
)
def test_what_cant_be_a_document(world: World, words: tuple[str, ...], stdin: str, why: str) -> None:
    answer = run_on(world, "legal", *words, *WHY, stdin=stdin.encode())
    assert isinstance(answer.exception, Refusal)
    assert why in str(answer.exception)


def test_the_same_text_again_is_no_new_version_and_a_reason_is_kept(world: World) -> None:
    done(world, "text", "terms", "-", *WHY, stdin=TERMS)
    again = run_on(world, "legal", "text", "terms", "-", *WHY, stdin=TERMS.replace("\n", "\r\n").encode())
    assert isinstance(again.exception, legal.DocumentUnchanged)
    (line,) = world.rows("SELECT act, subject, reason FROM audit_line WHERE act = 'legal'")
    assert line == {"act": "legal", "subject": "terms", "reason": "counsel's words"}


def test_the_documented_commands_do_as_the_page_says(world: World, tmp_path: Path) -> None:
    (tmp_path / "terms.md").write_text(TERMS)
    (block,) = documented("operate.md", "Terms, privacy and refunds")
    for line in block.splitlines():
        _, _, *words = shlex.split(line)
        shown = done(world, *(str(tmp_path / "terms.md") if word == "FILE" else word for word in words))
    assert "terms    version 1, since 2027-03-01: " in shown
    assert "https://www.paper.co.za/privacy" in shown


def live(world: World) -> Any:
    """The services as those of a live installation."""
    settings = world.services.settings.model_copy(update={"environment": Environment.LIVE})
    return replace(world.services, settings=settings)


def test_live_starts_with_all_three_only(world: World) -> None:
    with pytest.raises(RefusesToStart) as refusal:
        _refuse_without_terms(live(world))
    for kind in legal.DocumentKind:
        assert f"Not published yet: {kind.label.lower()}," in str(refusal.value)
        assert f"`billing legal text {kind} FILE`" in str(refusal.value)
    publish_all(world)
    _refuse_without_terms(live(world))
    _refuse_without_terms(world.services)
