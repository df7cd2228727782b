"""`billing mail test` and `billing mail check`: a test newsletter to oneself, and a check of what its mailbox received."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from billing.cli import billing, main
from billing.platform.errors import Refusal
from tests.support.cli import run_on
from tests.support.dkim import signature
from tests.support.fake_smtp import Received
from tests.support.newsroom import HEADERS, Newsroom, headers_of, parsed
from tests.support.table_contents import changed, contents

OPERATOR = "operator@mailbox.example"


def sent_to_operator(newsroom: Newsroom, *more: str) -> Received:
    done = run_on(newsroom.world, "mail", "test", OPERATOR, *more)
    assert done.exit_code == 0, done.output
    assert f"is on its way to {OPERATOR}" in done.output
    (mail,) = newsroom.arrived_for(OPERATOR)
    return mail


def check(raw: bytes) -> tuple[int, str]:
    """Without settings: it may be done anywhere."""
    done = CliRunner().invoke(billing, ["mail", "check", "-"], input=raw, env={"BILLING_DATABASE_URL": ""})
    return done.exit_code, done.output


def test_the_test_has_every_header_of_an_issue_and_goes_its_way(newsroom: Newsroom) -> None:
    newsroom.people(1)
    newsroom.send()
    (issue,) = newsroom.arrived()
    test = sent_to_operator(newsroom)
    ours, theirs = headers_of(test), headers_of(issue)
    assert list(ours) == list(theirs)
    assert {name: len(ours[name]) for name in HEADERS} == dict.fromkeys(HEADERS, 1)
    for name in ("From", "Reply-To", "List-Id", "List-Unsubscribe-Post", "MIME-Version"):
        assert ours[name] == theirs[name]
    assert ours["Feedback-ID"][0].partition(":")[2] == theirs["Feedback-ID"][0].partition(":")[2]
    assert ours["Subject"] == ["[Test] How newsletters arrive"]
    assert "billing mail check" in parsed(test).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    other = run_on(newsroom.world, "mail", "test", OPERATOR, "--newsletter", "the-long-read")
    assert other.exit_code == 0
    assert "the-long-read.newsletters." in headers_of(newsroom.arrived_for(OPERATOR)[1])["List-Id"][0]


def test_its_links_do_no_harm_and_answer_kindly(newsroom: Newsroom) -> None:
    newsroom.people(2)
    before = contents(newsroom.world)
    link = (
        headers_of(sent_to_operator(newsroom))["List-Unsubscribe"][0]
        .strip("<>")
        .removeprefix(newsroom.world.url)
    )
    program = newsroom.world.http_client()
    asked = program.get(link)
    assert (asked.status_code, "<form" in asked.text) == (200, True)
    done = program.post(link, data={"List-Unsubscribe": "One-Click"})
    assert (done.status_code, done.history) == (200, [])
    assert "Nothing more comes" in done.text
    assert changed(before, contents(newsroom.world)) == []


def test_what_arrives_is_checked_line_by_line(newsroom: Newsroom, tmp_path: Path) -> None:
    bare = sent_to_operator(newsroom).raw.replace(b"<http://", b"<https://")
    status, said = check(bare)
    assert (status, said.count("  NO  ")) == (1, 1), said
    assert "no DKIM-Signature is of news.swartbergpost.example" in said
    signed = f"{signature('news.swartbergpost.example')}\r\n".encode() + bare
    status, said = check(signed)
    assert (status, "  NO  " in said) == (0, False), said
    lines = [line.strip() for line in said.splitlines()]
    assert "yes  List-Unsubscribe is signed" in lines
    assert "yes  List-Unsubscribe-Post is signed" in lines
    left_out = signed.replace(b":List-Unsubscribe-Post", b"")
    file = tmp_path / "delivered.eml"
    file.write_bytes(left_out)
    done = CliRunner().invoke(billing, ["mail", "check", str(file)])
    assert done.exit_code == 1
    assert "NO  List-Unsubscribe-Post is not in h=" in done.output


def test_what_cannot_be_done_is_said_in_one_line(newsroom: Newsroom) -> None:
    for words in (["mail", "test", "nobody"], ["mail", "test", OPERATOR, "--newsletter", "none"]):
        done = run_on(newsroom.world, *words)
        assert done.exit_code == 1
        assert isinstance(done.exception, Refusal), "which `main` says in one line"
    newsroom.world.smtp.refuse(550, "not you")
    done = run_on(newsroom.world, "mail", "test", OPERATOR)
    assert done.exit_code == 1
    assert done.output.startswith("Error: The mail server didn't take it: ")
    assert "not you" in done.output
    assert done.output.count("\n") == 1


def test_no_mail_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "not-a-mail"
    file.write_bytes(b"\x89PNG\r\n")
    monkeypatch.setattr("sys.argv", ["billing", "mail", "check", str(file)])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (1, "")
    assert (
        err
        == "billing: This holds no mail: no From among its headers. Save the raw source of the message, headers and all.\n"
    )
